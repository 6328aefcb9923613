//! The keys that WeChat signs with, and the one that it encrypts with.
//!
//! Two kinds of signing keys live together while a merchant is moved from certificates to the public key
//! (protocols 1.4), so a signature names its key, and an unknown name is never answered with "the only key we have".

use std::collections::HashMap;
use std::fmt;
use std::sync::RwLock;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};

use super::super::rsa_key::{KeyError, Material, SigningKey, VerifyingKey, materials};
use super::Verify;
use super::sign::{Distrust, Seal};

const PUBLIC_KEY: &str = "WECHAT_PUBLIC_KEY";
const API_V3_KEY: &str = "WECHAT_API_V3_KEY";
/// A thousand forged serials must not become a thousand downloads.
const DOWNLOAD_PAUSE: Duration = Duration::from_secs(60);

type Keys = HashMap<String, VerifyingKey>;

#[derive(Debug)]
pub struct PlatformKeys {
    known: RwLock<Keys>,
    /// When certificates were last asked for; `None` when the keys are given by the operator.
    last_download: Option<Mutex<Option<Timestamp>>>,
}

/// AES-256-GCM under the 32 bytes of the APIv3 key.
pub struct ApiV3Key(LessSafeKey);

/// An encrypted part of a message, as WeChat writes it.
#[derive(Debug, Deserialize)]
pub struct Sealed {
    pub algorithm: String,
    pub nonce: String,
    /// Absent and empty mean the same.
    #[serde(default)]
    pub associated_data: Option<String>,
    pub ciphertext: String,
}

#[derive(Deserialize)]
struct CertificateList {
    data: Vec<ListedCertificate>,
}

#[derive(Deserialize)]
struct ListedCertificate {
    serial_no: String,
    encrypt_certificate: Sealed,
}

impl PlatformKeys {
    pub fn new(verify: &Verify, own: &SigningKey) -> Result<PlatformKeys, KeyError> {
        let (text, id) = match verify {
            Verify::PublicKey { id, key } => (key, Some(id)),
            Verify::Certificate { pem } => (pem, None),
            Verify::Download => {
                return Ok(PlatformKeys {
                    known: RwLock::default(),
                    last_download: Some(Mutex::default()),
                });
            }
        };
        Ok(PlatformKeys {
            known: RwLock::new(given_keys(text, id.map(String::as_str), own)?),
            last_download: None,
        })
    }

    /// Whether WeChat signed exactly these bytes, just now (protocols 1.3).
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Distrust> {
        verify_with(&self.known.read().expect(UNBROKEN), headers, body, now)
    }

    /// The right to download certificates now; whoever waits for it finds the keys of the download before.
    pub(super) async fn may_download(&self, now: Timestamp) -> Option<MutexGuard<'_, Option<Timestamp>>> {
        let mut last = self.last_download.as_ref()?.lock().await;
        if last.is_some_and(|last| now.since(last) < DOWNLOAD_PAUSE) {
            return None;
        }
        *last = Some(now);
        Some(last)
    }

    /// Takes over a downloaded list. Its encryption under the APIv3 key is what makes it authentic: the first one
    /// cannot be verified by a key that we know already. Keys that are no longer listed are forgotten.
    pub(super) fn take_over(
        &self,
        api_v3_key: &ApiV3Key,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<usize, Distrust> {
        let listed: Keys = read_certificates(api_v3_key, body)
            .map_err(Distrust::Because)?
            .into_iter()
            .collect();
        match verify_with(&listed, headers, body, now) {
            Ok(()) | Err(Distrust::UnknownSerial) => {}
            Err(distrust) => return Err(distrust),
        }
        let n_keys = listed.len();
        *self.known.write().expect(UNBROKEN) = listed;
        Ok(n_keys)
    }
}

const UNBROKEN: &str = "nothing panics while it holds the keys";

