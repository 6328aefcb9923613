//! Key texts as people paste them: PEM, PEM on one line, or bare base64 with or without line ends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One encoded thing, and what its armour calls it.
pub struct Block<'a> {
    pub label: Option<&'a str>,
    pub der: Zeroizing<Vec<u8>>,
}

/// Every block of the text, in order; `None` when it is neither PEM nor base64.
pub fn blocks(text: &str) -> Option<Vec<Block<'_>>> {
    if !text.contains(BEGIN) {
        let der = decode(text).filter(|der| !der.is_empty())?;
        return Some(vec![Block { label: None, der }]);
    }
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, armoured)) = rest.split_once(BEGIN) {
        let (label, body) = armoured.split_once(DASHES)?;
        let (body, after) = body.split_once(END)?;
        let after = after.strip_prefix(label)?.strip_prefix(DASHES)?;
        blocks.push(Block {
            label: Some(label),
            der: decode(body)?,
        });
        rest = after;
    }
    Some(blocks)
}

fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let packed: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    STANDARD.decode(packed.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_every_form_people_paste() {
        for text in [
            "-----BEGIN PUBLIC KEY-----\nAQID\nBAUG\n-----END PUBLIC KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\r\nAQIDBAUG\r\n-----END PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY----- AQID BAUG -----END PUBLIC KEY-----",
            "AQIDBAUG",
            " AQID\nBAUG\n",
        ] {
            let blocks = blocks(text).expect(text);
            assert_eq!(blocks.len(), 1, "{text}");
            assert_eq!(blocks[0].der.as_slice(), [1, 2, 3, 4, 5, 6], "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_is_not_read() {
        for text in [
            "",
            "   ",
            "not a key!",
            "-----BEGIN PUBLIC KEY-----\nAQID",
            "-----BEGIN PUBLIC KEY-----\nAQID\n-----END PRIVATE KEY-----",
        ] {
            assert!(blocks(text).is_none(), "{text:?}");
        }
    }
}
