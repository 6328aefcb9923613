//! Encrypted contents: AES-128-CBC, PKCS#7, a vector of zeros, base64 (docs/gateway-facts.md 2.4).

use aes_gcm::aes::Aes128;
use aes_gcm::aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _, array::Array};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BLOCK: usize = 16;

pub(super) fn seal(key: &[u8; BLOCK], text: &str) -> String {
    let cipher = Aes128::new(&Array::from(*key));
    let n_padding = BLOCK - text.len() % BLOCK;
    let padding = u8::try_from(n_padding).expect("a block is short");
    let mut bytes = text.as_bytes().to_vec();
    bytes.extend(std::iter::repeat_n(padding, n_padding));
    let mut previous = [0; BLOCK];
    for chunk in bytes.chunks_mut(BLOCK) {
        let mixed: [u8; BLOCK] = std::array::from_fn(|place| chunk[place] ^ previous[place]);
        let mut block = Array::from(mixed);
        cipher.encrypt_block(&mut block);
        previous = block.into();
        chunk.copy_from_slice(&previous);
    }
    STANDARD.encode(bytes)
}

pub(super) fn open(key: &[u8; BLOCK], sealed: &str) -> Option<String> {
    let cipher = Aes128::new(&Array::from(*key));
    let sealed = STANDARD.decode(sealed).ok()?;
    if sealed.is_empty() || sealed.len() % BLOCK != 0 {
        return None;
    }
    let mut plain = Vec::with_capacity(sealed.len());
    let mut previous = [0; BLOCK];
    for chunk in sealed.chunks(BLOCK) {
        let chunk: [u8; BLOCK] = chunk.try_into().ok()?;
        let mut block = Array::from(chunk);
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(previous).map(|(byte, mask)| byte ^ mask));
        previous = chunk;
    }
    let padding = *plain.last()?;
    let n_padding = usize::from(padding);
    let start = plain.len().checked_sub(n_padding)?;
    let honest = (1..=BLOCK).contains(&n_padding) && plain[start..].iter().all(|byte| *byte == padding);
    plain.truncate(start);
    String::from_utf8(plain).ok().filter(|_| honest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_content_decrypts_only_with_its_key() {
        let key = *b"0123456789abcdef";
        for text in [
            "",
            "a",
            "0123456789abcde",
            "0123456789abcdef",
            "{\"主题\":\"会员\"}",
        ] {
            let sealed = seal(&key, text);
            assert_eq!(open(&key, &sealed).as_deref(), Some(text));
            assert_ne!(open(b"another key here", &sealed).as_deref(), Some(text));
        }
        // `printf a | openssl enc -aes-128-cbc -K 30313233343536373839616263646566 -iv 0…0 -a`
        assert_eq!(seal(&key, "a"), "CVABPXftKQXOUGN+ylRC7g==");
        assert_eq!(open(&key, "AAAA"), None);
    }
}
