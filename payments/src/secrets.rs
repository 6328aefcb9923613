//! Secrets at rest: encrypted with a key that is not in the database, so that a copy of the database does not reveal them.
//!
//! AES-256-GCM. The place of a secret (table, column, row) is associated data, so that a ciphertext moved to another row
//! does not decrypt.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::hex_digits;
use futures_util::FutureExt;
use secrecy::{ExposeSecret as _, SecretString};

use crate::api_keys::hash_of;
use crate::store::{Db, epay_merchants, users, webhook_endpoints};
use crate::{Error, Services};

/// Key length of AES-256.
pub const KEY_BYTES: usize = 32;
/// Prefix of every encrypted text; a text without it was written in plain text by an earlier version.
const MARK: &str = "sealed:1:";

/// Encryption key of the secrets at rest; cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    /// First digits of a hash of the key, so that a ciphertext names the key it needs.
    key_id: String,
    key: Arc<LessSafeKey>,
}

/// Place of a secret in the database.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub table: &'static str,
    pub column: &'static str,
    pub row: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    #[error("sealed with another key")]
    OtherKey,
    #[error("damaged, or moved here from another row")]
    Damaged,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Secrets")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Place<'_> {
    /// TOTP secret of a person.
    pub(crate) const fn totp_of(user_id: &str) -> Place<'_> {
        Place {
            table: "users",
            column: "totp_secret",
            row: user_id,
        }
    }

    /// The secret of a webhook endpoint.
    pub(crate) const fn webhook_secret(endpoint_id: &str) -> Place<'_> {
        Place {
            table: "webhook_endpoints",
            column: "secret",
            row: endpoint_id,
        }
    }

    /// The secret that an endpoint had before its rotation.
    pub(crate) const fn previous_webhook_secret(endpoint_id: &str) -> Place<'_> {
        Place {
            table: "webhook_endpoints",
            column: "previous_secret",
            row: endpoint_id,
        }
    }

    /// Openid of a visitor inside WeChat.
    pub(crate) const fn wechat_openid(visitor_hash: &str) -> Place<'_> {
        Place {
            table: "wechat_openids",
            column: "openid",
            row: visitor_hash,
        }
    }

    fn associated_data(&self, key_id: &str) -> String {
        let Place { table, column, row } = self;
        format!("{table}.{column}:{key_id}:{row}")
    }
}

impl Secrets {
    pub fn new(key: [u8; KEY_BYTES]) -> Secrets {
        let key_id = hash_of(&format!("secrets key {}", hex_digits(&key)))
            .chars()
            .take(8)
            .collect();
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("the key has the length of the cipher");
        Secrets {
            key_id,
            key: Arc::new(LessSafeKey::new(key)),
        }
    }

    /// Formats a key as [`Secrets::parse_key`] parses it.
    pub fn key_text(key: &[u8; KEY_BYTES]) -> String {
        STANDARD.encode(key)
    }

    /// Parses a key: 32 bytes as base64, or as hexadecimal digits.
    pub fn parse_key(text: &str) -> Option<[u8; KEY_BYTES]> {
        let text = text.trim();
        let bytes = if text.len() == 2 * KEY_BYTES {
            (0..KEY_BYTES)
                .map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok())
                .collect::<Option<Vec<u8>>>()?
        } else {
            STANDARD.decode(text).ok()?
        };
        bytes.try_into().ok()
    }

    /// Encrypts a text for its place. The nonce is random: 96 bits do not repeat among as few secrets as there are here.
    pub fn seal(&self, place: &Place<'_>, plain: &str, nonce: [u8; NONCE_LEN]) -> String {
        let mut bytes = plain.as_bytes().to_vec();
        let aad = Aad::from(place.associated_data(&self.key_id).into_bytes());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .expect("a secret is far shorter than the longest message of the cipher");
        let whole = [&nonce[..], &bytes].concat();
        format!("{MARK}{}:{}", self.key_id, STANDARD.encode(whole))
    }

    /// Decrypts a text; returns a plain one as it is.
    pub fn open(&self, place: &Place<'_>, text: &str) -> Result<SecretString, SecretsError> {
        let Some(sealed) = text.strip_prefix(MARK) else {
            return Ok(SecretString::from(text));
        };
        let (key_id, whole) = sealed.split_once(':').ok_or(SecretsError::Damaged)?;
        if key_id != self.key_id {
            return Err(SecretsError::OtherKey);
        }
        let whole = STANDARD.decode(whole).map_err(|_| SecretsError::Damaged)?;
        let (nonce, bytes) = whole.split_at_checked(NONCE_LEN).ok_or(SecretsError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretsError::Damaged)?;
        let aad = Aad::from(place.associated_data(key_id).into_bytes());
        let mut bytes = bytes.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, aad, &mut bytes)
            .map_err(|_| SecretsError::Damaged)?;
        let plain = std::str::from_utf8(plain).map_err(|_| SecretsError::Damaged)?;
        Ok(SecretString::from(plain))
    }
}

