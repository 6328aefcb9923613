//! RSA keys of both gateways: parsing with precise errors, signing and verifying.
//!
//! The algorithm is fixed here, RSASSA-PKCS1-v1_5 with SHA-256: no message may choose another (T-15).

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::pem::{self, Block, LOCKED};

const TOO_SHORT: &str = "an RSA key shorter than 2048 bits";
const ELLIPTIC: &str = "an elliptic-curve key (EC or SM2)";
/// `id-ecPublicKey`, contained in every EC and SM2 key, private or public.
const ELLIPTIC_OID: [u8; 9] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// No PEM label is longer.
const MOST_LABEL: usize = 32;

/// Reason why a key setting cannot be used: what was found and what is wanted, never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {message}")]
pub struct KeyError {
    /// The configuration variable.
    pub setting: &'static str,
    pub message: String,
}

/// Our private key.
pub struct SigningKey(RsaKeyPair);

/// The gateway's public key.
#[derive(Clone)]
pub struct VerifyingKey {
    key: ParsedPublicKey,
    /// Canonical encoding, for comparing two keys.
    spki: Vec<u8>,
}

/// Parsed kind of one block of a key text.
pub(super) enum Material {
    Private(SigningKey),
    Public(VerifyingKey),
    /// Serial in upper-case hex, as WeChat writes it.
    Certificate {
        serial: String,
        key: VerifyingKey,
        /// End of validity; later signatures are rejected.
        not_after: Timestamp,
    },
}

impl KeyError {
    pub(super) fn new(setting: &'static str, message: impl Into<String>) -> KeyError {
        KeyError {
            setting,
            message: message.into(),
        }
    }

    fn found(setting: &'static str, found: &str, wanted: &str) -> KeyError {
        KeyError::new(setting, format!("found {found}; wanted {wanted}"))
    }
}

impl SigningKey {
    pub fn read(setting: &'static str, text: &SecretString) -> Result<SigningKey, KeyError> {
        const WANTED: &str = "one RSA private key of at least 2048 bits, PKCS#8 or PKCS#1, as PEM or base64";
        let materials = materials(setting, text.expose_secret(), WANTED)?;
        let [material] = <[Material; 1]>::try_from(materials)
            .map_err(|materials| KeyError::found(setting, &count_materials(&materials), WANTED))?;
        let Material::Private(key) = material else {
            return Err(KeyError::found(setting, material.name(), WANTED));
        };
        let proof = key.sign(setting.as_bytes());
        if key.public().verifies(setting.as_bytes(), &proof) {
            Ok(key)
        } else {
            Err(KeyError::found(
                setting,
                "a private key that is inconsistent",
                WANTED,
            ))
        }
    }

    /// Signs a message; the signature is in base64.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("a key that signed once signs again");
        STANDARD.encode(signature)
    }

    pub fn public(&self) -> VerifyingKey {
        VerifyingKey::from_der(self.0.public_key().as_ref()).expect("a valid key pair has a valid public key")
    }
}

impl VerifyingKey {
    /// Parses the one public key of a gateway. `own` is ours: the most frequent mistake is to paste that one (T-10).
    pub fn read(setting: &'static str, text: &str, own: &SigningKey) -> Result<VerifyingKey, KeyError> {
        const WANTED: &str = "the gateway's RSA public key of at least 2048 bits, as PEM or base64";
        let materials = materials(setting, text, WANTED)?;
        let [material] = <[Material; 1]>::try_from(materials)
            .map_err(|materials| KeyError::found(setting, &count_materials(&materials), WANTED))?;
        let Material::Public(key) = material else {
            return Err(KeyError::found(setting, material.name(), WANTED));
        };
        key.refuse_own(setting, own)?;
        Ok(key)
    }

    /// Reads the one public key of a client of ours.
    pub fn read_client(setting: &'static str, text: &str) -> Result<VerifyingKey, KeyError> {
        const WANTED: &str = "one RSA public key of at least 2048 bits, as PEM or base64";
        let materials = materials(setting, text, WANTED)?;
        let [material] = <[Material; 1]>::try_from(materials)
            .map_err(|materials| KeyError::found(setting, &count_materials(&materials), WANTED))?;
        match material {
            Material::Public(key) => Ok(key),
            other => Err(KeyError::found(setting, other.name(), WANTED)),
        }
    }

