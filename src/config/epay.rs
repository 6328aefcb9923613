//! Settings of the epay endpoints, and of the merchant that is made at the start.

use payments::epay::{Pid, read_public_key};
use secrecy::{ExposeSecret as _, SecretString};

use super::source::{ConfigError, Source};

const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=255;

/// Whether the endpoints are there, and what they allow.
#[derive(Debug, Clone, Default)]
pub struct EpayConfig {
    pub is_on: bool,
    pub allows_refunds: bool,
    pub merchant: Option<EpayMerchant>,
}

/// The merchant of `EPAY_PID`.
#[derive(Debug, Clone)]
pub struct EpayMerchant {
    pub pid: Pid,
    pub key: SecretString,
    /// In base64 on one line; `None`: speaks only V1.
    pub public_key: Option<String>,
}

impl EpayConfig {
    pub(super) fn read(source: &Source) -> Result<EpayConfig, ConfigError> {
        Ok(EpayConfig {
            is_on: source.parsed("EPAY", parse_switch)?.unwrap_or(false),
            allows_refunds: source.parsed("EPAY_REFUND", parse_switch)?.unwrap_or(false),
            merchant: EpayMerchant::read(source)?,
        })
    }
}

impl EpayMerchant {
    fn read(source: &Source) -> Result<Option<EpayMerchant>, ConfigError> {
        let pid = source.parsed("EPAY_PID", |text| {
            Pid::parse(text)
                .ok_or_else(|| "must be a number of 1 to 9 digits without a leading zero".to_owned())
        })?;
        let key = source.parsed("EPAY_KEY", parse_key)?;
        let public_key = source.key("EPAY_PUBLIC_KEY")?;
        let missing = |name: &str, other: &str| {
            Err(ConfigError::new(
                name,
                format!("missing: {other} is set without it"),
            ))
        };
        match (pid, key) {
            (Some(pid), Some(key)) => Ok(Some(EpayMerchant {
                pid,
                key,
                public_key: public_key.map(|text| parse_public_key(&text)).transpose()?,
            })),
            (None, None) if public_key.is_none() => Ok(None),
            (None, None) => missing("EPAY_PID", "EPAY_PUBLIC_KEY"),
            (None, Some(_)) => missing("EPAY_PID", "EPAY_KEY"),
            (Some(_), None) => missing("EPAY_KEY", "EPAY_PID"),
        }
    }
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

fn parse_key(text: &str) -> Result<SecretString, String> {
    if KEY_BYTES.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(SecretString::from(text))
    } else {
        Err("must be 32 to 255 visible ASCII characters".to_owned())
    }
}

fn parse_public_key(text: &SecretString) -> Result<String, ConfigError> {
    read_public_key("EPAY_PUBLIC_KEY", text.expose_secret())
        .map_err(|error| ConfigError::new(error.setting, error.message))
}
