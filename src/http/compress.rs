//! Compression of pages: a payer on a slow line waits for the first page.
//!
//! Only pages of payers are compressed. They hold no secret that is not in their own address, so their size gives nothing
//! away (BREACH needs a secret that the attacker does not have, in a page the attacker can make the victim load).
//! The console is not compressed: there a cookie makes pages personal.

use std::io::Write as _;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::body::API_BYTES;
use super::error::Problem;

const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");
/// Level for pages: each is compressed for one request, so time counts too.
const QUICKLY: Compression = Compression::new(4);

/// Compresses the pages of payers.
pub async fn pages(request: Request, next: Next) -> Response {
    let is_for_payers =
        matches!(request.uri().path(), "/" | "/docs") || request.uri().path().starts_with("/checkout/");
    let is_wanted = is_for_payers && accepts_gzip(request.headers());
    let response = next.run(request).await;
    if !is_for_payers || !is_html(&response) {
        return response;
    }
    if is_wanted {
        compress_response(response).await
    } else {
        vary_by_encoding(response)
    }
}

/// Compresses at the highest level, once, at the start, for files that never change.
pub fn compress_max(content: &[u8]) -> Bytes {
    gzip_bytes(content, Compression::best())
}

pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    accepts_coding(headers, "gzip")
}

pub fn accepts_coding(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(accepted) = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    accepted.split(',').any(|entry| {
        let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let is_refused = matches!(weight.trim().trim_end_matches(['0', '.']), "q=");
        coding.trim().eq_ignore_ascii_case(wanted) && !is_refused
    })
}

fn mark_gzip(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_ENCODING, GZIP);
    headers.remove(header::CONTENT_LENGTH);
}

async fn compress_response(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    // Pages are small; a body that breaks off must not be sent half.
    let Ok(bytes) = to_bytes(body, API_BYTES).await else {
        return Problem::internal().into_response();
    };
    mark_gzip(&mut head.headers);
    vary_by_encoding(Response::from_parts(
        head,
        Body::from(gzip_bytes(&bytes, QUICKLY)),
    ))
}

fn vary_by_encoding(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, ACCEPT_ENCODING);
    response
}

fn is_html(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn gzip_bytes(content: &[u8], how: Compression) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 2), how);
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.expect("a vector takes all that is written to it").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_when_accepted() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_gzip(&headers)
        };
        assert!(accepts("gzip, deflate, br") && accepts("br;q=1.0, gzip;q=0.8") && accepts("GZIP"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts("gzip;q=0.000") && !accepts(""));
        assert!(accepts("gzip;q=0.05"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn compressed_content_decompresses_unchanged() {
        let text = "铜钱 ".repeat(1000);
        let small = compress_max(text.as_bytes());
        assert!(small.len() < text.len() / 10);
        let mut back = flate2::write::GzDecoder::new(Vec::new());
        back.write_all(&small).expect("it is gzip");
        assert_eq!(back.finish().expect("it is whole"), text.as_bytes());
    }
}
