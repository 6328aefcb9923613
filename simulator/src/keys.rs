//! Keys of both sides: generated once a process, optionally kept in a directory, never committed.

mod alipay;
mod certificate;
mod ring;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::sha2::Sha256;
use rsa::{PrivateKey, PublicKey};
use sha2::Digest as _;

use crate::settings::{AlipayCertificate, Credentials, WechatKeys};
pub(crate) use alipay::{AlipayCertificates, in_base64};
pub(crate) use certificate::Certificate;

pub const MCH_ID: &str = "1900000109";
pub(crate) const APP_ID: &str = "wxd678efd56a1b2c3d";
/// The merchant's mini program and its app for phones, bound to the same merchant number.
pub(crate) const MINI_APP_ID: &str = "wx8397f8696b538317";
pub(crate) const MOBILE_APP_ID: &str = "wxb4ba3c02aa476ea1";
/// Every app that is bound to the merchant number.
pub(crate) const BOUND_APP_IDS: [&str; 3] = [APP_ID, MINI_APP_ID, MOBILE_APP_ID];
pub(crate) const ALIPAY_MINI_APP_ID: &str = "9021000100000208";
pub const ALIPAY_APP_ID: &str = "9021000100000109";
pub(crate) const SELLER_ID: &str = "2088101117955611";
pub(crate) const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000001092026010100112200000000";

pub(crate) struct Keys {
    mode: WechatKeys,
    merchant: PublicKey,
    wechat: Arc<PrivateKey>,
    certificates: [Certificate; 2],
    alipay_app: PublicKey,
    alipay: Arc<PrivateKey>,
    alipay_certificates: AlipayCertificates,
    alipay_aes_key: [u8; 16],
    stranger: Arc<PrivateKey>,
    credentials: Credentials,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// Key that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    Gateway,
    /// The other platform certificate, after a rotation.
    Rotated,
    /// A key of no participant.
    Stranger,
}

/// One of the keys that WeChat Pay signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WechatKey {
    PublicKey,
    Certificate,
    /// The other platform certificate, after a rotation.
    RotatedCertificate,
}

impl Keys {
    /// Slow on the first call of a process; call it where blocking is allowed.
    pub(crate) fn load(mode: WechatKeys, dir: Option<&Path>) -> io::Result<Keys> {
        let ring = ring::load(dir)?;
        let certificates = [
            Certificate::issue(&ring.certificate_a, "Tenpay.com Root CA A")?,
            Certificate::issue(&ring.certificate_b, "Tenpay.com Root CA B")?,
        ];
        let alipay_certificates = AlipayCertificates::issue(&ring)?;
        let alipay_private_key = private_pem(&ring.alipay_app);
        let alipay_aes_key = first_half(&sha2::Sha256::digest(alipay_private_key.as_bytes()).into());
        let merchant_pem = private_pem(&ring.merchant);
        let (wechat_public_key, wechat_public_key_id) = match mode {
            WechatKeys::PublicKey | WechatKeys::Both => (
                public_pem(&ring.wechat.to_public_key()),
                Some(PUBLIC_KEY_ID.to_owned()),
            ),
            WechatKeys::Certificate => (certificates[0].pem.clone(), None),
        };
        let has_certificates = mode != WechatKeys::PublicKey;
        let credentials = Credentials {
            wechat_mch_id: MCH_ID.to_owned(),
            wechat_app_id: APP_ID.to_owned(),
            wechat_mini_app_id: MINI_APP_ID.to_owned(),
            wechat_mobile_app_id: MOBILE_APP_ID.to_owned(),
            wechat_serial_no: hex(&key_fingerprint(&ring.merchant)[..20]).to_uppercase(),
            // Derived, so that it is kept wherever the keys are kept.
            wechat_api_v3_key: hex(&sha2::Sha256::digest(merchant_pem.as_bytes())[..16]),
            wechat_app_secret: hex(&sha2::Sha256::digest(format!("app {merchant_pem}").as_bytes())[..16]),
            wechat_mini_app_secret: hex(
                &sha2::Sha256::digest(format!("mini {merchant_pem}").as_bytes())[..16]
            ),
            wechat_private_key: merchant_pem,
            wechat_public_key,
            wechat_public_key_id,
            wechat_certificate: has_certificates.then(|| certificates[0].pem.clone()),
            alipay_app_id: ALIPAY_APP_ID.to_owned(),
            alipay_mini_app_id: ALIPAY_MINI_APP_ID.to_owned(),
            alipay_private_key,
            alipay_public_key: public_pem(&ring.alipay.to_public_key()),
            alipay_seller_id: SELLER_ID.to_owned(),
            alipay_app_cert: alipay_certificates.app_pem.clone(),
            alipay_cert: alipay_certificates
                .own(AlipayCertificate::First)
                .chain_pem
                .clone(),
            alipay_root_cert: alipay_certificates.root_pem.clone(),
            alipay_aes_key: STANDARD.encode(alipay_aes_key),
        };
        Ok(Keys {
            mode,
            merchant: ring.merchant.to_public_key(),
            wechat: Arc::clone(&ring.wechat),
            certificates,
            alipay_app: ring.alipay_app.to_public_key(),
            alipay: Arc::clone(&ring.alipay),
            alipay_certificates,
            alipay_aes_key,
            stranger: Arc::clone(&ring.stranger),
            credentials,
        })
    }

