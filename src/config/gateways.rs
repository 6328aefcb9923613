//! Settings of the gateways. Live gateways never fall back to the simulator: only the operator can choose it.

use secrecy::{ExposeSecret as _, SecretString};

use super::source::{ConfigError, Source};
use super::value::parse_gateway_url;

const WECHAT_GATEWAY: &str = "https://api.mch.weixin.qq.com";
/// WeChat Pay's host in another region: used when the first one does not answer at all (docs/gateway-facts.md 1.1).
const WECHAT_BACKUP_GATEWAY: &str = "https://api2.mch.weixin.qq.com";
/// Address that a payer's browser opens inside WeChat, and the host that exchanges its codes.
const WECHAT_OAUTH_URL: &str = "https://open.weixin.qq.com";
const WECHAT_OAUTH_API: &str = "https://api.weixin.qq.com";
const ALIPAY_GATEWAY: &str = "https://openapi.alipay.com/gateway.do";
const API_V3_KEY_BYTES: usize = 32;

#[derive(Debug)]
pub enum GatewayMode {
    Live(Box<Accounts>),
    Simulator,
}

/// At least one of them.
#[derive(Debug)]
pub struct Accounts {
    pub wechat: Option<WechatAccount>,
    pub alipay: Option<AlipayAccount>,
}

#[derive(Debug)]
pub struct WechatAccount {
    pub app_id: String,
    /// Mini program, and app for phones, with ids of their own.
    pub mini_app_id: Option<String>,
    pub mobile_app_id: Option<String>,
    pub mch_id: String,
    pub serial_no: String,
    pub api_v3_key: SecretString,
    pub private_key: SecretString,
    pub public_key: Option<SecretString>,
    pub public_key_id: Option<String>,
    pub gateway_url: String,
    pub backup_url: Option<String>,
    /// Secret of the app: lets pages inside WeChat learn the payer's openid.
    pub app_secret: Option<SecretString>,
    /// Secret of the mini program: lets its shipping information be uploaded.
    pub mini_app_secret: Option<SecretString>,
    pub oauth_url: String,
    pub oauth_api: String,
}

#[derive(Debug)]
pub struct AlipayAccount {
    pub app_id: String,
    pub private_key: SecretString,
    pub verify: AlipayVerify,
    pub seller_id: Option<String>,
    /// Mini program, for which the app above signs.
    pub mini_app_id: Option<String>,
    pub gateway_url: String,
}

/// Verification keys: Alipay's console provides one kind or the other.
#[derive(Debug)]
pub enum AlipayVerify {
    PublicKey(SecretString),
    Certificates {
        app: SecretString,
        alipay: SecretString,
        root: SecretString,
    },
}

enum Choice {
    Auto,
    Live,
    Simulator,
}

impl GatewayMode {
    pub(super) fn read(source: &Source) -> Result<GatewayMode, ConfigError> {
        let choice = source.parsed("GATEWAYS", |text| match text {
            "auto" => Ok(Choice::Auto),
            "live" => Ok(Choice::Live),
            "simulator" => Ok(Choice::Simulator),
            _ => Err("must be auto, live or simulator".to_owned()),
        })?;
        // Both are read in every mode: an incomplete account is a mistake, also where it is not used.
        let wechat = WechatAccount::read(source)?;
        let alipay = AlipayAccount::read(source)?;
        let has_account = wechat.is_some() || alipay.is_some();
        match choice.unwrap_or(Choice::Auto) {
            Choice::Simulator => Ok(GatewayMode::Simulator),
            Choice::Auto if !has_account => Ok(GatewayMode::Simulator),
            Choice::Live if !has_account => Err(ConfigError::new(
                "GATEWAYS",
                "live, but no gateway is configured: set WECHAT_APP_ID or ALIPAY_APP_ID and what belongs to them",
            )),
            Choice::Auto | Choice::Live => Ok(GatewayMode::Live(Box::new(Accounts { wechat, alipay }))),
        }
    }
}

