//! Verification keys for Alipay's signatures: one public key, or certificates below a pinned root.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use domain::Timestamp;
use tokio::sync::{Mutex, MutexGuard};

use super::super::{KeyError, SigningKey, VerifyingKey};
use super::certificate::{Certificate, is_issued_below, read_bundle};

const APP_CERT: &str = "ALIPAY_APP_CERT";
const CERT: &str = "ALIPAY_CERT";
const ROOT_CERT: &str = "ALIPAY_ROOT_CERT";
/// Rate limit of certificate downloads: forged serials must not each cause one.
const FETCH_PAUSE: Duration = Duration::from_mins(1);
const UNBROKEN: &str = "nothing panics while it holds the keys";

/// Verification material from Alipay's console.
#[derive(Debug, Clone)]
pub enum Verify {
    /// Alipay's public key, not the app's.
    PublicKey { key: String },
    /// `appCertPublicKey_….crt`, `alipayCertPublicKey_RSA2.crt` and `alipayRootCert.crt`.
    Certificates {
        app: String,
        alipay: String,
        root: String,
    },
}

#[derive(Debug)]
pub(super) enum Keys {
    Plain(Arc<VerifyingKey>),
    Certified(Box<Certified>),
}

/// Certificate mode. Alipay names the certificate that it signed with, and may change it at any time.
#[derive(Debug)]
pub(super) struct Certified {
    app_sn: String,
    root_sn: String,
    roots: Vec<Certificate>,
    /// The operator's own certificate, trusted whatever its dates and issuer.
    pinned: Certificate,
    /// The issuers that stand beside it in its file.
    between: Vec<Certificate>,
    pinned_key: Arc<VerifyingKey>,
    /// Expiry of the operator's certificates: the app's, Alipay's, and the roots that later ones must lead to.
    ends: Vec<(String, Timestamp)>,
    own: VerifyingKey,
    fetched: RwLock<HashMap<String, Arc<VerifyingKey>>>,
    /// By source: forged notifications must not use up the rate limit of our own calls.
    last_fetch: [Mutex<Option<Timestamp>>; 2],
}

/// Source of an unknown certificate's serial.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeySource {
    Answer,
    Notification,
}

impl Keys {
    pub(super) fn read(verify: &Verify, own: &SigningKey) -> Result<Keys, KeyError> {
        match verify {
            Verify::PublicKey { key } => {
                VerifyingKey::read("ALIPAY_PUBLIC_KEY", key, own).map(|key| Keys::Plain(Arc::new(key)))
            }
            Verify::Certificates { app, alipay, root } => {
                Certified::read(app, alipay, root, own).map(|certified| Keys::Certified(Box::new(certified)))
            }
        }
    }

    /// Common parameters that name our certificates.
    pub(super) fn params(&self) -> Vec<(&'static str, &str)> {
        match self {
            Keys::Plain(_) => Vec::new(),
            Keys::Certified(certified) => vec![
                ("app_cert_sn", &certified.app_sn),
                ("alipay_root_cert_sn", &certified.root_sn),
            ],
        }
    }

    /// Finds the key of the certificate that a message names; the operator's when it names none.
    pub(super) fn find(&self, sn: Option<&str>) -> Option<Arc<VerifyingKey>> {
        match (self, sn) {
            (Keys::Plain(key), _) => Some(Arc::clone(key)),
            (Keys::Certified(certified), Some(sn)) if sn != certified.pinned.sn => {
                certified.fetched.read().expect(UNBROKEN).get(sn).cloned()
            }
            (Keys::Certified(certified), _) => Some(Arc::clone(&certified.pinned_key)),
        }
    }

    pub(super) fn certified(&self) -> Option<&Certified> {
        match self {
            Keys::Plain(_) => None,
            Keys::Certified(certified) => Some(certified),
        }
    }
}