fn verify_with(known: &Keys, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Distrust> {
    let seal = Seal::read(headers, now)?;
    let key = known.get(seal.serial).ok_or(Distrust::UnknownSerial)?;
    if key.verifies(&seal.message(body), seal.signature) {
        Ok(())
    } else {
        Err(Distrust::Because("the signature is not of these bytes"))
    }
}

/// The operator's keys: certificates name themselves, a bare public key is named by its id.
fn given_keys(text: &str, id: Option<&str>, own: &SigningKey) -> Result<Keys, KeyError> {
    const WANTED: &str =
        "WeChat Pay's public key (pub_key.pem) with WECHAT_PUBLIC_KEY_ID, or platform certificates";
    let mut keys = Keys::new();
    for material in materials(PUBLIC_KEY, text, WANTED)? {
        let (serial, key) = match (material, id) {
            (Material::Certificate { serial, key }, _) => (serial, key),
            (Material::Public(key), Some(id)) => (id.to_owned(), key),
            (Material::Public(_), None) => {
                let message =
                    "found a public key; wanted its id as well (PUB_KEY_ID_…, beside the key in the console)";
                return Err(KeyError::new("WECHAT_PUBLIC_KEY_ID", message));
            }
            (Material::Private(_), _) => {
                return Err(KeyError::new(
                    PUBLIC_KEY,
                    format!("found a private key; wanted {WANTED}"),
                ));
            }
        };
        key.refuse_own(PUBLIC_KEY, own)?;
        if keys.insert(serial, key).is_some() {
            return Err(KeyError::new(
                PUBLIC_KEY,
                "found two keys under one name; wanted each once",
            ));
        }
    }
    match id {
        Some(id) if !keys.contains_key(id) => {
            let message = format!("found only certificates; wanted the public key that {id} names");
            Err(KeyError::new(PUBLIC_KEY, message))
        }
        _ => Ok(keys),
    }
}

/// The keys in an answer of `GET /v3/certificates`, by serial.
pub fn read_certificates(
    api_v3_key: &ApiV3Key,
    body: &[u8],
) -> Result<Vec<(String, VerifyingKey)>, &'static str> {
    let list: CertificateList =
        serde_json::from_slice(body).map_err(|_| "the certificate list is not readable")?;
    let mut keys = Vec::with_capacity(list.data.len());
    for listed in list.data {
        let pem = api_v3_key.open(&listed.encrypt_certificate)?;
        let pem = String::from_utf8(pem).map_err(|_| "a certificate is not text")?;
        let materials = materials(API_V3_KEY, &pem, "a platform certificate")
            .map_err(|_| "a certificate is not readable")?;
        for material in materials {
            match material {
                Material::Certificate { serial, key } if serial == listed.serial_no => {
                    keys.push((serial, key));
                }
                _ => return Err("a certificate has another serial than the list says"),
            }
        }
    }
    Ok(keys)
}

impl ApiV3Key {
    pub fn read(text: &SecretString) -> Result<ApiV3Key, KeyError> {
        let bytes = text.expose_secret().as_bytes();
        // The bytes as they stand: the key is not hex, whatever it looks like (1.4).
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| {
            let message = format!(
                "found {} bytes; wanted the 32 characters of the APIv3 key",
                bytes.len()
            );
            KeyError::new(API_V3_KEY, message)
        })?;
        Ok(ApiV3Key(LessSafeKey::new(key)))
    }

    /// Decrypts, and refuses what was altered by a single bit (T-03).
    pub fn open(&self, sealed: &Sealed) -> Result<Vec<u8>, &'static str> {
        if sealed.algorithm != "AEAD_AES_256_GCM" {
            return Err("encrypted in another way");
        }
        let nonce = Nonce::try_assume_unique_for_key(sealed.nonce.as_bytes())
            .map_err(|_| "the nonce of the encryption has another length")?;
        let associated_data = Aad::from(sealed.associated_data.as_deref().unwrap_or_default().as_bytes());
        let mut bytes = STANDARD
            .decode(&sealed.ciphertext)
            .map_err(|_| "the ciphertext is not base64")?;
        let plain = self
            .0
            .open_in_place(nonce, associated_data, &mut bytes)
            .map_err(|_| "the ciphertext was altered, or is under another APIv3 key")?;
        Ok(plain.to_vec())
    }
}

impl fmt::Debug for ApiV3Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiV3Key(..)")
    }
}
