//! Alipay's certificates (docs/gateway-facts.md 2.4): a bundle of roots, an issuer below one of them, the app's
//! certificate and Alipay's own, the one it changes to, and a forger's.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyIdMethod, KeyUsagePurpose, SerialNumber};
use rsa::PrivateKey;

use super::certificate::{Issuer, VALID_YEARS, pem};
use super::ring::Ring;
use super::{ALIPAY_APP_ID, SELLER_ID, hex, key_fingerprint};
use crate::settings::AlipayCertificate;

/// An elliptic-curve and an RSA root that sign nothing here: their private keys were never kept.
const OTHER_ROOTS: &str = include_str!("alipay_roots.pem");
/// Issuer and serial number of the RSA one; the serial number of a root bundle leaves the other out.
const OTHER_RSA_ROOT: (&str, &str) = ("Sandbox Certification Authority R3", "77665544332211009988");

const ROOT: &str = "Sandbox Certification Authority R1";
const ISSUER: &str = "Sandbox Certification Authority Class 2 R1";
const FORGED_ROOT: &str = "Sandbox Certification Authority R1";
const ORGANIZATION: &str = "Sandbox Ant Financial";
const UNIT: &str = "Certification Authority";

#[derive(Debug)]
pub(crate) struct AlipayCertificates {
    pub(crate) root_pem: String,
    pub(crate) root_sn: String,
    pub(crate) app_pem: String,
    pub(crate) app_sn: String,
    own: [Own; 3],
}

/// A certificate that Alipay signs with, or pretends to.
pub(crate) struct Own {
    /// The certificate and those above it, without the root.
    pub(crate) chain_pem: String,
    pub(crate) sn: String,
    pub(crate) key: Arc<PrivateKey>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own")
            .field("sn", &self.sn)
            .finish_non_exhaustive()
    }
}

/// Subject of a certificate.
struct Subject<'a> {
    organization: &'a str,
    unit: &'a str,
    name: &'a str,
    is_ca: bool,
}

struct Issued {
    pem: String,
    sn: String,
}

impl AlipayCertificates {
    pub(super) fn issue(ring: &Ring) -> io::Result<AlipayCertificates> {
        let root = issue_authority(ROOT, &ring.alipay_root, ROOT, &ring.alipay_root)?;
        let issuer = issue_authority(ISSUER, &ring.alipay_issuer, ROOT, &ring.alipay_root)?;
        let forged_root = issue_authority(FORGED_ROOT, &ring.stranger, FORGED_ROOT, &ring.stranger)?;
        let app_name = format!("{SELLER_ID}-{ALIPAY_APP_ID}");
        let leaf = |name: &str, key: &PrivateKey, by: &PrivateKey| {
            let subject = Subject {
                organization: "Sandbox Merchant",
                unit: "Alipay",
                name,
                is_ca: false,
            };
            issue_certificate(&subject, key, ISSUER, by)
        };
        let app = leaf(&app_name, &ring.alipay_app, &ring.alipay_issuer)?;
        let first = leaf("Sandbox Alipay", &ring.alipay, &ring.alipay_issuer)?;
        let second = leaf("Sandbox Alipay", &ring.alipay_next, &ring.alipay_issuer)?;
        // It names the true issuer; only its signature shows that it is forged.
        let forged = leaf("Sandbox Alipay", &ring.stranger, &ring.stranger)?;
        let own = |leaf: Issued, above: &Issued, key: &Arc<PrivateKey>| Own {
            chain_pem: format!("{}{}", leaf.pem, above.pem),
            sn: leaf.sn,
            key: Arc::clone(key),
        };
        let other_sn = certificate_sn(&distinguished_name(OTHER_RSA_ROOT.0), OTHER_RSA_ROOT.1);
        Ok(AlipayCertificates {
            // A blank line between two, as in Alipay's own file: some clients split it there.
            root_pem: format!("{}\n{OTHER_ROOTS}", root.pem),
            root_sn: format!("{}_{other_sn}", root.sn),
            app_pem: app.pem,
            app_sn: app.sn,
            own: [
                own(first, &issuer, &ring.alipay),
                own(second, &issuer, &ring.alipay_next),
                own(forged, &forged_root, &ring.stranger),
            ],
        })
    }

    pub(crate) fn own(&self, which: AlipayCertificate) -> &Own {
        match which {
            AlipayCertificate::First => &self.own[0],
            AlipayCertificate::Second => &self.own[1],
            AlipayCertificate::Forged => &self.own[2],
        }
    }

    pub(crate) fn by_sn(&self, sn: &str) -> Option<&Own> {
        self.own.iter().find(|own| own.sn == sn)
    }
}

fn issue_authority(name: &str, key: &PrivateKey, issuer: &str, by: &PrivateKey) -> io::Result<Issued> {
    let subject = Subject {
        organization: ORGANIZATION,
        unit: UNIT,
        name,
        is_ca: true,
    };
    issue_certificate(&subject, key, issuer, by)
}

fn issue_certificate(
    subject: &Subject<'_>,
    key: &PrivateKey,
    issuer: &str,
    by: &PrivateKey,
) -> io::Result<Issued> {
    let mut serial: [u8; 16] = key_fingerprint(key)[..16].try_into().expect("a digest is longer");
    // Positive and without a leading zero; a CA and its leaf of one key differ.
    serial[0] = serial[0] & 0x3f | 0x40 | u8::from(subject.is_ca) << 5;
    let mut params = certificate_params(subject.name, subject.organization, subject.unit);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_fingerprint(key)[..20].to_vec());
    params.use_authority_key_identifier_extension = true;
    if subject.is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    }
    let mut issuer_params = self::certificate_params(issuer, ORGANIZATION, UNIT);
    issuer_params.key_identifier_method = KeyIdMethod::PreSpecified(key_fingerprint(by)[..20].to_vec());
    let issuer_of = rcgen::Issuer::new(issuer_params, Issuer::new(by)?);
    let certificate = params
        .signed_by(&Issuer::new(key)?, &issuer_of)
        .map_err(io::Error::other)?;
    Ok(Issued {
        pem: pem(certificate.der()),
        sn: certificate_sn(
            &distinguished_name(issuer),
            &u128::from_be_bytes(serial).to_string(),
        ),
    })
}

fn certificate_params(name: &str, organization: &str, unit: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(VALID_YEARS.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(VALID_YEARS.1, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "CN"),
        (DnType::OrganizationName, organization),
        (DnType::OrganizationalUnitName, unit),
        (DnType::CommonName, name),
    ] {
        params.distinguished_name.push(kind, value);
    }
    params
}

/// An authority's name in RFC 2253 form: the last part first.
fn distinguished_name(name: &str) -> String {
    format!("CN={name},OU={UNIT},O={ORGANIZATION},C=CN")
}

/// Alipay's serial number of a certificate: MD5 of its issuer's name and its decimal number.
fn certificate_sn(issuer: &str, serial: &str) -> String {
    hex(&Md5::digest(format!("{issuer}{serial}")))
}

/// Encodes a chain as `alipay.open.app.alipaycert.download` returns it.
pub(crate) fn in_base64(own: &Own) -> String {
    STANDARD.encode(&own.chain_pem)
}
