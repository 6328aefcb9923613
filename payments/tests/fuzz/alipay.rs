//! Alipay's forms and answers.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use http::HeaderMap;
use payments::gateway::alipay::sign::read_answer;
use payments::gateway::{Gateway, Notification, NotificationError, SigningKey};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::harness::{NOWHERE, alipay_at, alipay_settings, cases, read, text};
use crate::mutation::{Damage, damaged};

const METHOD: &str = "alipay.trade.query";

struct Alipay {
    gateway: Gateway,
    key: SigningKey,
    runtime: Runtime,
}

impl Alipay {
    fn new() -> Alipay {
        let file = read("d_alipay_notify");
        let private = text(&file["private_keys_test_only"], "alipay");
        Alipay {
            gateway: alipay_at(alipay_settings(NOWHERE)),
            key: SigningKey::read("ALIPAY_PRIVATE_KEY", &private.into()).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    fn read(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        self.runtime
            .block_on(self.gateway.read_notification(&HeaderMap::new(), body))
    }
}

#[test]
fn a_damaged_notification_is_refused_or_says_the_same() {
    let alipay = AssertUnwindSafe(Alipay::new());
    let file = read("d_alipay_notify");
    let genuine: Vec<&str> = cases(&file)
        .iter()
        .filter(|case| text(case, "expect") == "valid" && case["raw_body"].is_string())
        .map(|case| text(case, "raw_body"))
        .collect();
    let said: Vec<String> = genuine
        .iter()
        .map(|body| format!("{:?}", alipay.read(body.as_bytes()).unwrap()))
        .collect();
    bolero::check!()
        .with_type::<(u8, Vec<Damage>)>()
        .for_each(|(which, damages)| {
            let which = usize::from(*which) % genuine.len();
            let body = damaged(genuine[which].as_bytes(), damages);
            // Another spelling of the same parameters, such as `%2B` for `%2b`, is the same message.
            if let Ok(notification) = alipay.read(&body) {
                assert_eq!(format!("{notification:?}"), said[which]);
            }
        });
}

#[test]
fn signed_parameters_of_every_kind_are_read_or_refused() {
    let alipay = AssertUnwindSafe(Alipay::new());
    let charsets = ["utf-8", "GBK", "gb18030", "shift_jis", ""];
    let names = [
        "trade_status",
        "total_amount",
        "trade_no",
        "out_trade_no",
        "gmt_payment",
        "refund_fee",
    ];
    bolero::check!()
        .with_type::<(u8, BTreeMap<Vec<u8>, Vec<u8>>, [Vec<u8>; 6])>()
        .for_each(|(charset, others, values)| {
            let mut params = others.clone();
            params.retain(|name, _| name != b"sign" && name != b"sign_type");
            for (name, value) in names.iter().zip(values) {
                params.insert(name.as_bytes().to_vec(), value.clone());
            }
            let charset = charsets[usize::from(*charset) % charsets.len()];
            params.insert(b"charset".to_vec(), charset.into());
            params.insert(b"app_id".to_vec(), b"2014072300007148".to_vec());
            params.insert(b"notify_id".to_vec(), b"n1".to_vec());
            let signed: Vec<Vec<u8>> = params
                .iter()
                .map(|(name, value)| [name.as_slice(), b"=", value].concat())
                .collect();
            let sign = alipay.key.sign(&signed.join(&b'&'));
            params.insert(b"sign".to_vec(), sign.into_bytes());
            let body: Vec<String> = params
                .iter()
                .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
                .collect();
            let outcome = alipay.read(body.join("&").as_bytes());
            // A message signed by us is authentic, whatever it means.
            assert!(
                !matches!(
                    outcome,
                    Err(NotificationError::NotAuthentic(_) | NotificationError::Probe)
                ),
                "{outcome:?} {params:?}"
            );
        });
}

fn escaped(bytes: &[u8]) -> String {
    percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn the_node_scanner_finds_exactly_what_was_signed() {
    let file = read("e_alipay_sync_response");
    let private = text(&file["private_keys_test_only"], "alipay");
    let key = AssertUnwindSafe(SigningKey::read("ALIPAY_PRIVATE_KEY", &private.into()).unwrap());
    let public = AssertUnwindSafe(key.public());
    bolero::check!()
        .with_type::<(Vec<(String, String)>, bool)>()
        .for_each(|(members, is_sign_first)| {
            let node = Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone().into()))
                    .collect(),
            )
            .to_string();
            let sign = key.sign(node.as_bytes());
            let body = if *is_sign_first {
                format!(r#"{{"sign":"{sign}","alipay_trade_query_response":{node}}}"#)
            } else {
                format!(r#"{{ "alipay_trade_query_response" :{node} , "sign":"{sign}"}}"#)
            };
            let read = read_answer(METHOD, body.as_bytes(), &public).unwrap();
            assert!(read.is_signed);
            assert_eq!(read.text, node);
        });
}

#[test]
fn a_damaged_answer_is_refused_or_says_the_same() {
    let file = read("e_alipay_sync_response");
    let private = text(&file["private_keys_test_only"], "alipay");
    let key = SigningKey::read("ALIPAY_PRIVATE_KEY", &private.into()).unwrap();
    let public = AssertUnwindSafe(key.public());
    let genuine: Vec<(&str, &str)> = cases(&file)
        .iter()
        .filter(|case| text(case, "expect") == "valid")
        .map(|case| (text(case, "method"), text(case, "raw")))
        .collect();
    bolero::check!()
        .with_type::<(u8, Vec<Damage>)>()
        .for_each(|(which, damages)| {
            let (method, raw) = genuine[usize::from(*which) % genuine.len()];
            let body = damaged(raw.as_bytes(), damages);
            if let Ok(node) = read_answer(method, &body, &public)
                && node.is_signed
            {
                assert!(raw.contains(&node.text), "{}", node.text);
            }
        });
}
