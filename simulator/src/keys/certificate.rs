//! A self-signed platform certificate of WeChat Pay: no client checks its chain (docs/gateway-facts.md 1.4).

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SigningKey};
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::sha2::Sha256;

use super::{hex, key_fingerprint};

/// Wide enough for every clock a test may set.
pub(super) const VALID_YEARS: (i32, i32) = (2015, 2049);

#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) serial: String,
    pub(crate) pem: String,
    pub(crate) effective_time: String,
    pub(crate) expire_time: String,
    pub(crate) key: Arc<PrivateKey>,
}

/// Adapter of a key for rcgen.
pub(super) struct Issuer<'a> {
    key: &'a PrivateKey,
    public_der: Vec<u8>,
}

impl<'a> Issuer<'a> {
    pub(super) fn new(key: &'a PrivateKey) -> io::Result<Issuer<'a>> {
        let public = key.to_public_key().to_pkcs1_der().map_err(io::Error::other)?;
        Ok(Issuer {
            key,
            public_der: public.as_bytes().to_vec(),
        })
    }
}

impl PublicKeyData for Issuer<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.public_der
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for Issuer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.key
            .pkcs1v15_sign::<Sha256>(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

impl Certificate {
    pub(crate) fn issue(key: &Arc<PrivateKey>, name: &str) -> io::Result<Certificate> {
        let mut serial = key_fingerprint(key)[..20].to_vec();
        // A serial number is positive and has no leading zero, so that every reader prints 40 digits.
        serial[0] = serial[0] & 0x7f | 0x40;
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.not_before = rcgen::date_time_ymd(VALID_YEARS.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(VALID_YEARS.1, 1, 1);
        params.distinguished_name.push(DnType::CommonName, name);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Tenpay.com");
        let certificate = params.self_signed(&Issuer::new(key)?).map_err(io::Error::other)?;
        Ok(Certificate {
            serial: hex(&serial).to_uppercase(),
            pem: pem(certificate.der()),
            effective_time: format!("{}-01-01T08:00:00+08:00", VALID_YEARS.0),
            expire_time: format!("{}-01-01T08:00:00+08:00", VALID_YEARS.1),
            key: Arc::clone(key),
        })
    }
}

pub(super) fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().copied().map(char::from));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
