//! Key texts as pasted: PEM, PEM on one line, or bare base64 with or without line ends, with the extra characters that
//! editors, shells and `.env` files add.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// Label of an encrypted PKCS#8 key; older tools write the same as a header of the body.
pub const LOCKED: &str = "ENCRYPTED PRIVATE KEY";

/// One decoded block and its PEM label.
pub struct Block {
    pub label: Option<String>,
    pub der: Zeroizing<Vec<u8>>,
}

/// Parses every block of the text, in order; `None` when it is neither PEM nor base64.
pub fn blocks(text: &str) -> Option<Vec<Block>> {
    let text = remove_line_ends(text);
    if !text.contains(BEGIN) {
        let der = decode_base64(&text).filter(|der| !der.is_empty())?;
        return Some(vec![Block { label: None, der }]);
    }
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, armoured)) = rest.split_once(BEGIN) {
        let (label, body) = armoured.split_once(DASHES)?;
        let (body, after) = body.split_once(END)?;
        rest = after.strip_prefix(label)?.strip_prefix(DASHES)?;
        blocks.push(if body.contains("Proc-Type:") && body.contains("ENCRYPTED") {
            Block {
                label: Some(LOCKED.to_owned()),
                der: Zeroizing::default(),
            }
        } else {
            Block {
                label: Some(label.to_owned()),
                der: decode_base64(body)?,
            }
        });
    }
    Some(blocks)
}

/// Strips an editor's byte order mark and a shell's quotes, and turns the `\n` of an `.env` file into line ends. None of
/// these characters is part of any key.
fn remove_line_ends(text: &str) -> Zeroizing<String> {
    let is_blank = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
    let mut text = text.trim_matches(is_blank);
    for quote in ['"', '\''] {
        let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        text = inner.map_or(text, |inner| inner.trim_matches(is_blank));
    }
    let without_returns = Zeroizing::new(text.replace("\\r", ""));
    Zeroizing::new(without_returns.replace("\\n", "\n"))
}

fn decode_base64(body: &str) -> Option<Zeroizing<Vec<u8>>> {
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
            "AQID\r\nBAUG\r\n",
            "\u{feff}AQIDBAUG",
            "\u{feff}-----BEGIN PUBLIC KEY-----\r\nAQIDBAUG\r\n-----END PUBLIC KEY-----\r\n",
            r"-----BEGIN PUBLIC KEY-----\nAQID\nBAUG\n-----END PUBLIC KEY-----\n",
            r#""-----BEGIN PUBLIC KEY-----\r\nAQIDBAUG\r\n-----END PUBLIC KEY-----""#,
            "'AQIDBAUG'",
            "\"AQIDBAUG\"",
            "Bag Attributes\n-----BEGIN PUBLIC KEY-----\nAQIDBAUG\n-----END PUBLIC KEY-----\n",
        ] {
            let blocks = blocks(text).expect(text);
            assert_eq!(blocks.len(), 1, "{text}");
            assert_eq!(blocks[0].der.as_slice(), [1, 2, 3, 4, 5, 6], "{text}");
        }
    }

    #[test]
    fn a_truncated_or_malformed_key_is_refused() {
        for text in [
            "",
            "   ",
            "not a key!",
            "-----BEGIN PUBLIC KEY-----\nAQID",
            "-----BEGIN PUBLIC KEY-----\nAQID\n-----END PRIVATE KEY-----",
            "\"AQIDBAUG",
        ] {
            assert!(blocks(text).is_none(), "{text:?}");
        }
    }
}
