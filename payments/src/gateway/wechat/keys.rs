//! Verification keys for WeChat's signatures.
//!
//! A merchant may have both kinds while moving from certificates to the public key (docs/gateway-facts.md 1.4), so a
//! signature names its key, and an unknown serial never falls back to "the only key we have".

use std::collections::HashMap;
use std::sync::RwLock;
use std::time::Duration;

use domain::Timestamp;
use http::HeaderMap;
use tokio::sync::{Mutex, MutexGuard};

use super::super::rsa_key::{KeyError, Material, SigningKey, VerifyingKey, materials};
use super::Verify;
use super::certificates::read_certificates;
use super::sealed::ApiV3Key;
use super::sign::{Seal, SignatureError};

const PUBLIC_KEY: &str = "WECHAT_PUBLIC_KEY";
const PUBLIC_KEY_ID: &str = "WECHAT_PUBLIC_KEY_ID";
/// Prefix of every public key's id; the serial of a certificate is hex.
pub(super) const PUBLIC_KEY_PREFIX: &str = "PUB_KEY_ID_";
/// Rate limit of certificate downloads: forged serials must not each cause one.
const DOWNLOAD_PAUSE: Duration = Duration::from_mins(1);
/// Refresh interval: new certificates are listed ten days before WeChat signs with them, so this is often enough.
const REFRESH: Duration = Duration::from_hours(12);

type Keys = HashMap<String, PlatformKey>;

#[derive(Debug)]
pub struct PlatformKeys {
    /// Keys from the operator; no download removes them.
    given: Keys,
    downloaded: RwLock<Downloaded>,
    /// Time of the last download try.
    last_try: Mutex<Option<Timestamp>>,
}

#[derive(Debug, Default)]
struct Downloaded {
    keys: Keys,
    at: Option<Timestamp>,
}

#[derive(Debug)]
struct PlatformKey {
    key: VerifyingKey,
    /// Certificates expire, public keys do not.
    not_after: Option<Timestamp>,
}

impl PlatformKeys {
    pub fn new(verify: &Verify, own: &SigningKey) -> Result<PlatformKeys, KeyError> {
        let given = match verify {
            Verify::PublicKey { id, key } => given_keys(key, Some(id), own)?,
            Verify::Certificate { pem } => given_keys(pem, None, own)?,
            Verify::Download => Keys::new(),
        };
        Ok(PlatformKeys {
            given,
            downloaded: RwLock::default(),
            last_try: Mutex::default(),
        })
    }

    /// Refuses the merchant's own certificate, also one whose key was replaced since (T-10).
    pub(super) fn refuse_serial(&self, own_serial: &str) -> Result<(), KeyError> {
        if self.given.contains_key(own_serial) {
            let message = "found the merchant's own certificate; wanted WeChat Pay's public key or platform \
                           certificate";
            return Err(KeyError::new(PUBLIC_KEY, message));
        }
        Ok(())
    }

    /// Serials of the operator's expired certificates.
    pub(super) fn expired(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        self.given
            .iter()
            .filter(move |(_, key)| key.is_expired(now))
            .map(|(serial, _)| serial.as_str())
    }

    /// Expiry of the operator's certificates. Downloaded ones are replaced automatically as long as a later one can be
    /// downloaded: only the last of them counts.
    pub(super) fn ends(&self) -> Vec<(String, Timestamp)> {
        let end = |(serial, key): (&String, &PlatformKey)| Some((serial.clone(), key.not_after?));
        let mut ends: Vec<(String, Timestamp)> = self.given.iter().filter_map(end).collect();
        let downloaded = self.downloaded.read().expect(UNBROKEN);
        let downloaded_ends = downloaded.keys.iter().filter_map(end);
        ends.extend(downloaded_ends.max_by_key(|(_, end)| *end));
        ends.sort();
        ends
    }

