//! What may be told of a gateway's settings: numbers and fingerprints, never a key.

use aws_lc_rs::digest::{SHA256, digest};
use domain::Timestamp;

use super::{Gateway, VerifyingKey};

/// One gateway's settings as they may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub app_id: String,
    /// WeChat's merchant number, Alipay's seller.
    pub merchant: Option<String>,
    /// The serial number of our own certificate at WeChat.
    pub serial_no: Option<String>,
    pub gateway_url: String,
    /// What has to be pasted into the gateway's own console, where it asks for one.
    pub notify_url: String,
    /// Of our public key: the same as at the gateway, if the right one was uploaded.
    pub own_fingerprint: String,
    /// The certificates that have expired, by serial number.
    pub expired: Vec<String>,
    /// The certificates that a person must replace, and when each ends.
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

/// The first ten bytes of SHA-256 over the public key as DER, the way `openssl pkey -pubout -outform DER | sha256sum` begins.
pub(super) fn fingerprint(key: &VerifyingKey) -> String {
    let bytes: Vec<String> = digest(&SHA256, key.der())
        .as_ref()
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    bytes.join(":")
}
