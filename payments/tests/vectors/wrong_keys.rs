//! Wrong keys pasted into every setting that takes a key: one sentence names what was found and what is wanted, and shows
//! no part of the key.

use domain::Timestamp;
use payments::Clock;
use payments::gateway::wechat::{Settings, Verify, Wechat};
use payments::gateway::{KeyError, alipay};
use serde_json::Value;

use crate::harness::{NOWHERE, alipay_settings, read, text, wechat_settings};

const ID: &str = "PUB_KEY_ID_0000000000000024101100397200000006";

fn clock() -> Clock {
    Clock::fixed(Timestamp::from_millis(1_795_485_600_000), 1)
}

fn wechat(change: impl FnOnce(&mut Settings)) -> KeyError {
    let mut settings = wechat_settings(&read("b_wechat_callback"), NOWHERE);
    change(&mut settings);
    Wechat::new(settings, clock()).unwrap_err()
}

fn alipay(change: impl FnOnce(&mut alipay::Settings)) -> KeyError {
    let mut settings = alipay_settings(NOWHERE);
    change(&mut settings);
    alipay::Alipay::new(settings, clock()).unwrap_err()
}

/// One sentence with both halves, and no twelve bytes of what was pasted.
#[track_caller]
fn says(error: &KeyError, setting: &str, found: &str, pasted: &str) {
    assert_eq!(error.setting, setting, "{error}");
    assert!(error.message.contains(found), "{error}");
    assert!(error.message.contains("wanted "), "{error}");
    assert!(
        !error.message.contains('\n') && error.message.len() < 250,
        "{error}"
    );
    let packed: Vec<char> = pasted.chars().filter(|letter| !letter.is_whitespace()).collect();
    for part in packed.windows(16) {
        let part: String = part.iter().collect();
        let is_secret = !part.contains('-') && !part.contains("KEY_ID");
        assert!(!is_secret || !error.message.contains(&part), "{error}");
    }
}

fn key_of<'a>(file: &'a Value, name: &str) -> &'a str {
    text(&file["private_keys_test_only"], name)
}

fn in_armour(label: &str, base64: &str) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        base64.trim()
    )
}

#[test]
fn a_private_key_is_one_of_ours() {
    let file = read("b_wechat_callback");
    let good = key_of(&file, "merchant");
    let twice = format!("{good}{good}");
    let locked = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n\
                  -----END RSA PRIVATE KEY-----";
    let wrong = [
        ("", "found nothing"),
        ("  \n ", "found nothing"),
        ("@/etc/key.pem", "neither PEM nor base64"),
        ("cm9zZWJ1ZA==", "holds no RSA key"),
        (&good[..900], "neither PEM nor base64"),
        (twice.as_str(), "found 2 keys"),
        (text(&file, "merchant_certificate_pem"), "found a certificate"),
        (text(&file, "merchant_public_key_pem"), "found a public key"),
        (EC_PRIVATE, "elliptic-curve"),
        (&in_armour("PRIVATE KEY", EC_PRIVATE), "elliptic-curve"),
        (SHORT_PRIVATE, "shorter than 2048 bits"),
        (&in_armour("PRIVATE KEY", SHORT_PRIVATE), "shorter than 2048 bits"),
        (
            &in_armour("ENCRYPTED PRIVATE KEY", "AAAA"),
            "locked with a password",
        ),
        (locked, "locked with a password"),
    ];
    for (pasted, found) in wrong {
        let error = wechat(|settings| settings.private_key = pasted.into());
        says(&error, "WECHAT_PRIVATE_KEY", found, pasted);
        let error = alipay(|settings| settings.private_key = pasted.into());
        says(&error, "ALIPAY_PRIVATE_KEY", found, pasted);
    }
}