impl WechatAccount {
    fn read(source: &Source) -> Result<Option<WechatAccount>, ConfigError> {
        const REQUIRED: [&str; 5] = [
            "WECHAT_APP_ID",
            "WECHAT_MCH_ID",
            "WECHAT_SERIAL_NO",
            "WECHAT_API_V3_KEY",
            "WECHAT_PRIVATE_KEY",
        ];
        const OPTIONAL: [&str; 6] = [
            "WECHAT_PUBLIC_KEY",
            "WECHAT_PUBLIC_KEY_ID",
            "WECHAT_APP_SECRET",
            "WECHAT_MINI_APP_ID",
            "WECHAT_MINI_APP_SECRET",
            "WECHAT_MOBILE_APP_ID",
        ];
        let gateway_url = source.parsed("WECHAT_GATEWAY", parse_gateway_url)?;
        let backup_url = source.parsed("WECHAT_BACKUP_GATEWAY", parse_gateway_url)?;
        let oauth_url = source.parsed("WECHAT_OAUTH_URL", parse_gateway_url)?;
        let oauth_api = source.parsed("WECHAT_OAUTH_API", parse_gateway_url)?;
        if !is_begun(source, &REQUIRED, &OPTIONAL)? {
            return Ok(None);
        }
        let [app_id, mch_id, serial_no, api_v3_key, _] = REQUIRED;
        let public_key = source.key("WECHAT_PUBLIC_KEY")?;
        let public_key_id = source.text("WECHAT_PUBLIC_KEY_ID").map(str::to_owned);
        if public_key.is_none() && public_key_id.is_some() {
            return Err(ConfigError::new(
                "WECHAT_PUBLIC_KEY",
                "missing: WECHAT_PUBLIC_KEY_ID is set without it",
            ));
        }
        let mini_app_id = source.text("WECHAT_MINI_APP_ID").map(str::to_owned);
        let mini_app_secret = source.text("WECHAT_MINI_APP_SECRET").map(SecretString::from);
        if mini_app_id.is_none() && mini_app_secret.is_some() {
            return Err(ConfigError::new(
                "WECHAT_MINI_APP_ID",
                "missing: WECHAT_MINI_APP_SECRET is set without it",
            ));
        }
        Ok(Some(WechatAccount {
            app_id: read_word(source, app_id)?,
            mini_app_id,
            mini_app_secret,
            mobile_app_id: source.text("WECHAT_MOBILE_APP_ID").map(str::to_owned),
            mch_id: read_word(source, mch_id)?,
            serial_no: read_word(source, serial_no)?,
            api_v3_key: require_setting(source.parsed(api_v3_key, parse_api_v3_key)?, api_v3_key)?,
            private_key: require_setting(source.key("WECHAT_PRIVATE_KEY")?, "WECHAT_PRIVATE_KEY")?,
            public_key,
            public_key_id,
            app_secret: source.text("WECHAT_APP_SECRET").map(SecretString::from),
            oauth_url: oauth_url.unwrap_or_else(|| WECHAT_OAUTH_URL.to_owned()),
            oauth_api: oauth_api.unwrap_or_else(|| WECHAT_OAUTH_API.to_owned()),
            // A custom host, such as a proxy or a simulator, has no known backup.
            backup_url: match &gateway_url {
                None => backup_url.or_else(|| Some(WECHAT_BACKUP_GATEWAY.to_owned())),
                Some(_) => backup_url,
            },
            gateway_url: gateway_url.unwrap_or_else(|| WECHAT_GATEWAY.to_owned()),
        }))
    }

    /// Returns a WeChat Pay public key when its id is set, else a platform certificate whose serial is read from it.
    pub fn verify(&self) -> payments::gateway::wechat::Verify {
        use payments::gateway::wechat::Verify;
        match (&self.public_key, &self.public_key_id) {
            (Some(key), Some(id)) => Verify::PublicKey {
                id: id.clone(),
                key: key.expose_secret().to_owned(),
            },
            (Some(pem), None) => Verify::Certificate {
                pem: pem.expose_secret().to_owned(),
            },
            (None, _) => Verify::Download,
        }
    }
}

