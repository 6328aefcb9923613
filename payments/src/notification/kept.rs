//! Storage format of notifications: text that both engines accept, and from which the exact bytes can be restored.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

/// One `name: value` a line, without headers that could contain a secret of ours.
pub(super) fn header_lines(headers: &HeaderMap) -> String {
    let is_kept = |name: &str| !matches!(name, "authorization" | "cookie");
    headers
        .iter()
        .filter(|(name, _)| is_kept(name.as_str()))
        .map(|(name, value)| format!("{name}: {}\n", lossless_text(value.as_bytes())))
        .collect()
}

/// Prefix of text that holds other bytes in base64.
const ENCODED: &str = "base64:";

/// Encodes bytes as text that both engines accept, and from which the exact bytes can be restored: a signature over a
/// repaired body could not be verified again. Nearly all are text already and stay readable. PostgreSQL accepts no NUL in a
/// text, and a text that begins with the prefix is encoded too, so that decoding is unambiguous.
pub(super) fn lossless_text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') && !text.starts_with(ENCODED) => Cow::Borrowed(text),
        _ => Cow::Owned(format!("{ENCODED}{}", STANDARD.encode(bytes))),
    }
}

/// Decodes the bytes.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let encoded = text
        .strip_prefix(ENCODED)
        .and_then(|encoded| STANDARD.decode(encoded).ok());
    encoded.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Parses the stored headers. An invalid line is left out: a notification that lacks it fails verification.
pub(super) fn header_map(lines: &str) -> HeaderMap {
    lines
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(&bytes_of(value)).ok()?))
        })
        .fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_can_be_read_back_byte_for_byte() {
        let gbk = b"subject=\xBB\xE1\xD4\xB1&charset=GBK";
        for body in [
            "subject=会员".as_bytes(),
            gbk,
            b"",
            b"a=\0",
            b"base64:",
            b"base64:YWJj",
            &[0xFF; 300],
        ] {
            let text = lossless_text(body);
            assert_eq!(bytes_of(&text), body);
            assert!(!text.contains('\0'));
        }
        assert_eq!(lossless_text("{\"id\":\"会员\"}".as_bytes()), "{\"id\":\"会员\"}");
    }

    #[test]
    fn headers_with_possible_secrets_are_not_stored() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("cookie", "session=1"),
            ("authorization", "Bearer 1"),
            ("wechatpay-nonce", "n"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        assert_eq!(header_lines(&headers), "wechatpay-nonce: n\n");
        headers.remove("cookie");
        headers.remove("authorization");
        headers.append("wechatpay-nonce", "again: 2".parse().unwrap());
        headers.append("x-odd", HeaderValue::from_bytes(b"\xBB\xE1").unwrap());
        assert_eq!(
            header_map(&header_lines(&headers)),
            headers,
            "what was kept is read back"
        );
    }
}