    /// Keys that the operator gave.
    pub(super) fn given_keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.given.values().map(|key| &key.key)
    }

    /// Verifies that WeChat signed exactly these bytes, just now (docs/gateway-facts.md 1.3).
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        let downloaded = self.downloaded.read().expect(UNBROKEN);
        verify_with(&[&self.given, &downloaded.keys], headers, body, now)
    }

    /// Takes the right to download certificates now; a caller that waited finds the keys of the download before.
    pub(super) async fn may_download(&self, now: Timestamp) -> Option<MutexGuard<'_, Option<Timestamp>>> {
        let mut last = self.last_try.lock().await;
        if last.is_some_and(|last| now.duration_since(last) < DOWNLOAD_PAUSE) {
            return None;
        }
        *last = Some(now);
        Some(last)
    }

    /// Whether the downloaded certificates are due for a refresh.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        let downloaded = self.downloaded.read().expect(UNBROKEN);
        downloaded.at.is_some_and(|at| now.duration_since(at) >= REFRESH)
    }

    /// Replaces the downloaded keys by a new list. The first list cannot be verified by a known key: its encryption under
    /// the APIv3 key authenticates it. Keys that are no longer listed are removed.
    pub(super) fn take_over(
        &self,
        api_v3_key: &ApiV3Key,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<usize, SignatureError> {
        let listed: Keys = read_certificates(api_v3_key, body)
            .map_err(SignatureError::Because)?
            .into_iter()
            .filter(|certificate| certificate.is_valid_at(now))
            .map(|certificate| {
                let key = PlatformKey {
                    key: certificate.key,
                    not_after: Some(certificate.not_after),
                };
                (certificate.serial, key)
            })
            .collect();
        if listed.is_empty() {
            return Err(SignatureError::Because("none of the certificates is valid now"));
        }
        let mut downloaded = self.downloaded.write().expect(UNBROKEN);
        let is_first = self.given.is_empty() && downloaded.keys.is_empty();
        match verify_with(&[&self.given, &downloaded.keys, &listed], headers, body, now) {
            Ok(()) => {}
            Err(SignatureError::UnknownSerial) if is_first => {}
            Err(distrust) => return Err(distrust),
        }
        let n_keys = listed.len();
        *downloaded = Downloaded {
            keys: listed,
            at: Some(now),
        };
        Ok(n_keys)
    }
}

const UNBROKEN: &str = "nothing panics while it holds the keys";

impl PlatformKey {
    fn is_expired(&self, now: Timestamp) -> bool {
        self.not_after.is_some_and(|end| end < now)
    }
}

fn verify_with(
    known: &[&Keys],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let seal = Seal::read(headers, now)?;
    let key = known.iter().find_map(|keys| keys.get(seal.serial));
    let key = key.ok_or(SignatureError::UnknownSerial)?;
    if key.is_expired(now) {
        return Err(SignatureError::Because(
            "signed with a certificate that has expired",
        ));
    }
    if key.key.verifies(&seal.message(body), seal.signature) {
        Ok(())
    } else {
        Err(SignatureError::Because("the signature is not of these bytes"))
    }
}

/// Parses the operator's keys: certificates contain their serial, a bare public key is named by its id.
fn given_keys(text: &str, id: Option<&str>, own: &SigningKey) -> Result<Keys, KeyError> {
    const WANTED: &str =
        "WeChat Pay's public key (pub_key.pem) with WECHAT_PUBLIC_KEY_ID, or platform certificates";
    let mut keys = Keys::new();
    for material in materials(PUBLIC_KEY, text, WANTED)? {
        let (serial, key, not_after) = match (material, id) {
            (
                Material::Certificate {
                    serial,
                    key,
                    not_after,
                },
                _,
            ) => (serial, key, Some(not_after)),
            (Material::Public(key), Some(id)) => (id.to_owned(), key, None),
            (Material::Public(_), None) => {
                let message =
                    "found a public key; wanted its id as well (PUB_KEY_ID_…, beside the key in the console)";
                return Err(KeyError::new(PUBLIC_KEY_ID, message));
            }
            (Material::Private(_), _) => {
                return Err(KeyError::new(
                    PUBLIC_KEY,
                    format!("found a private key; wanted {WANTED}"),
                ));
            }
        };
        key.refuse_own(PUBLIC_KEY, own)?;
        if keys.insert(serial, PlatformKey { key, not_after }).is_some() {
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
