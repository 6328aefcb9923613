//! Certificate mode, encrypted contents, and the shapes of an answer.

use aes_gcm::aes::Aes128;
use aes_gcm::aes::cipher::array::Array;
use aes_gcm::aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::sha2::Sha256;
use serde_json::{Value, json};
use simulator::{AlipayCertificate, AlipayNotifications, AlipaySigning};
use x509_parser::prelude::{FromDer as _, Pem, X509Certificate};

use super::{PRECREATE, QUERY, bill, field, outcome};
use crate::merchant::Merchant;

const DOWNLOAD: &str = "alipay.open.app.alipaycert.download";

fn ders(pem: &str) -> Vec<Vec<u8>> {
    Pem::iter_from_buffer(pem.as_bytes())
        .map(|pem| pem.unwrap().contents)
        .collect()
}

fn read(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

/// MD5 of the issuer, its last part first, and the decimal serial number.
fn sn(certificate: &X509Certificate<'_>) -> String {
    let mut parts: Vec<String> = certificate
        .issuer()
        .iter_attributes()
        .map(|part| {
            let name = match part.attr_type().to_id_string().as_str() {
                "2.5.4.3" => "CN",
                "2.5.4.6" => "C",
                "2.5.4.10" => "O",
                _ => "OU",
            };
            format!("{name}={}", part.as_str().unwrap())
        })
        .collect();
    parts.reverse();
    let text = format!("{}{}", parts.join(","), certificate.tbs_certificate.serial);
    Md5::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn root_sn(pem: &str) -> String {
    let ders = ders(pem);
    let certificates = ders.iter().map(|der| read(der));
    let of_rsa = certificates.filter(|certificate| {
        let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
        algorithm.starts_with("1.2.840.113549.1.1")
    });
    of_rsa
        .map(|certificate| sn(&certificate))
        .collect::<Vec<_>>()
        .join("_")
}

fn key_of(certificate: &X509Certificate<'_>) -> PublicKey {
    PublicKey::from_public_key_der(certificate.public_key().raw).unwrap()
}

fn is_signed_by(certificate: &X509Certificate<'_>, above: &X509Certificate<'_>) -> bool {
    let signature = &certificate.signature_value.data;
    let message = certificate.tbs_certificate.as_ref();
    certificate.issuer() == above.subject()
        && key_of(above)
            .pkcs1v15_verify::<Sha256>(message, signature)
            .is_ok()
}

fn params(shop: &Merchant, method: &str, biz: &Value) -> Vec<(String, String)> {
    let app = ders(&shop.credentials().alipay_app_cert);
    let mut params = shop.alipay_params(method, biz);
    params.push(("app_cert_sn".to_owned(), sn(&read(&app[0]))));
    let root_sn = root_sn(&shop.credentials().alipay_root_cert);
    params.push(("alipay_root_cert_sn".to_owned(), root_sn));
    params
}

/// The node, the serial number beside it, and whether the first certificate of this chain signed it.
async fn call(shop: &Merchant, params: Vec<(String, String)>, chain: &str) -> (Value, String, bool) {
    let answer = shop.alipay_send(&shop.alipay_sign(params)).await;
    let text = String::from_utf8(answer.body).unwrap();
    let (node, rest) = text.split_once(",\"alipay_cert_sn\":\"").unwrap();
    let (_, node) = node.split_once("_response\":").unwrap();
    let (sn, rest) = rest.split_once("\",\"sign\":\"").unwrap();
    let sign = STANDARD.decode(rest.strip_suffix("\"}").unwrap()).unwrap();
    let chain = ders(chain);
    let signed = key_of(&read(&chain[0])).pkcs1v15_verify::<Sha256>(node.as_bytes(), &sign);
    (serde_json::from_str(node).unwrap(), sn.to_owned(), signed.is_ok())
}

fn signs_with(certificate: AlipayCertificate) -> AlipaySigning {
    AlipaySigning {
        certificate,
        ..AlipaySigning::default()
    }
}

async fn download(shop: &Merchant, sn: &str) -> String {
    let known = shop.credentials().alipay_cert.clone();
    let (node, _, _) = call(
        shop,
        params(shop, DOWNLOAD, &json!({"alipay_cert_sn": sn})),
        &known,
    )
    .await;
    let content = STANDARD
        .decode(node["alipay_cert_content"].as_str().unwrap())
        .unwrap();
    String::from_utf8(content).unwrap()
}

#[tokio::test]
async fn a_call_with_certificates_is_answered_with_one() {
    let shop = Merchant::open().await;
    let credentials = shop.credentials();
    let roots = ders(&credentials.alipay_root_cert);
    assert_eq!(roots.len(), 3);
    assert_eq!(root_sn(&credentials.alipay_root_cert).split('_').count(), 2);
    let chain = ders(&credentials.alipay_cert);
    assert!(is_signed_by(&read(&chain[0]), &read(&chain[1])));
    assert!(is_signed_by(&read(&chain[1]), &read(&roots[0])));
    let app = ders(&credentials.alipay_app_cert);
    assert!(is_signed_by(&read(&app[0]), &read(&chain[1])));

    let (node, named, signed) = call(
        &shop,
        params(&shop, PRECREATE, &bill("A1", "49.90")),
        &credentials.alipay_cert,
    )
    .await;
    assert_eq!(node["code"], "10000");
    assert_eq!(named, sn(&read(&chain[0])));
    assert!(signed);
    shop.sim.pay("A1").await.unwrap();
    assert_eq!(field(&shop.inbox.forms()[0], "alipay_cert_sn"), named);
    let wrong = |name: &str, value: &str| {
        let mut params = params(&shop, QUERY, &json!({"out_trade_no": "A1"}));
        params.retain(|(found, _)| found != name);
        if !value.is_empty() {
            params.push((name.to_owned(), value.to_owned()));
        }
        shop.alipay_sign(params)
    };
    for (params, sub_code) in [
        (wrong("app_cert_sn", "0"), "isv.app-cert-not-exist"),
        (wrong("app_cert_sn", ""), "isv.missing-app-cert-sn"),
        (
            wrong("alipay_root_cert_sn", "0"),
            "isv.invalid-alipay-root-cert-sn",
        ),
        (
            wrong("alipay_root_cert_sn", ""),
            "isv.missing-alipay-root-cert-sn",
        ),
    ] {
        let answer = String::from_utf8(shop.alipay_send(&params).await.body).unwrap();
        assert!(answer.contains(sub_code), "{answer}");
    }
}

#[tokio::test]
async fn a_new_certificate_can_be_fetched_and_a_forged_one_fails_the_chain() {
    let shop = Merchant::open().await;
    let root = ders(&shop.credentials().alipay_root_cert)[0].clone();
    let ask = || params(&shop, QUERY, &json!({"out_trade_no": "A1"}));
    let first = call(&shop, ask(), &shop.credentials().alipay_cert).await;

    shop.sim.set_alipay_signing(signs_with(AlipayCertificate::Second));
    let (_, second_sn, by_the_first) = call(&shop, ask(), &shop.credentials().alipay_cert).await;
    assert!(second_sn != first.1 && !by_the_first);
    let chain = download(&shop, &second_sn).await;
    let certificates = ders(&chain);
    assert!(is_signed_by(&read(&certificates[0]), &read(&certificates[1])));
    assert!(is_signed_by(&read(&certificates[1]), &read(&root)));
    assert!(call(&shop, ask(), &chain).await.2);

    shop.sim.set_alipay_signing(signs_with(AlipayCertificate::Forged));
    let (_, forged_sn, _) = call(&shop, ask(), &chain).await;
    let forged = download(&shop, &forged_sn).await;
    assert!(
        call(&shop, ask(), &forged).await.2,
        "its own chain would believe it"
    );
    let forged = ders(&forged);
    assert!(!is_signed_by(&read(&forged[1]), &read(&root)));
    let (unknown, _, _) = call(
        &shop,
        params(&shop, DOWNLOAD, &json!({"alipay_cert_sn": "0"})),
        &chain,
    )
    .await;
    assert_eq!(outcome(&unknown), "isv.alipay-cert-not-exist");
}

#[tokio::test]
async fn a_notification_may_carry_a_serial_number_that_is_not_signed() {
    let shop = Merchant::open().await;
    for (number, notifications, has_serial, holds_with_it) in [
        ("A1", AlipayNotifications::AsAsked, false, true),
        ("A2", AlipayNotifications::Certificate, true, true),
        ("A3", AlipayNotifications::UnsignedSerial, true, false),
    ] {
        shop.sim.set_alipay_signing(AlipaySigning {
            notifications,
            ..AlipaySigning::default()
        });
        shop.alipay(PRECREATE, &bill(number, "1.00")).await;
        shop.sim.pay(number).await.unwrap();
        let (_, body) = shop.inbox.received().pop().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&body).contains("alipay_cert_sn="),
            has_serial
        );
        assert_eq!(super::notification_is_signed(&shop, &body), holds_with_it);
        let pairs: Vec<&str> = std::str::from_utf8(&body).unwrap().split('&').collect();
        let without: Vec<&str> = pairs
            .into_iter()
            .filter(|pair| !pair.starts_with("alipay_cert_sn="))
            .collect();
        assert_eq!(
            super::notification_is_signed(&shop, without.join("&").as_bytes()),
            !has_serial || !holds_with_it
        );
    }
}

