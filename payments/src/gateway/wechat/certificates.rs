//! `GET /v3/certificates`: the platform certificates, each encrypted for us.

use domain::Timestamp;
use serde::Deserialize;

use super::super::rsa_key::{Material, VerifyingKey, materials};
use super::sealed::{ApiV3Key, Sealed};
use crate::calendar::parse_rfc3339;

#[derive(Deserialize)]
struct CertificateList<'a> {
    #[serde(borrow)]
    data: Vec<Listed<'a>>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    serial_no: String,
    #[serde(default)]
    effective_time: Option<String>,
    #[serde(borrow)]
    encrypt_certificate: Sealed<'a>,
}

/// Certificate authenticated by its encryption under the APIv3 key.
#[derive(Debug)]
pub struct Certificate {
    pub serial: String,
    pub key: VerifyingKey,
    /// `None` when the list does not give the start of its validity.
    pub not_before: Option<Timestamp>,
    pub not_after: Timestamp,
}

impl Certificate {
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|start| start <= now) && now <= self.not_after
    }
}

pub fn read_certificates(api_v3_key: &ApiV3Key, body: &[u8]) -> Result<Vec<Certificate>, &'static str> {
    let list: CertificateList =
        serde_json::from_slice(body).map_err(|_| "the certificate list is not readable")?;
    list.data
        .iter()
        .map(|listed| read_listed(api_v3_key, listed))
        .collect()
}

fn read_listed(api_v3_key: &ApiV3Key, listed: &Listed<'_>) -> Result<Certificate, &'static str> {
    const NOT_READABLE: &str = "a certificate is not readable";
    let pem = api_v3_key.open(&listed.encrypt_certificate)?;
    let pem = String::from_utf8(pem).map_err(|_| "a certificate is not text")?;
    let materials =
        materials("WECHAT_API_V3_KEY", &pem, "a platform certificate").map_err(|_| NOT_READABLE)?;
    let [material] = <[Material; 1]>::try_from(materials).map_err(|_| NOT_READABLE)?;
    match material {
        Material::Certificate {
            serial,
            key,
            not_after,
        } if serial == listed.serial_no => Ok(Certificate {
            serial,
            key,
            not_before: listed.effective_time.as_deref().and_then(parse_rfc3339),
            not_after,
        }),
        _ => Err("a certificate has another serial than the list says"),
    }
}