pub(crate) fn is_sealed(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Whether the database contains an encrypted secret: then its key must not be generated anew.
pub async fn has_sealed(db: &Db) -> Result<bool, Error> {
    let seeds = db
        .read_one(|tx| async move { users::list_totp_secrets(tx).await }.boxed())
        .await?;
    if seeds.iter().any(|(_, seed)| is_sealed(seed)) {
        return Ok(true);
    }
    let endpoints = db.read_one(|tx| webhook_endpoints::list(tx).boxed()).await?;
    if !endpoints.is_empty() {
        return Ok(true);
    }
    let merchant = db
        .read_one(|tx| async move { epay_merchants::find_any(tx).await }.boxed())
        .await?;
    Ok(merchant.is_some())
}

/// Opens every sealed secret of the database and changes nothing.
pub async fn open_all(secrets: &Secrets, db: &Db) -> Result<Result<(), SecretsError>, Error> {
    let seeds = db
        .read_one(|tx| async move { users::list_totp_secrets(tx).await }.boxed())
        .await?;
    let open = |(user_id, text): &(String, String)| secrets.open(&Place::totp_of(user_id), text).map(drop);
    Ok(seeds.iter().try_for_each(open))
}

/// Decrypts every secret of the database as a check, and encrypts those that an earlier version wrote in plain text. `Err`:
/// with this key people could not log in.
pub async fn seal_plain_secrets(services: &Services) -> Result<Result<(), SecretsError>, Error> {
    let seeds = services
        .db
        .read_one(|tx| async move { users::list_totp_secrets(tx).await }.boxed())
        .await?;
    let epay = services
        .db
        .snapshot(|tx| async move { crate::epay::check_sealed(services, tx).await }.boxed())
        .await?;
    if epay == Some(SecretsError::OtherKey) {
        return Ok(Err(SecretsError::OtherKey));
    }
    let mut outcome = Ok(());
    for (user_id, text) in &seeds {
        let place = Place::totp_of(user_id);
        let plain = match services.secrets.open(&place, text) {
            Ok(plain) => plain,
            Err(SecretsError::OtherKey) => return Ok(Err(SecretsError::OtherKey)),
            // One damaged secret must not keep the others in plain text.
            Err(SecretsError::Damaged) => {
                outcome = Err(SecretsError::Damaged);
                continue;
            }
        };
        if is_sealed(text) {
            continue;
        }
        let nonce = services.clock.entropy();
        let sealed = &services.secrets.seal(&place, plain.expose_secret(), nonce);
        services
            .db
            .write(|tx| users::replace_totp_secret(tx, user_id, text, sealed).boxed())
            .await?;
    }
    let endpoints = services
        .db
        .read_one(|tx| webhook_endpoints::list(tx).boxed())
        .await?;
    for endpoint in &endpoints {
        match services
            .secrets
            .open(&Place::webhook_secret(&endpoint.id), &endpoint.secret)
        {
            Ok(_) => {}
            Err(SecretsError::OtherKey) => return Ok(Err(SecretsError::OtherKey)),
            Err(SecretsError::Damaged) => outcome = Err(SecretsError::Damaged),
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn a_secret_opens_in_its_own_row_with_its_own_key_and_nowhere_else() {
        let (secrets, other) = (Secrets::new([1; 32]), Secrets::new([2; 32]));
        let (ann, bob) = (Place::totp_of("usr_ann"), Place::totp_of("usr_bob"));
        let sealed = secrets.seal(&ann, SEED, [3; 12]);
        assert!(is_sealed(&sealed) && !sealed.contains(SEED));
        assert_eq!(secrets.open(&ann, &sealed).unwrap().expose_secret(), SEED);
        assert_eq!(secrets.open(&bob, &sealed).err(), Some(SecretsError::Damaged));
        assert_eq!(other.open(&ann, &sealed).err(), Some(SecretsError::OtherKey));
        let elsewhere = Place {
            column: "password_hash",
            ..ann
        };
        assert_eq!(
            secrets.open(&elsewhere, &sealed).err(),
            Some(SecretsError::Damaged)
        );
        for (at, _) in sealed.char_indices().skip(MARK.len()) {
            let letter = if &sealed[at..=at] == "A" { "B" } else { "A" };
            let changed = [&sealed[..at], letter, &sealed[at + 1..]].concat();
            assert!(secrets.open(&ann, &changed).is_err(), "{changed}");
        }
        assert_eq!(secrets.open(&ann, SEED).unwrap().expose_secret(), SEED);
    }

    #[test]
    fn a_key_is_32_bytes_as_base64_or_hexadecimal_digits() {
        let key: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let hex = hex_digits(&key);
        for text in [STANDARD.encode(key), hex.to_uppercase(), format!("{hex}\n")] {
            assert_eq!(Secrets::parse_key(&text), Some(key), "{text}");
        }
        for text in ["", "short", &hex[2..], &STANDARD.encode([1; 31]), &"x".repeat(64)] {
            assert_eq!(Secrets::parse_key(text), None, "{text}");
        }
        assert!(!format!("{:?}", Secrets::new(key)).contains(&hex));
    }
}
