//! The texts that Alipay and we sign (docs/gateway-facts.md 2.1, 2.2, 2.6).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use encoding_rs::GBK;
use serde_json::value::RawValue;

use super::super::VerifyingKey;

/// Longer than most of what is signed.
const USUAL_LENGTH: usize = 2048;

/// The part of an answer that is about our call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// JSON, in UTF-8 whatever it was sent in.
    pub text: String,
    /// Some refusals come without a signature; a wrong one is never a node.
    pub is_signed: bool,
}

/// `k=v` joined by `&` in the order of the keys' bytes; values raw, neither quoted nor escaped.
pub fn joined<'a>(params: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut params: Vec<_> = params.into_iter().collect();
    // By key alone: the sorted pairs would differ for keys of which one begins with the other (2.1).
    params.sort_by_key(|(name, _)| *name);
    joined_in_order(params)
}

/// [`joined`], of parameters that are in order already.
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

/// What is signed of a request: every parameter that is sent, `sign_type` included, `sign` not.
///
/// A payer holds a signed address and may split its text elsewhere (T-53), to no end: an `&` in `biz_content` leaves JSON that is
/// cut off before it, and behind `return_url` only the kind of signature, the time and the version follow in the order of names.
pub fn request_text(params: &[(&str, &str)]) -> Vec<u8> {
    joined(
        params
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
    )
}

/// The node of an answer as it was sent, before anybody verified it.
#[derive(Debug)]
pub struct Sealed<'a> {
    node: &'a [u8],
    sign: Option<String>,
    /// Which of Alipay's certificates it was signed with, in certificate mode.
    pub cert_sn: Option<String>,
}

impl<'a> Sealed<'a> {
    /// Finds the node of the method that was called.
    ///
    /// Another method's node is refused: its signature would be good, but of an answer to something else.
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

    /// What it says, for whoever proves it by other means: a certificate by its chain.
    pub fn unproven(self) -> String {
        text_of(self.node).into_owned()
    }

    /// Verifies the node over the characters it was sent as. What is not signed needs no key, and says that it is not.
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

/// Errors come in GBK whatever charset was asked for (T-18). A text that is broken in both must not decide whether an
/// authentic answer counts (T-57): what we act on is ASCII.
pub(in super::super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    GBK.decode_without_bom_handling_and_without_replacement(bytes)
        .unwrap_or_else(|| String::from_utf8_lossy(bytes))
}

/// An answer to `method`, verified with the one key there is.
pub fn read_answer(method: &str, body: &[u8], key: &VerifyingKey) -> Result<Node, &'static str> {
    Sealed::find(method, body)?.open(Some(key))
}

/// A text of the same length in which every GBK character is two question marks: the second byte of a character may be a
/// brace or a backslash, so a JSON reader must not see it. No character ends in a quotation mark, so that one which was cut in
/// half ends with its text.
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

/// Where a part of a text lies in it.
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
    fn a_gbk_character_hides_no_structure() {
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
