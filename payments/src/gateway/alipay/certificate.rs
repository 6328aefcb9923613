//! X.509 as Alipay uses it: the serial texts of certificate mode, and chains to the pinned root (docs/gateway-facts.md 2.4).

use domain::{Timestamp, hex_digits};
use md5::{Digest as _, Md5};
use x509_parser::asn1_rs::{Any, Tag, ToDer as _};
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::super::VerifyingKey;
use super::super::pem;

/// RSA with any digest; EC and SM2 certificates are left out of the serial of the root bundle.
const RSA_FAMILY: &str = "1.2.840.113549.1.1";
/// The one signature we check: RSASSA-PKCS1-v1_5 with SHA-256.
const SHA256_RSA: &str = "1.2.840.113549.1.1.11";
/// Alipay's chains have two or three certificates.
const MOST_LINKS: u32 = 5;

/// An RSA-signed certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    /// Serial as the gateway writes it: MD5 over issuer and serial number.
    pub sn: String,
    /// `None` when its key is of a kind that we cannot use.
    pub key: Option<VerifyingKey>,
}

/// Parses the RSA certificates of a text in their order; an error names what was found instead.
pub fn read_bundle(text: &str) -> Result<Vec<Certificate>, &'static str> {
    if text.trim().is_empty() {
        return Err("nothing");
    }
    let blocks = pem::blocks(text).ok_or("text that is neither PEM nor base64")?;
    let mut certificates = Vec::with_capacity(blocks.len());
    for block in blocks {
        let (_, parsed) = x509_parser::parse_x509_certificate(&block.der)
            .map_err(|_| "something that is not a certificate")?;
        let algorithm = parsed.signature_algorithm.algorithm.to_id_string();
        if algorithm.starts_with(RSA_FAMILY) {
            certificates.push(Certificate {
                sn: certificate_sn(parsed.issuer(), &parsed.tbs_certificate.serial.to_string()),
                key: VerifyingKey::from_der(parsed.public_key().raw).ok(),
                der: block.der.to_vec(),
            });
        }
    }
    Ok(certificates)
}

/// Whether the chain from `leaf` over `between` to one of `roots` is complete and valid now.
pub fn is_issued_below(
    leaf: &Certificate,
    between: &[Certificate],
    roots: &[Certificate],
    now: Timestamp,
) -> Result<(), &'static str> {
    let mut link = leaf;
    link.is_valid_at(now)?;
    for n_below in 0..MOST_LINKS {
        if let Some(root) = roots.iter().find(|root| link.is_signed_by(root)) {
            return root.may_issue(n_below, now);
        }
        link = between
            .iter()
            .find(|issuer| link.is_signed_by(issuer))
            .ok_or("a certificate that does not lead to the root bundle")?;
        link.may_issue(n_below, now)?;
    }
    Err("a certificate chain that is too long")
}

