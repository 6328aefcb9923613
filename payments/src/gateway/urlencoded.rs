//! Form bodies as bytes: decoded exactly once (T-12), in any charset.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, GBK, UTF_8};
use percent_encoding::percent_decode;

/// Name and value of a parameter.
pub(super) type RawParam<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Parses the parameters of a form in their order.
pub(super) fn pairs(body: &[u8]) -> impl Iterator<Item = RawParam<'_>> {
    body.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(decoded_pair)
}

fn decoded_pair(pair: &[u8]) -> RawParam<'_> {
    let mut halves = pair.splitn(2, |byte| *byte == b'=');
    let mut half = || decode_once(halves.next().unwrap_or_default());
    (half(), half())
}

fn decode_once(part: &[u8]) -> Cow<'_, [u8]> {
    if !part.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(part);
    }
    // Decoding only shortens, so this never reallocates.
    let mut decoded = Vec::with_capacity(part.len());
    for (place, word) in part.split(|byte| *byte == b'+').enumerate() {
        if place > 0 {
            decoded.push(b' ');
        }
        decoded.extend(percent_decode(word));
    }
    Cow::Owned(decoded)
}

/// Charset of an Alipay form: the one it names, else that of its `Content-Type`, else UTF-8 (T-57).
pub(super) fn charset_of(body: &[u8], content_type: Option<&str>) -> &'static Encoding {
    let in_form = pairs(body).find(|(name, _)| **name == *b"charset");
    let in_header = content_type.and_then(|value| {
        value.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches('"'))
        })
    });
    let known =
        |label: &[u8]| Encoding::for_label(label).filter(|charset| [UTF_8, GBK, GB18030].contains(charset));
    in_form
        .and_then(|(_, label)| known(&label))
        .or_else(|| known(in_header?.as_bytes()))
        .unwrap_or(UTF_8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_57_the_charset_is_in_the_form_or_in_the_header_or_utf_8() {
        for (body, content_type, charset) in [
            ("a=1&charset=GBK", None, GBK),
            ("charset=utf-8", Some("text/plain; charset=GBK"), UTF_8),
            (
                "a=1",
                Some("application/x-www-form-urlencoded;CHARSET=\"gb2312\""),
                GBK,
            ),
            ("charset=utf-16", Some("text/plain; charset=GB18030"), GB18030),
            ("charset=", Some("text/plain; charset"), UTF_8),
            ("a=1", Some("text/plain"), UTF_8),
            ("a=1", None, UTF_8),
        ] {
            assert_eq!(
                charset_of(body.as_bytes(), content_type),
                charset,
                "{body} {content_type:?}"
            );
        }
    }
}
