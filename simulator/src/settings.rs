//! Settings of a simulator, and the credentials that it gives to a merchant.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    /// A second address for the same gateways, as WeChat Pay has one to fail over to.
    pub backup_listen: SocketAddr,
    pub clock: Clock,
    /// Seed of a run: with a fixed clock it repeats ids, nonces, and where faults strike.
    pub seed: u64,
    pub wechat_keys: WechatKeys,
    /// Products that the merchant has signed: `native`, `h5`, `jsapi`, `app`, and Alipay's `qr`, `wap`, `page`,
    /// `app`, `mini`.
    pub products: Products,
    /// Keeps the keys across restarts; files are readable by their owner only.
    pub key_dir: Option<PathBuf>,
    /// Keeps trades and refunds across restarts, so that those under way continue.
    pub books_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            backup_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            clock: Clock::System,
            seed: 1,
            wechat_keys: WechatKeys::PublicKey,
            products: Products::default(),
            key_dir: None,
            books_file: None,
        }
    }
}

/// Both kinds are moved forward by [`crate::Simulator::advance`]; `Fixed` moves by nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    System,
    Fixed { now_ms: i64 },
}

/// Products that a merchant has signed with each gateway, by their names in its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Products {
    pub wechat: BTreeSet<String>,
    pub alipay: BTreeSet<String>,
}

impl Products {
    pub(crate) const WECHAT: [&str; 4] = ["native", "h5", "jsapi", "app"];
    pub(crate) const ALIPAY: [&str; 5] = ["qr", "wap", "page", "app", "mini"];
}

impl Default for Products {
    fn default() -> Products {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Products {
            wechat: set(&Products::WECHAT),
            alipay: set(&Products::ALIPAY),
        }
    }
}

/// Keys by which this merchant verifies WeChat Pay's answers (docs/gateway-facts.md 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WechatKeys {
    PublicKey,
    Certificate,
    /// Migration from one to the other: answers and notifications carry either serial.
    Both,
}

/// Everything a merchant would be handed by the two gateways.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub wechat_mch_id: String,
    pub wechat_app_id: String,
    /// The merchant's mini program, and its app for phones.
    pub wechat_mini_app_id: String,
    pub wechat_mobile_app_id: String,
    /// Serial number of the merchant's API certificate.
    pub wechat_serial_no: String,
    pub wechat_api_v3_key: String,
    pub wechat_private_key: String,
    /// Secret of the app, for authorisations inside WeChat.
    pub wechat_app_secret: String,
    /// Secret of the mini program, for its access token.
    pub wechat_mini_app_secret: String,
    /// The PEM of WeChat Pay's public key, or of its first platform certificate.
    pub wechat_public_key: String,
    /// `PUB_KEY_ID_…`, set if there is a public key.
    pub wechat_public_key_id: Option<String>,
    /// PEM of the first platform certificate, set if there are any.
    pub wechat_certificate: Option<String>,
    pub alipay_app_id: String,
    pub alipay_mini_app_id: String,
    pub alipay_private_key: String,
    pub alipay_public_key: String,
    pub alipay_seller_id: String,
    /// Certificate mode (docs/gateway-facts.md 2.4): the app's certificate.
    pub alipay_app_cert: String,
    /// Alipay's certificate with its issuer's.
    pub alipay_cert: String,
    /// The bundle of roots.
    pub alipay_root_cert: String,
    /// Base64 of the 16 bytes that encrypt contents.
    pub alipay_aes_key: String,
}

/// The certificate that Alipay signs with in certificate mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlipayCertificate {
    #[default]
    First,
    /// Another one of the same issuer's: the merchant has to fetch it.
    Second,
    /// Forged by another issuer; its chain does not end in the merchant's roots.
    Forged,
}

/// Settings of Alipay's signatures for this merchant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AlipaySigning {
    /// For calls in certificate mode, and their notifications.
    pub certificate: AlipayCertificate,
    #[serde(rename = "notices")]
    pub notifications: AlipayNotifications,
    /// In an answer the signature stands before the node.
    pub sign_first: bool,
}

/// Signatures of Alipay's notifications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlipayNotifications {
    /// In the mode of the call that created the order.
    #[default]
    AsAsked,
    PublicKey,
    /// Includes a signed `alipay_cert_sn`.
    Certificate,
    /// Includes an `alipay_cert_sn` outside of the signed text.
    UnsignedSerial,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("wechat_mch_id", &self.wechat_mch_id)
            .field("wechat_app_id", &self.wechat_app_id)
            .field("wechat_serial_no", &self.wechat_serial_no)
            .field("wechat_public_key_id", &self.wechat_public_key_id)
            .field("alipay_app_id", &self.alipay_app_id)
            .field("alipay_seller_id", &self.alipay_seller_id)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// The settings a merchant server needs, one variable each; line breaks in keys become `\n`,
    /// so that every pair is one line of an `.env` file.
    pub fn env_lines(&self, base_url: &str) -> Vec<(String, String)> {
        let one_line = |pem: &str| pem.trim().replace('\n', "\\n");
        let mut lines = vec![
            ("WECHAT_GATEWAY", base_url.to_owned()),
            ("WECHAT_APP_ID", self.wechat_app_id.clone()),
            ("WECHAT_MINI_APP_ID", self.wechat_mini_app_id.clone()),
            ("WECHAT_MOBILE_APP_ID", self.wechat_mobile_app_id.clone()),
            ("WECHAT_MCH_ID", self.wechat_mch_id.clone()),
            ("WECHAT_SERIAL_NO", self.wechat_serial_no.clone()),
            ("WECHAT_API_V3_KEY", self.wechat_api_v3_key.clone()),
            ("WECHAT_PRIVATE_KEY", one_line(&self.wechat_private_key)),
            ("WECHAT_PUBLIC_KEY", one_line(&self.wechat_public_key)),
            ("WECHAT_APP_SECRET", self.wechat_app_secret.clone()),
            ("WECHAT_MINI_APP_SECRET", self.wechat_mini_app_secret.clone()),
            ("WECHAT_OAUTH_URL", base_url.to_owned()),
            ("WECHAT_OAUTH_API", base_url.to_owned()),
        ];
        if let Some(id) = &self.wechat_public_key_id {
            lines.push(("WECHAT_PUBLIC_KEY_ID", id.clone()));
        }
        lines.extend([
            ("ALIPAY_GATEWAY", format!("{base_url}/gateway.do")),
            ("ALIPAY_APP_ID", self.alipay_app_id.clone()),
            ("ALIPAY_MINI_APP_ID", self.alipay_mini_app_id.clone()),
            ("ALIPAY_PRIVATE_KEY", one_line(&self.alipay_private_key)),
            ("ALIPAY_PUBLIC_KEY", one_line(&self.alipay_public_key)),
            ("ALIPAY_SELLER_ID", self.alipay_seller_id.clone()),
        ]);
        lines
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