fn key(shop: &Merchant) -> Aes128 {
    let key = STANDARD.decode(&shop.credentials().alipay_aes_key).unwrap();
    let key: [u8; 16] = key.try_into().unwrap();
    Aes128::new(&Array::from(key))
}

fn encrypt(shop: &Merchant, text: &str) -> String {
    let padding = 16 - text.len() % 16;
    let mut bytes = text.as_bytes().to_vec();
    bytes.extend(vec![u8::try_from(padding).unwrap(); padding]);
    let mut last = [0; 16];
    let mut sealed = Vec::new();
    for chunk in bytes.chunks(16) {
        let mixed: [u8; 16] = std::array::from_fn(|place| chunk[place] ^ last[place]);
        let mut block = Array::from(mixed);
        key(shop).encrypt_block(&mut block);
        last = block.into();
        sealed.extend(last);
    }
    STANDARD.encode(sealed)
}

fn decrypt(shop: &Merchant, text: &str) -> Value {
    let sealed = STANDARD.decode(text).unwrap();
    let mut last = [0; 16];
    let mut plain = Vec::new();
    for chunk in sealed.chunks(16) {
        let chunk: [u8; 16] = chunk.try_into().unwrap();
        let mut block = Array::from(chunk);
        key(shop).decrypt_block(&mut block);
        plain.extend(block.iter().zip(last).map(|(byte, mask)| byte ^ mask));
        last = chunk;
    }
    plain.truncate(plain.len() - usize::from(*plain.last().unwrap()));
    serde_json::from_slice(&plain).unwrap()
}