    /// SubjectPublicKeyInfo in base64, on one line.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.spki)
    }

    pub(super) fn refuse_own(&self, setting: &'static str, own: &SigningKey) -> Result<(), KeyError> {
        if self.is_half_of(own) {
            let message =
                "found the public half of our own private key; wanted the key that the gateway signs with";
            return Err(KeyError::new(setting, message));
        }
        Ok(())
    }

    /// Verifies a base64 signature of a message. Invalid base64 is simply no valid signature (T-05).
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .is_ok_and(|signature| self.verifies_raw(message, &signature))
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.spki
    }

    pub(super) fn is_half_of(&self, own: &SigningKey) -> bool {
        self.is_same(&own.public())
    }

    pub(super) fn is_same(&self, other: &VerifyingKey) -> bool {
        self.spki == other.spki
    }

    /// Verifies a raw signature, as certificates carry it.
    pub(super) fn verifies_raw(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    /// Parses SPKI or PKCS#1; an error names what was found instead.
    pub(super) fn from_der(der: &[u8]) -> Result<VerifyingKey, &'static str> {
        const NOT_RSA: &str = "something that is not an RSA key";
        if is_elliptic(der) {
            return Err(ELLIPTIC);
        }
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(|_| NOT_RSA)?;
        let spki = key.as_der().map_err(|_| NOT_RSA)?.as_ref().to_vec();
        let n_bits = match SubjectPublicKeyInfo::from_der(&spki) {
            Ok((_, info)) => match info.parsed() {
                Ok(PublicKey::RSA(rsa)) => rsa.key_size(),
                _ => return Err(NOT_RSA),
            },
            Err(_) => return Err(NOT_RSA),
        };
        if n_bits < 2048 {
            return Err(TOO_SHORT);
        }
        Ok(VerifyingKey { key, spki })
    }
}

impl Material {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Material::Private(_) => "a private key",
            Material::Public(_) => "a public key",
            Material::Certificate { .. } => "a certificate",
        }
    }

    fn read(block: &Block) -> Result<Material, String> {
        let label = block.label.as_deref();
        if label == Some(LOCKED) {
            return Err("a private key that is locked with a password".to_owned());
        }
        for pair in [
            RsaKeyPair::from_pkcs8(&block.der),
            RsaKeyPair::from_der(&block.der),
        ] {
            match pair {
                Ok(pair) => return Ok(Material::Private(SigningKey(pair))),
                Err(rejected) if rejected.to_string() == "TooSmall" => return Err(TOO_SHORT.to_owned()),
                Err(_) => {}
            }
        }
        if let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&block.der) {
            let serial = serial_text(certificate.tbs_certificate.raw_serial());
            let key = VerifyingKey::from_der(certificate.public_key().raw)
                .map_err(|found| format!("a certificate of {found}"))?;
            let last_second = certificate.validity().not_after.timestamp();
            return Ok(Material::Certificate {
                serial,
                key,
                not_after: Timestamp::from_millis(last_second.saturating_mul(1000)),
            });
        }
        match (VerifyingKey::from_der(&block.der), label) {
            (Ok(key), _) => Ok(Material::Public(key)),
            (Err(found @ (TOO_SHORT | ELLIPTIC)), _) => Err(found.to_owned()),
            (Err(_), Some("EC PRIVATE KEY" | "EC PARAMETERS")) => Err(ELLIPTIC.to_owned()),
            // A PEM that lost a line end has key material in the place of its label.
            (Err(_), Some(label)) if !is_label(label) => {
                Err("a block whose label is not that of a key".to_owned())
            }
            (Err(_), Some(label)) => Err(format!("a block named {label:?} that holds no RSA key")),
            (Err(_), None) => Err("base64 that holds no RSA key (was it cut off?)".to_owned()),
        }
    }
}

fn is_elliptic(der: &[u8]) -> bool {
    der.windows(ELLIPTIC_OID.len())
        .any(|window| window == ELLIPTIC_OID)
}

fn is_label(label: &str) -> bool {
    label.len() <= MOST_LABEL
        && label
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b' ')
}

/// Parses everything in a key text.
pub(super) fn materials(
    setting: &'static str,
    text: &str,
    wanted: &'static str,
) -> Result<Vec<Material>, KeyError> {
    let found = |found: &str| KeyError::found(setting, found, wanted);
    if text.trim().is_empty() {
        return Err(found("nothing"));
    }
    let blocks = pem::blocks(text).ok_or_else(|| found("text that is neither PEM nor base64"))?;
    blocks
        .iter()
        .map(|block| Material::read(block).map_err(|name| found(&name)))
        .collect()
}

fn serial_text(serial: &[u8]) -> String {
    // DER puts a zero byte before a number whose first bit is set; it is not part of the number.
    let number = serial.strip_prefix(&[0]).unwrap_or(serial);
    number.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn count_materials(materials: &[Material]) -> String {
    format!("{} keys", materials.len())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(..)")
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VerifyingKey(..)")
    }
}