    pub(crate) fn mode(&self) -> WechatKeys {
        self.mode
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(crate) fn certificates(&self) -> &[Certificate; 2] {
        &self.certificates
    }

    pub(crate) fn merchant_signed(&self, message: &[u8], signature: &str) -> bool {
        verify_signature(&self.merchant, message, signature)
    }

    pub(crate) fn app_signed(&self, message: &[u8], signature: &str) -> bool {
        verify_signature(&self.alipay_app, message, signature)
    }

    /// Returns the key of this serial number, if WeChat Pay uses it for this merchant.
    pub(crate) fn wechat_key(&self, serial: &str) -> Option<WechatKey> {
        let all = [
            WechatKey::PublicKey,
            WechatKey::Certificate,
            WechatKey::RotatedCertificate,
        ];
        let in_use = |key: &WechatKey| match self.mode {
            WechatKeys::PublicKey => *key == WechatKey::PublicKey,
            WechatKeys::Certificate => *key != WechatKey::PublicKey,
            WechatKeys::Both => true,
        };
        all.into_iter()
            .filter(in_use)
            .find(|key| self.wechat_pair(*key).0 == serial)
    }

    fn wechat_pair(&self, key: WechatKey) -> (&str, &PrivateKey) {
        let [first, second] = &self.certificates;
        match key {
            WechatKey::PublicKey => (PUBLIC_KEY_ID, &self.wechat),
            WechatKey::Certificate => (&first.serial, &first.key),
            WechatKey::RotatedCertificate => (&second.serial, &second.key),
        }
    }

    /// Returns the serial and the signature. A request that names one of the keys gets that one.
    pub(crate) fn sign_as_wechat(
        &self,
        signer: Signer,
        wanted: Option<WechatKey>,
        message: &[u8],
    ) -> (String, String) {
        let key = match (self.mode, signer) {
            (WechatKeys::PublicKey, _) => WechatKey::PublicKey,
            (WechatKeys::Certificate | WechatKeys::Both, Signer::Rotated) => WechatKey::RotatedCertificate,
            (WechatKeys::Certificate, _) => wanted.unwrap_or(WechatKey::Certificate),
            (WechatKeys::Both, _) => wanted.unwrap_or_else(|| by_lot(message)),
        };
        let (serial, own_key) = self.wechat_pair(key);
        let key = if signer == Signer::Stranger {
            &self.stranger
        } else {
            own_key
        };
        (serial.to_owned(), sign(key, message))
    }

    /// Decrypts text encrypted under the key of this serial: RSA-OAEP with SHA-1, in base64.
    pub(crate) fn decrypt_for_wechat(&self, serial: &str, text: &str) -> Option<Vec<u8>> {
        let (_, key) = self.wechat_pair(self.wechat_key(serial)?);
        let sealed = STANDARD.decode(text).ok()?;
        key.oaep_decrypt::<sha1::Sha1>(&sealed).ok()
    }

    pub(crate) fn alipay_certificates(&self) -> &AlipayCertificates {
        &self.alipay_certificates
    }

    pub(crate) fn alipay_aes_key(&self) -> &[u8; 16] {
        &self.alipay_aes_key
    }

    /// Signs with the key of the certificate of this serial number, or in public-key mode with the one key.
    pub(crate) fn sign_as_alipay(&self, signer: Signer, cert_sn: Option<&str>, message: &[u8]) -> String {
        let of_certificate = cert_sn.and_then(|sn| self.alipay_certificates.by_sn(sn));
        let key = match (signer, of_certificate) {
            (Signer::Stranger, _) => &self.stranger,
            (_, Some(own)) => &own.key,
            (_, None) => &self.alipay,
        };
        sign(key, message)
    }
}

fn first_half(digest: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|place| digest[place])
}

/// While a merchant moves to the public key, either kind may sign; every message has a nonce, so this is
/// chance and can still be repeated.
fn by_lot(message: &[u8]) -> WechatKey {
    if sha2::Sha256::digest(message)[0] % 2 == 0 {
        WechatKey::PublicKey
    } else {
        WechatKey::Certificate
    }
}

pub(crate) fn sign(key: &PrivateKey, message: &[u8]) -> String {
    let signature = key
        .pkcs1v15_sign::<Sha256>(message)
        .expect("a 2048-bit key signs any SHA-256 digest");
    STANDARD.encode(signature)
}

fn verify_signature(key: &PublicKey, message: &[u8], signature: &str) -> bool {
    STANDARD
        .decode(signature)
        .is_ok_and(|raw| key.pkcs1v15_verify::<Sha256>(message, &raw).is_ok())
}

fn key_fingerprint(key: &PrivateKey) -> [u8; 32] {
    let der = key
        .to_public_key()
        .to_public_key_der()
        .expect("an RSA public key has a DER form");
    sha2::Sha256::digest(der.as_bytes()).into()
}

fn private_pem(key: &PrivateKey) -> String {
    key.to_pkcs8_pem(LineEnding::LF)
        .expect("an RSA key has a PKCS#8 form")
        .to_string()
}

fn public_pem(key: &PublicKey) -> String {
    key.to_public_key_pem(LineEnding::LF)
        .expect("an RSA key has an SPKI form")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