#[test]
fn the_wechat_verification_key_must_be_wechats() {
    let file = read("b_wechat_callback");
    let own = text(&file, "merchant_certificate_pem");
    let (platform, serial) = platform_certificate(&file);
    let given = |key: &str| Verify::PublicKey {
        id: ID.to_owned(),
        key: key.to_owned(),
    };
    for (pasted, found) in [
        ("", "found nothing"),
        ("cHVibGlj", "holds no RSA key"),
        (key_of(&file, "merchant"), "found a private key"),
        (own, "our own private key"),
        (text(&file, "merchant_public_key_pem"), "our own private key"),
        (EC_PUBLIC, "elliptic-curve"),
        (platform, "found only certificates"),
        (&format!("{platform}{platform}"), "two keys under one name"),
    ] {
        let error = wechat(|settings| settings.verify = given(pasted));
        says(&error, "WECHAT_PUBLIC_KEY", found, pasted);
    }
    // A certificate with our serial is ours, also when its key was replaced since.
    let error = wechat(|settings| {
        settings.serial_no = serial.to_ascii_lowercase();
        settings.verify = Verify::Certificate {
            pem: platform.to_owned(),
        };
    });
    says(
        &error,
        "WECHAT_PUBLIC_KEY",
        "the merchant's own certificate",
        platform,
    );
    let public = text(&read("c_alipay_request"), "alipay_public_key_pem").to_owned();
    let error = wechat(|settings| settings.verify = Verify::Certificate { pem: public.clone() });
    says(&error, "WECHAT_PUBLIC_KEY_ID", "found a public key", &public);
    for id in [
        "",
        "PUB_KEY_ID_",
        "7132D72A03E93CDDF8C03BBD1F37EEDF00000001",
        "PUB_KEY_ID_1 2",
    ] {
        let key = public.clone();
        let error = wechat(|settings| {
            settings.verify = Verify::PublicKey {
                id: id.to_owned(),
                key,
            }
        });
        says(&error, "WECHAT_PUBLIC_KEY_ID", "something else", "");
    }
}

fn platform_certificate(file: &Value) -> (&str, &str) {
    file["platform_keys"]
        .as_object()
        .unwrap()
        .iter()
        .find_map(|(serial, key)| Some((key.get("certificate_pem")?.as_str()?, serial.as_str())))
        .unwrap()
}

#[test]
fn the_apiv3_key_is_thirty_two_bytes_and_the_serial_is_the_merchants() {
    for (pasted, found) in [
        ("", "found 0 bytes"),
        ("0123456789abcdef0123456789abcde", "found 31 bytes"),
        ("0123456789abcdef0123456789abcdef0", "found 33 bytes"),
        ("-----BEGIN PRIVATE KEY-----", "a PEM text"),
    ] {
        let error = wechat(|settings| settings.api_v3_key = pasted.into());
        says(&error, "WECHAT_API_V3_KEY", found, pasted);
    }
    let mut settings = wechat_settings(&read("b_wechat_callback"), NOWHERE);
    settings.api_v3_key = "test-only-apiv3-key-0123456789ab\r\n".into();
    assert!(
        Wechat::new(settings, clock()).is_ok(),
        "the line end of a file is no part of the key"
    );
    for (pasted, found) in [
        (ID, "the id of WeChat Pay's public key"),
        ("1D:DE:55", "colons"),
        ("", "something else"),
        ("1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C0", "something else"),
    ] {
        let error = wechat(|settings| settings.serial_no = pasted.to_owned());
        says(&error, "WECHAT_SERIAL_NO", found, "");
    }
    for (mch_id, app_id, setting) in [
        ("wx1", "wx1", "WECHAT_MCH_ID"),
        ("1900000109", "wx-1", "WECHAT_APP_ID"),
    ] {
        let error = wechat(|settings| {
            settings.mch_id = mch_id.to_owned();
            settings.app_id = app_id.to_owned();
        });
        assert_eq!(error.setting, setting);
    }
}

#[test]
fn the_alipay_verification_key_must_be_alipays() {
    let file = read("c_alipay_request");
    for (pasted, found) in [
        ("", "found nothing"),
        ("cHVibGlj", "holds no RSA key"),
        (text(&file, "app_public_key_pem"), "our own private key"),
        (key_of(&file, "app"), "found a private key"),
        (EC_PUBLIC, "elliptic-curve"),
        (
            text(&read("f_alipay_cert_sn")["certs"], "alipay_cert"),
            "found a certificate",
        ),
    ] {
        let verify = alipay::Verify::PublicKey {
            key: pasted.to_owned(),
        };
        let error = alipay(|settings| settings.verify = verify);
        says(&error, "ALIPAY_PUBLIC_KEY", found, pasted);
    }
}