impl AlipayAccount {
    fn read(source: &Source) -> Result<Option<AlipayAccount>, ConfigError> {
        const REQUIRED: [&str; 2] = ["ALIPAY_APP_ID", "ALIPAY_PRIVATE_KEY"];
        let gateway_url = source.parsed("ALIPAY_GATEWAY", parse_gateway_url)?;
        let optional = [
            &["ALIPAY_PUBLIC_KEY", "ALIPAY_SELLER_ID", "ALIPAY_MINI_APP_ID"][..],
            &AlipayVerify::CERTIFICATES,
        ]
        .concat();
        if !is_begun(source, &REQUIRED, &optional)? {
            return Ok(None);
        }
        Ok(Some(AlipayAccount {
            app_id: read_word(source, "ALIPAY_APP_ID")?,
            private_key: require_setting(source.key("ALIPAY_PRIVATE_KEY")?, "ALIPAY_PRIVATE_KEY")?,
            verify: AlipayVerify::read(source)?,
            seller_id: source.text("ALIPAY_SELLER_ID").map(str::to_owned),
            mini_app_id: source.text("ALIPAY_MINI_APP_ID").map(str::to_owned),
            gateway_url: gateway_url.unwrap_or_else(|| ALIPAY_GATEWAY.to_owned()),
        }))
    }

    pub fn verify(&self) -> payments::gateway::alipay::Verify {
        use payments::gateway::alipay::Verify;
        let text = |key: &SecretString| key.expose_secret().to_owned();
        match &self.verify {
            AlipayVerify::PublicKey(key) => Verify::PublicKey { key: text(key) },
            AlipayVerify::Certificates { app, alipay, root } => Verify::Certificates {
                app: text(app),
                alipay: text(alipay),
                root: text(root),
            },
        }
    }
}

impl AlipayVerify {
    const CERTIFICATES: [&str; 3] = ["ALIPAY_APP_CERT", "ALIPAY_CERT", "ALIPAY_ROOT_CERT"];

    fn read(source: &Source) -> Result<AlipayVerify, ConfigError> {
        let [app, alipay, root] = Self::CERTIFICATES;
        let public_key = source.key("ALIPAY_PUBLIC_KEY")?;
        let certificates = [source.key(app)?, source.key(alipay)?, source.key(root)?];
        match (public_key, certificates) {
            (Some(key), [None, None, None]) => Ok(AlipayVerify::PublicKey(key)),
            (Some(_), _) => Err(ConfigError::new(
                "ALIPAY_PUBLIC_KEY",
                "set beside Alipay's certificates: an app has one or the other",
            )),
            (None, [None, None, None]) => Err(ConfigError::new(
                "ALIPAY_PUBLIC_KEY",
                "missing: set Alipay's public key, or in certificate mode ALIPAY_APP_CERT, ALIPAY_CERT and ALIPAY_ROOT_CERT",
            )),
            (None, [first, second, third]) => Ok(AlipayVerify::Certificates {
                app: require_setting(first, app)?,
                alipay: require_setting(second, alipay)?,
                root: require_setting(third, root)?,
            }),
        }
    }
}

/// Returns whether any setting of an account is set; then all required ones must be.
fn is_begun(
    source: &Source,
    required: &[&'static str],
    optional: &[&'static str],
) -> Result<bool, ConfigError> {
    let set: Vec<&str> = required
        .iter()
        .chain(optional)
        .copied()
        .filter(|name| source.text(name).is_some())
        .collect();
    let Some(first) = set.first() else {
        return Ok(false);
    };
    match required.iter().find(|name| !set.contains(name)) {
        None => Ok(true),
        Some(missing) => Err(ConfigError::new(
            *missing,
            format!("missing: {first} is set without it"),
        )),
    }
}

fn require_setting<T>(value: Option<T>, name: &'static str) -> Result<T, ConfigError> {
    value.ok_or_else(|| ConfigError::new(name, "missing"))
}

/// Reads an identifier that goes into signed headers: visible ASCII.
fn read_word(source: &Source, name: &'static str) -> Result<String, ConfigError> {
    let value = source.parsed(name, |text| {
        if text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(text.to_owned())
        } else {
            Err("must be at most 64 visible ASCII characters".to_owned())
        }
    })?;
    require_setting(value, name)
}

fn parse_api_v3_key(text: &str) -> Result<SecretString, String> {
    if text.len() == API_V3_KEY_BYTES {
        Ok(SecretString::from(text))
    } else {
        Err(format!("must have exactly {API_V3_KEY_BYTES} bytes"))
    }
}
