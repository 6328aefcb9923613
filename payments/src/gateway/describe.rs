//! Gateway settings for display: numbers and fingerprints, never a key.

use aws_lc_rs::digest::{SHA256, digest};
use domain::Timestamp;

use super::{Gateway, VerifyingKey};

/// Displayable settings of one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub app_id: String,
    /// WeChat's merchant number, Alipay's seller.
    pub merchant: Option<String>,
    /// The serial number of our own certificate at WeChat.
    pub serial_no: Option<String>,
    pub gateway_url: String,
    /// Notification address, to be pasted into the gateway's own console where it asks for one.
    pub notify_url: String,
    /// Fingerprint of our public key: equal to the gateway's, if the right one was uploaded.
    pub own_fingerprint: String,
    /// Expired certificates, by serial number.
    pub expired: Vec<String>,
    /// Certificates that a person must replace, with their expiry.
    pub ends: Vec<(String, Timestamp)>,
}

impl Gateway {
    pub fn describe(&self, now: Timestamp) -> Description {
        match self {
            Gateway::Wechat(wechat) => wechat.describe(now),
            Gateway::Alipay(alipay) => alipay.describe(now),
        }
    }
}

/// First ten bytes of SHA-256 over the DER public key, as in `openssl pkey -pubout -outform DER | sha256sum`.
pub(super) fn fingerprint(key: &VerifyingKey) -> String {
    let bytes: Vec<String> = digest(&SHA256, key.der())
        .as_ref()
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    bytes.join(":")
}