impl Certificate {
    fn parsed(&self) -> X509Certificate<'_> {
        let (_, parsed) =
            x509_parser::parse_x509_certificate(&self.der).expect("it was parsed when it was read");
        parsed
    }

    /// Whether both certificates are of the same organisation. The same authority also signs certificates of Alipay's
    /// merchants, so a valid chain alone does not prove a certificate Alipay's.
    pub fn has_organisation_of(&self, other: &Certificate) -> bool {
        let organisation = |certificate: &Certificate| -> Vec<Vec<u8>> {
            let parsed = certificate.parsed();
            let names = parsed.subject().iter_organization();
            names.map(|name| name.as_slice().to_vec()).collect()
        };
        let own = organisation(self);
        !own.is_empty() && own == organisation(other)
    }

    pub fn not_after(&self) -> Timestamp {
        let last_second = self.parsed().validity().not_after.timestamp();
        Timestamp::from_millis(last_second.saturating_mul(1000))
    }

    fn is_valid_at(&self, now: Timestamp) -> Result<(), &'static str> {
        let now = ASN1Time::from_timestamp(now.seconds()).map_err(|_| "a time without a date")?;
        if self.parsed().validity().is_valid_at(now) {
            Ok(())
        } else {
            Err("a certificate that is not valid now")
        }
    }

    fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let (own, above) = (self.parsed(), issuer.parsed());
        own.issuer().as_raw() == above.subject().as_raw()
            && own.signature_algorithm.algorithm.to_id_string() == SHA256_RSA
            && issuer
                .key
                .as_ref()
                .is_some_and(|key| key.verifies_raw(own.tbs_certificate.as_ref(), &own.signature_value.data))
    }

    /// Whether this is a valid authority that may have `n_below` authorities below it.
    fn may_issue(&self, n_below: u32, now: Timestamp) -> Result<(), &'static str> {
        self.is_valid_at(now)?;
        let parsed = self.parsed();
        let constraints = parsed.basic_constraints().ok().flatten();
        let is_authority = constraints.is_some_and(|basic| {
            basic.value.ca && basic.value.path_len_constraint.is_none_or(|most| n_below <= most)
        });
        let may_sign = match parsed.key_usage() {
            Ok(usage) => usage.is_none_or(|usage| usage.value.key_cert_sign()),
            Err(_) => false,
        };
        if is_authority && may_sign {
            Ok(())
        } else {
            Err("an issuer that is no authority")
        }
    }
}

fn certificate_sn(issuer: &X509Name<'_>, serial: &str) -> String {
    let mut digest = Md5::new();
    digest.update(format_rfc2253(issuer));
    digest.update(serial);
    hex_digits(&digest.finalize())
}

/// Formats a name like Java's `X500Principal.getName()`, which the gateway uses: most specific part first, no space
/// after the commas.
fn format_rfc2253(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|part| part.iter().map(format_attribute).collect::<Vec<_>>().join("+"))
        .collect();
    parts.reverse();
    parts.join(",")
}

fn format_attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let id = attribute.attr_type().to_id_string();
    let keyword = match id.as_str() {
        "2.5.4.3" => Some("CN"),
        "2.5.4.6" => Some("C"),
        "2.5.4.7" => Some("L"),
        "2.5.4.8" => Some("ST"),
        "2.5.4.9" => Some("STREET"),
        "2.5.4.10" => Some("O"),
        "2.5.4.11" => Some("OU"),
        "0.9.2342.19200300.100.1.25" => Some("DC"),
        "0.9.2342.19200300.100.1.1" => Some("UID"),
        _ => None,
    };
    match (keyword, text_of(attribute.attr_value())) {
        (Some(keyword), Some(text)) => format!("{keyword}={}", escape_attribute(&text)),
        // A type without a keyword, or a value that is not text, is written as its encoding.
        (keyword, _) => {
            let der = attribute.attr_value().to_der_vec().unwrap_or_default();
            format!("{}=#{}", keyword.unwrap_or(&id), hex_digits(&der))
        }
    }
}

fn text_of(value: &Any<'_>) -> Option<String> {
    let bytes = value.as_bytes();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        }
        Tag::T61String => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

fn escape_attribute(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let n_leading = text.chars().take_while(|letter| *letter == ' ').count();
    let n_inked = text.trim_end_matches(' ').chars().count();
    for (place, letter) in text.chars().enumerate() {
        let is_edge = letter == ' ' && (place < n_leading || place >= n_inked);
        if is_edge || ",=+<>#;\"\\".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_where_it_would_read_as_two() {
        assert_eq!(escape_attribute("Ant, Inc. <a+b>"), "Ant\\, Inc. \\<a\\+b\\>");
        assert_eq!(escape_attribute(" a  b "), "\\ a  b\\ ");
        assert_eq!(escape_attribute("蚂蚁"), "蚂蚁");
        assert_eq!(escape_attribute(""), "");
    }
}
