//! A wrong key is refused when it is configured, with a precise message, and not at the first payment (T-10).

use domain::Timestamp;
use payments::Clock;
use payments::gateway::wechat::{Settings, Verify, Wechat};
use payments::gateway::{KeyError, SigningKey, alipay};

use crate::harness::{NOWHERE, alipay_settings, read, text, wechat_settings};

fn clock() -> Clock {
    Clock::fixed(Timestamp::from_millis(0), 1)
}

fn refused_wechat(change: impl FnOnce(&mut Settings)) -> KeyError {
    let mut settings = wechat_settings(&read("b_wechat_callback"), NOWHERE);
    change(&mut settings);
    Wechat::new(settings, clock()).unwrap_err()
}

fn verified_with(pem: &str) -> alipay::Verify {
    alipay::Verify::PublicKey { key: pem.to_owned() }
}

fn refused_alipay(change: impl FnOnce(&mut alipay::Settings)) -> KeyError {
    let mut settings = alipay_settings(NOWHERE);
    change(&mut settings);
    alipay::Alipay::new(settings, clock()).unwrap_err()
}

#[test]
fn the_merchants_own_key_cannot_verify_the_gateway() {
    let file = read("b_wechat_callback");
    let certificate = text(&file, "merchant_certificate_pem").to_owned();
    let public_key = text(&file, "merchant_public_key_pem").to_owned();
    for verify in [
        Verify::Certificate { pem: certificate },
        Verify::PublicKey {
            id: "PUB_KEY_ID_1".to_owned(),
            key: public_key,
        },
    ] {
        let error = refused_wechat(|settings| settings.verify = verify);
        assert_eq!(error.setting, "WECHAT_PUBLIC_KEY");
        assert!(error.message.contains("our own"), "{error}");
    }
    let file = read("c_alipay_request");
    let own = text(&file, "app_public_key_pem");
    let error = refused_alipay(|settings| settings.verify = verified_with(own));
    assert!(error.message.contains("our own"), "{error}");
}

#[test]
fn a_key_of_the_wrong_kind_is_named() {
    let file = read("b_wechat_callback");
    let certificate = text(&file, "merchant_certificate_pem");
    let private = text(&file["private_keys_test_only"], "merchant");
    let public = text(&file, "merchant_public_key_pem");
    for (key, found) in [
        (certificate, "found a certificate"),
        (public, "found a public key"),
        ("", "found nothing"),
        ("AAAA", "holds no RSA key"),
        (&private[..400], "neither PEM nor base64"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
            "password",
        ),
    ] {
        let error = refused_wechat(|settings| settings.private_key = key.into());
        assert_eq!(error.setting, "WECHAT_PRIVATE_KEY");
        assert!(error.message.contains(found), "{error}");
    }
    let verify = Verify::PublicKey {
        id: "PUB_KEY_ID_1".to_owned(),
        key: private.to_owned(),
    };
    let error = refused_wechat(|settings| settings.verify = verify);
    assert!(error.message.contains("found a private key"), "{error}");
    assert!(!error.message.contains("MII"), "{error}");
    let without_id = Verify::Certificate {
        pem: text(&read("c_alipay_request"), "alipay_public_key_pem").to_owned(),
    };
    let error = refused_wechat(|settings| settings.verify = without_id);
    assert_eq!(error.setting, "WECHAT_PUBLIC_KEY_ID");
    let error = refused_wechat(|settings| settings.api_v3_key = "short".into());
    assert!(error.message.contains("found 5 bytes"), "{error}");
    let error = refused_alipay(|settings| settings.notify_url = "https://a.example/n?x=1".to_owned());
    assert_eq!(error.setting, "PUBLIC_URL");
}

#[test]
fn one_key_is_read_in_every_form() {
    let file = read("c_alipay_request");
    let keys = &file["private_keys_test_only"];
    let bare = |pem: &str| -> String { pem.lines().filter(|line| !line.starts_with("-----")).collect() };
    let (pkcs8, pkcs1) = (text(keys, "app"), text(keys, "app_pkcs1"));
    let signature = |key: &str| {
        SigningKey::read("ALIPAY_PRIVATE_KEY", &key.into())
            .unwrap()
            .sign(b"x")
    };
    let one_line = pkcs8.replace('\n', " ");
    let wanted = signature(pkcs8);
    for key in [pkcs1, &bare(pkcs8), &bare(pkcs1), &one_line] {
        assert_eq!(signature(key), wanted);
    }
    let mut settings = alipay_settings(NOWHERE);
    settings.verify = verified_with(&bare(text(&file, "alipay_public_key_pem")));
    assert!(alipay::Alipay::new(settings, clock()).is_ok());
}

#[test]
fn a_serial_number_in_small_letters_is_sent_in_capitals() {
    let mut settings = wechat_settings(&read("b_wechat_callback"), NOWHERE);
    let wanted = settings.serial_no.to_ascii_uppercase();
    settings.serial_no = wanted.to_ascii_lowercase();
    assert_ne!(settings.serial_no, wanted);
    let wechat = payments::gateway::Gateway::from(Wechat::new(settings, clock()).unwrap());
    let described = wechat.describe(Timestamp::from_millis(0));
    assert_eq!(described.serial_no, Some(wanted));
}

#[test]
fn an_address_for_notifications_is_no_longer_than_both_gateways_take() {
    let address = |length: usize| format!("https://a.example/{}", "n".repeat(length - 18));
    let mut settings = alipay_settings(NOWHERE);
    settings.notify_url = address(255);
    assert!(alipay::Alipay::new(settings, clock()).is_ok());
    let error = refused_alipay(|settings| settings.notify_url = address(256));
    assert_eq!(error.setting, "PUBLIC_URL");
    let error = refused_wechat(|settings| settings.notify_url = address(256));
    assert!(error.message.contains("256 bytes"), "{error}");
}

#[test]
fn a_short_key_is_refused() {
    // 1024 bits, made with openssl for this test.
    let error = refused_alipay(|settings| settings.verify = verified_with(SHORT_KEY));
    assert!(error.message.contains("shorter than 2048 bits"), "{error}");
}

#[test]
fn debug_shows_no_secret() {
    let settings = wechat_settings(&read("b_wechat_callback"), NOWHERE);
    let secret = "test-only-apiv3-key-0123456789ab";
    let shown = format!("{settings:?}");
    assert!(
        !shown.contains(secret) && !shown.contains("PRIVATE KEY"),
        "{shown}"
    );
    let shown = format!("{:?}", Wechat::new(settings, clock()).unwrap());
    assert!(!shown.contains(secret) && !shown.contains("MII"), "{shown}");
}

const SHORT_KEY: &str = "
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7JGVNFMlvcE0OxhAeoA8HzXZlw/IkFMpamxlHbwGBx8L2zTtK2GWSvkeLalRT
mth2UdinqhqB+T+ftSuzmbgq2E486Y+nuiYFkyJtdLDBQa4HqSNw/SYVhEfX0xTZXRbGPXChvpCP9MbWPLpsJJYm8mSiAnVmhhLw
PyN71vS6awIDAQAB
";
