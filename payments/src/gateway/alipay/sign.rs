//! Signed texts of Alipay's and our messages (docs/gateway-facts.md 2.1, 2.2, 2.6).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use encoding_rs::GBK;
use serde_json::value::RawValue;

use super::super::VerifyingKey;

/// Capacity hint, longer than most signed texts.
const USUAL_LENGTH: usize = 2048;

/// Part of an answer that carries the result of our call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// JSON, converted to UTF-8.
    pub text: String,
    /// Some refusals come unsigned; a wrong signature never yields a node.
    pub is_signed: bool,
}

/// Joins `k=v` by `&` in the order of the keys' bytes; values raw, neither quoted nor escaped.
pub fn joined<'a>(params: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut params: Vec<_> = params.into_iter().collect();
    // Sorted by key alone: sorting the pairs would differ when one key is a prefix of another (2.1).
    params.sort_by_key(|(name, _)| *name);
    joined_in_order(params)
}

/// Like [`joined`], for parameters that are sorted already.
pub(super) fn joined_in_order<'a>(params: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut text = Vec::with_capacity(USUAL_LENGTH);
    for (place, (name, value)) in params.into_iter().enumerate() {
        if place > 0 {
            text.push(b'&');
        }
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend_from_slice(value);
    }
    text
}

/// Text to sign of a request: every parameter that is sent, `sign_type` included, `sign` not.
///
/// A payer holds a signed address and may split its text elsewhere (T-53), without effect: an `&` in `biz_content`
/// leaves truncated JSON, and after `return_url` only the signature type, timestamp and version follow in the order of
/// names.
pub fn request_text(params: &[(&str, &str)]) -> Vec<u8> {
    joined(
        params
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
    )
}

/// Node of an answer as received, not yet verified.
#[derive(Debug)]
pub struct Sealed<'a> {
    node: &'a [u8],
    sign: Option<String>,
    /// Certificate that it was signed with, in certificate mode.
    pub cert_sn: Option<String>,
}

impl<'a> Sealed<'a> {
    /// Finds the node of the method that was called.
    ///
    /// Another method's node is refused: its signature would be valid, but for an answer to something else.
    pub fn find(method: &str, body: &'a [u8]) -> Result<Sealed<'a>, &'static str> {
        let text = ascii_shadow(body);
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(&text).map_err(|_| "the answer is not JSON")?;
        let name = format!("{}_response", method.replace('.', "_"));
        let node = members
            .get(&name)
            .or_else(|| members.get("error_response"))
            .ok_or("the answer is about another method")?;
        let word = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => serde_json::from_str::<String>(value.get()).map(Some),
        };
        Ok(Sealed {
            node: &body[place_of(node.get(), &text)],
            sign: word("sign").map_err(|_| "the signature is not text")?,
            cert_sn: word("alipay_cert_sn").map_err(|_| "the name of the certificate is not text")?,
        })
    }

    pub fn is_signed(&self) -> bool {
        self.sign.is_some()
    }

    /// Returns the text unverified, for a caller that proves it by other means: a certificate by its chain.
    pub fn unproven(self) -> String {
        text_of(self.node).into_owned()
    }

    /// Verifies the node over the characters as received. An unsigned node needs no key and is marked as unsigned.
    pub fn open(self, key: Option<&VerifyingKey>) -> Result<Node, &'static str> {
        if let Some(sign) = &self.sign {
            let key = key.ok_or("signed with a certificate that we do not know")?;
            if !key.verifies(self.node, sign) {
                return Err("the signature is not of this answer");
            }
        }
        Ok(Node {
            text: text_of(self.node).into_owned(),
            is_signed: self.is_signed(),
        })
    }
}

/// Decodes an answer. Errors come in GBK whatever charset was requested (T-18). Text that is invalid in both must not
/// decide whether an authentic answer counts (T-57): all that we act on is ASCII.
pub(in super::super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    GBK.decode_without_bom_handling_and_without_replacement(bytes)
        .unwrap_or_else(|| String::from_utf8_lossy(bytes))
}

/// Verifies an answer to `method` with the only key.
pub fn read_answer(method: &str, body: &[u8], key: &VerifyingKey) -> Result<Node, &'static str> {
    Sealed::find(method, body)?.open(Some(key))
}

/// Returns a text of the same length in which every GBK character is two question marks: the second byte of a character
/// may be a brace or a backslash, which a JSON parser must not see. No character ends in a quotation mark, so one cut
/// in half ends with its text.
fn ascii_shadow(body: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(body) {
        return Cow::Borrowed(text);
    }
    let mut shadow = String::with_capacity(body.len());
    let mut bytes = body.iter().peekable();
    while let Some(byte) = bytes.next() {
        if byte.is_ascii() {
            shadow.push(char::from(*byte));
        } else {
            shadow.push('?');
            if bytes
                .next_if(|next| matches!(next, 0x40..=0x7E | 0x80..))
                .is_some()
            {
                shadow.push('?');
            }
        }
    }
    Cow::Owned(shadow)
}

/// Returns the range of a part in its whole.
fn place_of(part: &str, whole: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_alone() {
        assert_eq!(request_text(&[("a1", "x"), ("a", "y")]), b"a=y&a1=x");
    }

    #[test]
    fn a_gbk_character_does_not_break_json_parsing() {
        // 0x81 0x7D and 0x81 0x5C: characters whose second bytes are a brace and a backslash.
        let body = b"{\"sub_msg\":\"\x81\x7d\x81\x5c\"}";
        let shadow = ascii_shadow(body);
        assert_eq!(shadow, "{\"sub_msg\":\"????\"}");
        assert_eq!(shadow.len(), body.len());
    }

    #[test]
    fn t_57_a_character_that_was_cut_in_half_ends_with_its_text() {
        for text in [&b"\xE8\xAF\xB7\xE6\xB1"[..], b"\xB6\xA9\xB5", b"\xE8"] {
            let body = [
                b"{\"a_response\":{\"sub_msg\":\"",
                text,
                b"\",\"code\":\"40004\"}}",
            ]
            .concat();
            let node = Sealed::find("a", &body).unwrap().unproven();
            let node: serde_json::Value = serde_json::from_str(&node).unwrap();
            assert_eq!(node["code"], "40004");
        }
    }
}