#[tokio::test]
async fn encrypted_answers_are_signed_including_their_quotes() {
    let shop = Merchant::open().await;
    let mut params = shop.alipay_params(PRECREATE, &json!({}));
    params.retain(|(name, _)| name != "biz_content");
    let biz = bill("A1", "49.90").to_string();
    params.push(("encrypt_type".to_owned(), "AES".to_owned()));
    let with = |content: String| {
        let mut params = params.clone();
        params.push(("biz_content".to_owned(), content));
        shop.alipay_sign(params)
    };
    let answer = shop.alipay_send(&with(encrypt(&shop, &biz))).await;
    let text = String::from_utf8(answer.body).unwrap();
    let rest = text
        .strip_prefix("{\"alipay_trade_precreate_response\":")
        .unwrap();
    let (node, sign) = rest.split_once(",\"sign\":\"").unwrap();
    let sign = sign.strip_suffix("\"}").unwrap();
    assert!(node.starts_with('"') && node.ends_with('"'));
    let key = &shop.credentials().alipay_public_key;
    assert!(crate::merchant::verify(key, node.as_bytes(), sign));
    assert_eq!(decrypt(&shop, node.trim_matches('"'))["out_trade_no"], "A1");
    let garbage = shop.alipay_send(&with("AAAA".to_owned())).await;
    assert!(
        String::from_utf8(garbage.body)
            .unwrap()
            .contains("isv.decryption-error-unknown")
    );
    assert_eq!(
        shop.alipay(QUERY, &json!({"out_trade_no": "A1"})).await["code"],
        "40004"
    );
}

#[tokio::test]
async fn the_signature_may_precede_the_node() {
    let shop = Merchant::open().await;
    shop.sim.set_alipay_signing(AlipaySigning {
        sign_first: true,
        ..AlipaySigning::default()
    });
    let params = shop.alipay_sign(shop.alipay_params(PRECREATE, &bill("A1", "1.00")));
    let text = String::from_utf8(shop.alipay_send(&params).await.body).unwrap();
    let rest = text.strip_prefix("{\"sign\":\"").unwrap();
    let (sign, node) = rest
        .split_once("\",\"alipay_trade_precreate_response\":")
        .unwrap();
    let key = &shop.credentials().alipay_public_key;
    let node = node.strip_suffix('}').unwrap();
    assert!(crate::merchant::verify(key, node.as_bytes(), sign));
}

#[tokio::test]
async fn a_call_in_gbk_is_answered_in_gbk() {
    let shop = Merchant::open().await;
    let mut params = shop.alipay_params(PRECREATE, &json!({"out_trade_no": "A1", "total_amount": "x"}));
    params.iter_mut().find(|(name, _)| name == "charset").unwrap().1 = "GBK".to_owned();
    let answer = shop.alipay_send(&shop.alipay_sign(params)).await;
    assert_eq!(answer.header("content-type"), "text/html;charset=GBK");
    assert!(std::str::from_utf8(&answer.body).is_err());
    let (text, _, had_errors) = encoding_rs::GBK.decode(&answer.body);
    assert!(!had_errors && text.contains("参数有误total_amount非法"), "{text}");
}
