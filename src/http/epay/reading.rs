//! Parameters of a request: query string, form or multipart body, each bounded, decoded once, and each name once.

use axum::extract::Request;
use axum::http::{HeaderMap, header, request::Parts};
use bytes::Bytes;
use payments::epay::{Fields, Refusal};

use crate::http::body::{self, BodyError};
use crate::listen::Peer;

const MAX_BYTES: usize = 64 * 1024;
const MAX_FIELDS: usize = 100;

/// Parameters that a client sent.
#[derive(Debug)]
pub struct Call {
    pub query: Fields,
    pub body: Fields,
    pub head: Parts,
}

/// Reason why a request has no usable parameters.
#[derive(Debug)]
pub enum Unreadable {
    TooLarge,
    TooSlow,
    Refused(Refusal),
}

impl Call {
    /// Parameters of both places; a name with one value in both counts once.
    pub fn both(&self) -> Fields {
        // `read` has refused a name with two values.
        self.query.merge(&self.body).unwrap_or_default()
    }

    /// A browser's parameters: those of the query string when it names a merchant, else those of the body.
    pub fn of_browser(&self) -> &Fields {
        if self.query.get("pid").is_some() {
            &self.query
        } else {
            &self.body
        }
    }

    /// Address of the visitor; `None` only in a test of a handler alone.
    pub fn peer(&self) -> Option<std::net::IpAddr> {
        self.head.extensions.get::<Peer>().map(|peer| peer.0)
    }
}

/// Reads both places. One name with two values, in one place or in both, is refused: PHP takes the last, others the first.
pub async fn read(request: Request) -> Result<Call, Unreadable> {
    let (head, body) = request.into_parts();
    let bytes = body::read(&head.headers, body, MAX_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => Unreadable::TooLarge,
            BodyError::TooSlow => Unreadable::TooSlow,
            BodyError::Broken | BodyError::Encoded => {
                Unreadable::Refused(Refusal::refused("请求体无法读取 (the body cannot be read)"))
            }
        })?;
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let mut n_fields = 0;
    let query = collect_fields(decode_form(query)?, &mut n_fields)?;
    let body = match kind_of(&head.headers) {
        Kind::Form => decode_form(&bytes)?,
        Kind::Multipart(boundary) => decode_multipart(bytes, boundary).await?,
        // As PHP does: what is no form has no fields.
        Kind::Other => Vec::new(),
    };
    let body = collect_fields(body, &mut n_fields)?;
    if query.merge(&body).is_none() {
        return Err(repeated_field());
    }
    Ok(Call { query, body, head })
}

fn collect_fields(pairs: Vec<(String, String)>, n_fields: &mut usize) -> Result<Fields, Unreadable> {
    // No text may have U+0000 on PostgreSQL.
    let has_nul = |(name, value): &(String, String)| name.contains('\0') || value.contains('\0');
    if pairs.iter().any(has_nul) {
        return Err(not_text());
    }
    *n_fields += pairs.len();
    if *n_fields > MAX_FIELDS {
        return Err(Unreadable::TooLarge);
    }
    Fields::collect(pairs).ok_or_else(repeated_field)
}

fn repeated_field() -> Unreadable {
    Unreadable::Refused(Refusal::incomplete("参数重复 (a parameter is there twice)"))
}

fn not_text() -> Unreadable {
    Unreadable::Refused(Refusal::refused("参数不是 UTF-8 (a parameter is not UTF-8)"))
}

enum Kind {
    Form,
    Multipart(String),
    Other,
}

fn kind_of(headers: &HeaderMap) -> Kind {
    let Some(kind) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
    else {
        return Kind::Other;
    };
    let name = kind.split(';').next().unwrap_or_default().trim();
    if name.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Kind::Form;
    }
    match multer::parse_boundary(kind) {
        Ok(boundary) => Kind::Multipart(boundary),
        Err(_) => Kind::Other,
    }
}

fn decode_form(bytes: &[u8]) -> Result<Vec<(String, String)>, Unreadable> {
    let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || decode_half(halves.next().unwrap_or_default()).ok_or_else(not_text);
            Ok((half()?, half()?))
        })
        .collect()
}

/// A `+` is a space and `%2B` a plus. `None`: the bytes are not UTF-8.
fn decode_half(half: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = half
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let bytes: Vec<u8> = percent_encoding::percent_decode(&spaced).collect();
    String::from_utf8(bytes).ok()
}

/// Text fields only: a file is no parameter.
async fn decode_multipart(bytes: Bytes, boundary: String) -> Result<Vec<(String, String)>, Unreadable> {
    let broken = |_| Unreadable::Refused(Refusal::refused("请求体无法读取 (the body cannot be read)"));
    let whole = futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(bytes) });
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        if part.file_name().is_some() {
            continue;
        }
        let Some(name) = part.name().map(str::to_owned) else {
            continue;
        };
        let value = part.bytes().await.map_err(broken)?;
        pairs.push((name, String::from_utf8(value.to_vec()).map_err(|_| not_text())?));
        if pairs.len() > MAX_FIELDS {
            return Err(Unreadable::TooLarge);
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_once_and_must_be_text() {
        let pairs = decode_form(b"a=1+2%2B3&&b&c=%25%32%42&name=%E4%BC%9A").unwrap();
        let expected = [("a", "1 2+3"), ("b", ""), ("c", "%2B"), ("name", "会")];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        for bytes in [&b"a=%ff"[..], b"%c3%28=1", b"a=\xff", b"a=%ED%A0%80"] {
            assert!(decode_form(bytes).is_err());
        }
    }

    #[tokio::test]
    async fn a_multipart_body_gives_its_text_fields() {
        let body = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1+2\r\n\
            --x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\nfile\r\n--x--\r\n";
        let pairs = decode_multipart(Bytes::from(body), "x".to_owned()).await.unwrap();
        assert_eq!(pairs, [("a".to_owned(), "1+2".to_owned())]);
    }
}