impl Certified {
    fn read(app: &str, alipay: &str, root: &str, own: &SigningKey) -> Result<Certified, KeyError> {
        let app = find_certificate(
            APP_CERT,
            app,
            "the app's certificate (appCertPublicKey_….crt), signed with RSA",
        )?;
        let app_key = usable_key(APP_CERT, &app)?;
        if !app_key.is_half_of(own) {
            return Err(KeyError::new(
                APP_CERT,
                "found a certificate of another key; wanted the one that was made for ALIPAY_PRIVATE_KEY",
            ));
        }
        let (pinned, between) = first_and_rest(
            CERT,
            alipay,
            "Alipay's certificate (alipayCertPublicKey_RSA2.crt)",
        )?;
        let pinned_key = usable_key(CERT, &pinned)?;
        pinned_key.refuse_own(CERT, own)?;
        let found = |found: &str| {
            let wanted = "Alipay's root certificates (alipayRootCert.crt), at least one of them RSA";
            KeyError::new(ROOT_CERT, format!("found {found}; wanted {wanted}"))
        };
        let roots = read_bundle(root).map_err(found)?;
        if roots.is_empty() {
            return Err(found("certificates of other kinds only"));
        }
        let sns: Vec<&str> = roots.iter().map(|root| root.sn.as_str()).collect();
        Ok(Certified {
            ends: [&app, &pinned]
                .into_iter()
                .chain(&roots)
                .map(|certificate| (certificate.sn.clone(), certificate.not_after()))
                .collect(),
            app_sn: app.sn.clone(),
            root_sn: sns.join("_"),
            pinned_key: Arc::new(pinned_key),
            pinned,
            between,
            roots,
            own: own.public(),
            fetched: RwLock::default(),
            last_fetch: Default::default(),
        })
    }

    pub(super) fn ends(&self) -> Vec<(String, Timestamp)> {
        self.ends.clone()
    }

    pub(super) fn pinned_key(&self) -> &VerifyingKey {
        &self.pinned_key
    }

    /// Whether the operator's certificate of Alipay's leads to the operator's roots. Later certificates must.
    pub(super) fn check_chain(&self, now: Timestamp) -> Result<(), &'static str> {
        is_issued_below(&self.pinned, &self.between, &self.roots, now)
    }

    /// Takes the right to fetch a certificate now; a caller that waited finds the certificate fetched before.
    pub(super) async fn may_fetch(
        &self,
        source: KeySource,
        now: Timestamp,
    ) -> Option<MutexGuard<'_, Option<Timestamp>>> {
        let last = match source {
            KeySource::Answer => &self.last_fetch[0],
            KeySource::Notification => &self.last_fetch[1],
        };
        let mut last = last.lock().await;
        if last.is_some_and(|last| now.duration_since(last) < FETCH_PAUSE) {
            return None;
        }
        *last = Some(now);
        Some(last)
    }

    /// Trusts a fetched certificate when its chain leads to the operator's root, it is the requested one, and it is
    /// Alipay's.
    pub(super) fn trust(&self, sn: &str, chain: &str, now: Timestamp) -> Result<(), &'static str> {
        let chain = read_bundle(chain)?;
        let (leaf, between) = chain.split_first().ok_or("no certificate that RSA signed")?;
        if leaf.sn != sn {
            return Err("another certificate than the one that was asked for");
        }
        is_issued_below(leaf, between, &self.roots, now)?;
        if !leaf.has_organisation_of(&self.pinned) {
            return Err("a certificate of another organisation than Alipay");
        }
        let key = leaf.key.clone().ok_or("a certificate whose key cannot be used")?;
        if key.is_same(&self.own) {
            return Err("a certificate of our own key");
        }
        let mut fetched = self.fetched.write().expect(UNBROKEN);
        fetched.insert(sn.to_owned(), Arc::new(key));
        Ok(())
    }
}

fn find_certificate(setting: &'static str, text: &str, wanted: &str) -> Result<Certificate, KeyError> {
    first_and_rest(setting, text, wanted).map(|(first, _)| first)
}

/// Returns the first certificate of a file, and the others, which are its issuers'.
fn first_and_rest(
    setting: &'static str,
    text: &str,
    wanted: &str,
) -> Result<(Certificate, Vec<Certificate>), KeyError> {
    let found = |found: &str| KeyError::new(setting, format!("found {found}; wanted {wanted}"));
    let mut bundle = read_bundle(text).map_err(found)?.into_iter();
    let first = bundle
        .next()
        .ok_or_else(|| found("a certificate that RSA did not sign"))?;
    Ok((first, bundle.collect()))
}

fn usable_key(setting: &'static str, certificate: &Certificate) -> Result<VerifyingKey, KeyError> {
    certificate.key.clone().ok_or_else(|| {
        let message = "found a certificate of no RSA key of 2048 bits or more; wanted an RSA2 certificate";
        KeyError::new(setting, message)
    })
}
