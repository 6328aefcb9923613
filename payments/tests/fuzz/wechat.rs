//! WeChat's notifications: forged, damaged, and signed but odd.

use std::panic::AssertUnwindSafe;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use http::{HeaderMap, HeaderValue};
use payments::gateway::{Gateway, Notification, NotificationError, SigningKey};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::harness::{NOWHERE, cases, headers, now, read, text, wechat_at, wechat_settings};
use crate::mutation::{Damage, damaged};

const NONCE: &str = "fdasflkja484";

struct Wechat {
    file: Value,
    serial: String,
    key: SigningKey,
    runtime: Runtime,
}

impl Wechat {
    fn new() -> Wechat {
        let file = read("b_wechat_callback");
        let keys = file["private_keys_test_only"].as_object().unwrap();
        let (serial, key) = keys
            .iter()
            .find(|(name, _)| name.starts_with("PUB_KEY_ID"))
            .unwrap();
        Wechat {
            serial: serial.clone(),
            key: SigningKey::read("WECHAT_PRIVATE_KEY", &key.as_str().unwrap().into()).unwrap(),
            file,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    fn at(&self, now: Timestamp) -> Gateway {
        wechat_at(wechat_settings(&self.file, NOWHERE), now)
    }

    fn read(
        &self,
        gateway: &Gateway,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, NotificationError> {
        self.runtime.block_on(gateway.read_notification(headers, body))
    }

    /// Notification of WeChat with this plaintext: encrypted, and signed with a platform key of the vectors.
    fn notification(&self, event_type: &str, plain: &[u8]) -> (HeaderMap, Vec<u8>) {
        let key = UnboundKey::new(&AES_256_GCM, text(&self.file, "apiv3_key").as_bytes()).unwrap();
        let nonce = Nonce::try_assume_unique_for_key(NONCE.as_bytes()).unwrap();
        let mut ciphertext = plain.to_vec();
        LessSafeKey::new(key)
            .seal_in_place_append_tag(nonce, Aad::from(b"transaction"), &mut ciphertext)
            .unwrap();
        let body = serde_json::json!({
            "id": "EV-1", "event_type": event_type, "resource_type": "encrypt-resource",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM", "ciphertext": STANDARD.encode(ciphertext),
                "associated_data": "transaction", "nonce": NONCE,
            },
        })
        .to_string();
        (self.signed(body.as_bytes()), body.into_bytes())
    }

    fn signed(&self, body: &[u8]) -> HeaderMap {
        let message = [b"1700000000\nn\n".as_slice(), body, b"\n"].concat();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("wechatpay-timestamp", "1700000000"),
            ("wechatpay-nonce", "n"),
            ("wechatpay-serial", self.serial.as_str()),
            ("wechatpay-signature", &self.key.sign(&message)),
        ] {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }
}

fn signing_time() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

#[test]
fn a_damaged_notification_is_never_accepted() {
    let wechat = AssertUnwindSafe(Wechat::new());
    let case = &cases(&wechat.file)[0];
    let gateway = AssertUnwindSafe(wechat.at(now(case)));
    let (genuine, headers) = (text(case, "body").as_bytes(), headers(case));
    bolero::check!().with_type::<Vec<Damage>>().for_each(|damages| {
        let body = damaged(genuine, damages);
        let is_believed = wechat.read(&gateway, &headers, &body).is_ok();
        assert_eq!(is_believed, body == genuine);
    });
}

#[test]
fn damaged_headers_are_never_accepted() {
    let wechat = AssertUnwindSafe(Wechat::new());
    let case = &cases(&wechat.file)[0];
    let gateway = AssertUnwindSafe(wechat.at(now(case)));
    let (body, genuine) = (text(case, "body").as_bytes(), headers(case));
    let names = ["timestamp", "nonce", "signature", "serial"].map(|name| format!("wechatpay-{name}"));
    bolero::check!()
        .with_type::<(u8, Vec<Damage>)>()
        .for_each(|(which, damages)| {
            let name = names[usize::from(*which) % names.len()].as_str();
            let value = damaged(genuine[name].as_bytes(), damages);
            let Ok(value) = HeaderValue::from_bytes(&value) else {
                return;
            };
            let is_same = value.to_str().is_ok_and(|text| text.trim() == genuine[name]);
            let mut headers = genuine.clone();
            headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
            assert_eq!(
                wechat.read(&gateway, &headers, body).is_ok(),
                is_same,
                "{headers:?}"
            );
        });
}

#[test]
fn every_signed_envelope_is_read_or_refused() {
    let wechat = AssertUnwindSafe(Wechat::new());
    let gateway = AssertUnwindSafe(wechat.at(signing_time()));
    let (_, genuine) = wechat.notification("TRANSACTION.SUCCESS", b"{}");
    bolero::check!().with_type::<Vec<Damage>>().for_each(|damages| {
        let body = damaged(&genuine, damages);
        let outcome = wechat.read(&gateway, &wechat.signed(&body), &body);
        assert!(
            !matches!(outcome, Err(NotificationError::NotAuthentic(_))),
            "{outcome:?}"
        );
    });
}

#[test]
fn every_decrypted_text_is_read_or_refused() {
    let wechat = AssertUnwindSafe(Wechat::new());
    let gateway = AssertUnwindSafe(wechat.at(signing_time()));
    let plain: Vec<&str> = cases(&wechat.file)
        .iter()
        .filter_map(|case| case["plaintext"].as_str())
        .collect();
    let kinds = [
        "TRANSACTION.SUCCESS",
        "REFUND.SUCCESS",
        "REFUND.ABNORMAL",
        "REFUND.CLOSED",
        "COUPON.USE",
    ];
    bolero::check!()
        .with_type::<(u8, u8, Vec<Damage>)>()
        .for_each(|(which, kind, damages)| {
            let plain = damaged(plain[usize::from(*which) % plain.len()].as_bytes(), damages);
            let (headers, body) = wechat.notification(kinds[usize::from(*kind) % kinds.len()], &plain);
            let outcome = wechat.read(&gateway, &headers, &body);
            assert!(
                !matches!(outcome, Err(NotificationError::NotAuthentic(_))),
                "{outcome:?}"
            );
        });
}
