//! WeChat merchant settings, and checks of them before the first payment.

use std::sync::Arc;

use http::HeaderValue;
use secrecy::SecretString;

use super::super::KeyError;
use super::super::calls::CallLog;
use super::keys::PUBLIC_KEY_PREFIX;
use super::oauth::OauthSettings;
use super::shipping::{self, MiniApiSettings, ShippingApi};
use crate::Clock;

/// Settings of a merchant at WeChat Pay, named as in the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    pub app_id: String,
    /// The merchant's mini program, and its app for phones: each has an id of its own, bound to the same merchant number.
    pub mini_app_id: Option<String>,
    pub mobile_app_id: Option<String>,
    pub mch_id: String,
    /// Serial of the merchant's certificate. Without the certificate it cannot be checked against the private key: a
    /// mismatch shows at the first call (`SIGN_ERROR`).
    pub serial_no: String,
    pub api_v3_key: SecretString,
    pub private_key: SecretString,
    pub verify: Verify,
    /// `https://api.mch.weixin.qq.com`
    pub gateway_url: String,
    /// `https://api2.mch.weixin.qq.com`: tried once when the first host does not answer at all.
    pub backup_url: Option<String>,
    pub notify_url: String,
    /// Lets pages inside WeChat learn the payer's openid.
    pub oauth: Option<OauthSettings>,
    /// Lets shipping information of the mini program be uploaded.
    pub mini_api: Option<MiniApiSettings>,
}

/// Verification material for WeChat's signatures. In every case a signature that names an unknown certificate causes a
/// download of the list: a merchant moving from one kind to the other gets both.
#[derive(Debug, Clone)]
pub enum Verify {
    /// The WeChat Pay public key, and its `PUB_KEY_ID_…`. Platform certificates may be added in the same text.
    PublicKey { id: String, key: String },
    /// One or several platform certificates; their serials are read from them.
    Certificate { pem: String },
    /// Platform certificates are downloaded when they are needed.
    Download,
}

impl Settings {
    /// Checks the format of each setting; keys are checked when they are parsed.
    pub(super) fn check(&self) -> Result<(), KeyError> {
        check_app_id("WECHAT_APP_ID", &self.app_id)?;
        for (name, app_id) in self.client_apps() {
            check_app_id(name, app_id)?;
        }
        self.check_mch_id()?;
        self.check_serial_no()
    }

    /// Ids of the mini program and of the app for phones, as far as they are set, by their settings.
    pub(super) fn client_apps(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let apps = [
            ("WECHAT_MINI_APP_ID", &self.mini_app_id),
            ("WECHAT_MOBILE_APP_ID", &self.mobile_app_id),
        ];
        apps.into_iter()
            .filter_map(|(name, app_id)| Some((name, app_id.as_deref()?)))
    }

    /// Client for shipping information, which needs the mini program that the secret belongs to.
    pub(super) fn shipping_api(
        &self,
        calls: &Arc<CallLog>,
        clock: &Clock,
    ) -> Result<Option<ShippingApi>, KeyError> {
        let Some(settings) = &self.mini_api else {
            return Ok(None);
        };
        let Some(app_id) = &self.mini_app_id else {
            let message = format!("missing: {} is set without it", shipping::APP_SECRET);
            return Err(KeyError::new("WECHAT_MINI_APP_ID", message));
        };
        ShippingApi::new(app_id, settings.clone(), Arc::clone(calls), clock.clone()).map(Some)
    }

    pub(super) fn check_mch_id(&self) -> Result<(), KeyError> {
        if is_made_of(&self.mch_id, 32, u8::is_ascii_digit) {
            return Ok(());
        }
        let message = "wanted the merchant number, digits only, as in 1900000109";
        Err(KeyError::new("WECHAT_MCH_ID", message))
    }

    pub(super) fn check_serial_no(&self) -> Result<(), KeyError> {
        const WANTED: &str =
            "wanted the serial number of the merchant's API certificate, at most 40 hex digits";
        if is_made_of(&self.serial_no, 40, u8::is_ascii_hexdigit) {
            return Ok(());
        }
        let found = if self.serial_no.starts_with(PUBLIC_KEY_PREFIX) {
            "the id of WeChat Pay's public key"
        } else if self.serial_no.contains(':') {
            "colons between the digits"
        } else {
            "something else"
        };
        Err(KeyError::new(
            "WECHAT_SERIAL_NO",
            format!("found {found}; {WANTED}"),
        ))
    }

    /// Serial of the key that WeChat should sign with.
    pub(super) fn wanted_serial(&self) -> Result<Option<HeaderValue>, KeyError> {
        let Verify::PublicKey { id, .. } = &self.verify else {
            return Ok(None);
        };
        let is_id = id
            .strip_prefix(PUBLIC_KEY_PREFIX)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        match HeaderValue::from_str(id) {
            Ok(header) if is_id => Ok(Some(header)),
            _ => Err(KeyError::new(
                "WECHAT_PUBLIC_KEY_ID",
                "found something else; wanted the id as the console shows it, PUB_KEY_ID_…",
            )),
        }
    }
}

pub(super) fn check_app_id(name: &'static str, app_id: &str) -> Result<(), KeyError> {
    if is_made_of(app_id, 32, u8::is_ascii_alphanumeric) {
        return Ok(());
    }
    let message = "wanted letters and digits only, as in wx2421b1c4370ec43b";
    Err(KeyError::new(name, message))
}

fn is_made_of(text: &str, most: usize, is_part: fn(&u8) -> bool) -> bool {
    (1..=most).contains(&text.len()) && text.as_bytes().iter().all(is_part)
}