#[test]
fn each_certificate_of_alipays_stands_in_its_own_setting() {
    let file = read("f_alipay_cert_sn");
    let cert = |name: &str| text(&file["certs"], name).to_owned();
    let private = key_of(&read("c_alipay_request"), "app").to_owned();
    let whole = || [cert("app_cert"), cert("alipay_cert"), cert("root_bundle")];
    let verify = |[app, alipay, root]: [String; 3]| alipay::Verify::Certificates { app, alipay, root };
    let mut settings = alipay_settings(NOWHERE);
    settings.verify = verify(whole());
    alipay::Alipay::new(settings, clock()).unwrap();

    let names = ["ALIPAY_APP_CERT", "ALIPAY_CERT", "ALIPAY_ROOT_CERT"];
    for (place, pasted, found) in [
        (0, String::new(), "found nothing"),
        (0, "a b c".to_owned(), "neither PEM nor base64"),
        (0, private.clone(), "not a certificate"),
        (0, cert("alipay_cert"), "a certificate of another key"),
        (0, cert("root_ec"), "RSA did not sign"),
        (1, private.clone(), "not a certificate"),
        (1, cert("app_cert"), "our own private key"),
        (1, cert("root_ec"), "RSA did not sign"),
        (2, String::new(), "found nothing"),
        (2, private, "not a certificate"),
        (2, cert("root_ec"), "certificates of other kinds only"),
    ] {
        let mut certs = whole();
        certs[place].clone_from(&pasted);
        let error = alipay(|settings| settings.verify = verify(certs));
        says(&error, names[place], found, &pasted);
    }
}

// Made with openssl for these tests.
const EC_PRIVATE: &str = "
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguLoXRywcL38dbk/EHFBiz9ekQvvmJQxTZGnSTI8KHKqhRANCAATTSRCO
SfMEh4qVwZxSx/2ZLNzAc3yqMSKcU4xGi9jGA+Dr6+MvRnTeQF64TiV/azZ8rHOAX1XdlkuNqQv3YtDW
";
const EC_PUBLIC: &str = "
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE00kQjknzBIeKlcGcUsf9mSzcwHN8qjEinFOMRovYxgPg6+vjL0Z03kBeuE4lf2s2fKxz
gF9V3ZZLjakL92LQ1g==
";
const SHORT_PRIVATE: &str = "
MIICXAIBAAKBgQDSUBndi81dRkfP+kHxdY+Oojl2vcp4GXzd0vZiRv+zUq4t6XI46G5zHJuoLqysbZdD6+Evh6Na1YUP62wHmpPrGxT1
9vgPPe3slpf2eof6kgLSgYnI1SSI1N+/F1P15AnrJpBKCXzey3Aodr+Q79CU8KTt/1u1RxfCX/zep/H5TQIDAQABAoGASn3+u18iTXBw
TTU6GDlosL+7FNjilymH9dYcWPEG7tBRS4fNYmTJglJWu/pURPrIQlGRQFGNxcWtTNc5O3RAAbh1j6I9omTZQx81uWXfFU4RemmwTFOi
LALYUlUPFUoyMYOOReVte0euBukIZn4eINiOhtQvIqdzuWWZidT7020CQQD8AekHk7eegHM/602mhYX/jo4pNEl8YfuhUA9tzNLgVGtf
UvnhDNVNCK/JuBhCYT+FJN31891VSrR9cu8shFCzAkEA1aUWFz7LgLqHcEXY0RfClapxl6O+Oxlvu80fdoRz+zCW11qtL1v4Axq4CzrC
G/b4nscaS9ctEMZ7qDX45QGN/wJBANVb0K2HlQhu/CR71axMk9yAF0AvcqAKXP6AR+/QYCFpl9aG6+Rr9xNXbW09ndxldWAGjJ21sAiM
TS+A5ZotFB0CQDfTdItMcFbJ5vwydC5m/ASpzhbmxZ2hzu2O8wrAH6JilvfdDOYULSF6iN7+UpyGE39B3aA1sOPySXux5sDIgDcCQHg7
uRUK8/2oUR2QZlzUHT25wmz22WGW4nROMzDBOroPOJ5MA1lm4iCkUknY5f8aXw0fdszIW6n24MyDSEEyZKo=
";
