//! Decryption of the encrypted parts of WeChat's messages.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::super::KeyError;

const SETTING: &str = "WECHAT_API_V3_KEY";

/// APIv3 key of 32 bytes, for AES-256-GCM.
pub struct ApiV3Key(LessSafeKey);

/// Encrypted part of a message.
#[derive(Debug, Deserialize)]
pub struct Sealed<'a> {
    #[serde(borrow)]
    pub algorithm: Cow<'a, str>,
    #[serde(borrow)]
    pub nonce: Cow<'a, str>,
    /// Absent and empty are equivalent.
    #[serde(default)]
    pub associated_data: Option<String>,
    #[serde(borrow)]
    pub ciphertext: Cow<'a, str>,
}

impl ApiV3Key {
    pub fn read(text: &SecretString) -> Result<ApiV3Key, KeyError> {
        const WANTED: &str = "wanted the 32 letters and digits that were set as APIv3 key in the console";
        // A file ends with a line end that is not part of the key.
        let text = text.expose_secret().trim();
        if text.contains("-----BEGIN") {
            return Err(KeyError::new(SETTING, format!("found a PEM text; {WANTED}")));
        }
        // The key's bytes are used as they are: it is not hex, whatever it looks like (1.4).
        let key = UnboundKey::new(&AES_256_GCM, text.as_bytes())
            .map_err(|_| KeyError::new(SETTING, format!("found {} bytes; {WANTED}", text.len())))?;
        Ok(ApiV3Key(LessSafeKey::new(key)))
    }

    /// Decrypts, and refuses a text altered by a single bit (T-03).
    pub fn open(&self, sealed: &Sealed<'_>) -> Result<Vec<u8>, &'static str> {
        if sealed.algorithm != "AEAD_AES_256_GCM" {
            return Err("encrypted in another way");
        }
        let nonce = Nonce::try_assume_unique_for_key(sealed.nonce.as_bytes())
            .map_err(|_| "the nonce of the encryption has another length")?;
        let associated_data = Aad::from(sealed.associated_data.as_deref().unwrap_or_default().as_bytes());
        let mut bytes = STANDARD
            .decode(sealed.ciphertext.as_bytes())
            .map_err(|_| "the ciphertext is not base64")?;
        let n_plain = self
            .0
            .open_in_place(nonce, associated_data, &mut bytes)
            .map_err(|_| "the ciphertext was altered, or is under another APIv3 key")?
            .len();
        bytes.truncate(n_plain);
        Ok(bytes)
    }
}

impl fmt::Debug for ApiV3Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiV3Key(..)")
    }
}
