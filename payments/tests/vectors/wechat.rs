//! Vectors a, b and b2.

use std::collections::HashMap;

use domain::{Money, PaymentNo, Product, Report, Timestamp};
use payments::gateway::wechat::sign::{SignatureError, authorization, invocation_message, request_message};
use payments::gateway::wechat::{ApiV3Key, PlatformKeys, Verify, read_certificates};
use payments::gateway::{
    Ask, Closing, GatewayError, NotificationContent, NotificationError, Payer, SigningKey,
};
use serde_json::Value;

use crate::harness::{
    NOTIFY_URL, NOWHERE, answering, cases, creation, headers, now, paid, platform_keys, read, text,
    wechat_at, wechat_settings,
};

fn merchant_key(file: &Value) -> SigningKey {
    let pem = text(&file["private_keys_test_only"], "merchant");
    SigningKey::read("WECHAT_PRIVATE_KEY", &pem.into()).unwrap()
}

#[test]
fn requests_are_signed_byte_for_byte() {
    let file = read("a_wechat_request");
    let key = merchant_key(&file);
    for case in cases(&file) {
        let name = text(case, "name");
        let (nonce, signature) = (text(case, "nonce"), text(case, "signature"));
        let timestamp = case["timestamp"].as_i64().unwrap();
        let message = request_message(
            text(case, "method"),
            text(case, "url"),
            timestamp,
            nonce,
            text(case, "body"),
        );
        let is_good = case["signature_matches_bytes"].as_bool().unwrap();
        assert_eq!(
            key.public().verifies(message.as_bytes(), signature),
            is_good,
            "{name}"
        );
        if text(case, "expect") != "valid" {
            continue;
        }
        assert_eq!(message, text(case, "message"), "{name}");
        assert_eq!(key.sign(message.as_bytes()), signature, "{name}");
        let header = authorization(
            text(&file, "mchid"),
            text(&file, "merchant_serial_no"),
            timestamp,
            nonce,
            signature,
        );
        assert_eq!(members(&header), members(text(case, "authorization")), "{name}");
    }
}

/// An Authorization header without the order of its members, which is free.
fn members(header: &str) -> (&str, HashMap<&str, &str>) {
    let (scheme, list) = header.split_once(' ').unwrap();
    (
        scheme,
        list.split(',')
            .map(|member| member.split_once('=').unwrap())
            .collect(),
    )
}

#[test]
fn invocations_are_signed_byte_for_byte() {
    let file = read("a2_wechat_paysign");
    let key = merchant_key(&file);
    for case in cases(&file) {
        let name = text(case, "name");
        let message = invocation_message(
            text(case, "appid"),
            text(case, "timestamp"),
            text(case, "nonce"),
            text(case, "fourth_line"),
        );
        assert_eq!(message, text(case, "message"), "{name}");
        assert_eq!(key.sign(message.as_bytes()), text(case, "signature"), "{name}");
    }
    // The parameters of a page are signed in the same four lines, with the current time and a new nonce.
    let case = &cases(&file)[0];
    let prepay = text(case, "fourth_line");
    let now = Timestamp::from_millis(1_700_000_000_000);
    let gateway = wechat_at(wechat_settings(&file, NOWHERE), now);
    let words = gateway
        .invocation(prepay.strip_prefix("prepay_id=").unwrap())
        .unwrap();
    assert_eq!((words.package.as_str(), words.sign_type), (prepay, "RSA"));
    assert_eq!(words.time_stamp, "1700000000");
    let message = invocation_message(&words.app_id, &words.time_stamp, &words.nonce_str, prepay);
    assert_eq!(key.sign(message.as_bytes()), words.pay_sign);
}

#[test]
fn a_request_for_payment_has_the_shape_of_the_vector() {
    let file = read("a_wechat_request");
    let case = &cases(&file)[0];
    let wanted: Value = serde_json::from_str(text(case, "body")).unwrap();
    let gateway = wechat_at(wechat_settings(&file, NOWHERE), now(case));
    let request = gateway.request(&Ask {
        payment_no: &PaymentNo::parse(text(&wanted, "out_trade_no")).unwrap(),
        product: Product::Native,
        amount: Money::from_fen(4990).unwrap(),
        subject: text(&wanted, "description"),
        expires_at: Timestamp::from_millis(1_700_001_800_000),
        return_url: None,
        payer: Payer::default(),
    });
    let wanted = text(case, "body").replace("https://pay.example.com/wx/notify/t1", NOTIFY_URL);
    assert_eq!(request, wanted);
}

#[tokio::test]
async fn only_genuine_notifications_are_accepted() {
    let file = read("b_wechat_callback");
    for case in cases(&file) {
        let name = text(case, "name");
        let gateway = wechat_at(wechat_settings(&file, NOWHERE), now(case));
        let notification = gateway
            .read_notification(&headers(case), text(case, "body").as_bytes())
            .await;
        match (text(case, "expect"), notification) {
            ("invalid", Err(error)) => {
                assert_eq!(
                    error == NotificationError::Probe,
                    name == "signature_probe",
                    "{name} {error}"
                );
            }
            ("valid", Ok(notification)) => {
                assert_eq!(notification.payment_no, "HX20231115000000000001", "{name}");
                let is_refund = matches!(notification.content, NotificationContent::Refund(_));
                assert_eq!(is_refund, name == "refund_success", "{name}");
                assert_eq!(
                    paid(&notification.content),
                    (!is_refund).then_some(4990),
                    "{name}"
                );
            }
            ("reject_business", Ok(notification)) => {
                assert_ne!(paid(&notification.content), Some(4990), "{name}");
                let is_foreign = matches!(notification.content, NotificationContent::Foreign(_));
                assert_eq!(is_foreign, name != "amount_mismatch", "{name}");
            }
            (_, outcome) => panic!("{name}: {outcome:?}"),
        }
    }
}

#[test]
fn answers_are_verified_over_their_bytes() {
    let file = read("b2_wechat_response");
    let keys = PlatformKeys::new(&platform_keys(&file), &merchant_key(&file)).unwrap();
    for case in cases(&file) {
        let verdict = keys.verify(&headers(case), text(case, "body").as_bytes(), now(case));
        assert_eq!(
            verdict.is_ok(),
            text(case, "expect") == "valid",
            "{}",
            text(case, "name")
        );
        let later = Timestamp::from_millis(now(case).millis() + 300_000);
        let verdict = keys.verify(&headers(case), text(case, "body").as_bytes(), later);
        assert!(matches!(verdict, Err(SignatureError::Because(_))));
    }
}

#[test]
fn downloaded_certificates_are_decrypted_or_refused() {
    let file = read("b2_wechat_response");
    let case = cases(&file)
        .iter()
        .find(|case| text(case, "name") == "certificates_list")
        .unwrap();
    let body = text(case, "body");
    let key = ApiV3Key::read(&text(&file, "apiv3_key").into()).unwrap();
    let certificates = read_certificates(&key, body.as_bytes()).unwrap();
    let known = file["platform_keys"].as_object().unwrap();
    assert!(!certificates.is_empty());
    assert!(
        certificates
            .iter()
            .all(|certificate| known.contains_key(&certificate.serial))
    );

    let other_key = ApiV3Key::read(&"x".repeat(32).into()).unwrap();
    assert!(read_certificates(&other_key, body.as_bytes()).is_err());
    let renamed = body.replace(&certificates[0].serial, "00");
    assert!(read_certificates(&key, renamed.as_bytes()).is_err());
}

#[tokio::test]
async fn a_notification_makes_us_download_the_certificate_it_names() {
    let list = read("b2_wechat_response");
    let list = cases(&list)
        .iter()
        .find(|case| text(case, "name") == "certificates_list")
        .unwrap();
    let file = read("b_wechat_callback");
    let serial = text(&list["headers"], "Wechatpay-Serial");
    let url = answering(200, headers(list), text(list, "body").to_owned()).await;
    let mut settings = wechat_settings(&file, &url);
    settings.verify = Verify::Download;
    let gateway = wechat_at(settings, now(list));
    let mut n_believed = 0;
    for case in cases(&file).iter().filter(|case| text(case, "expect") == "valid") {
        let notification = gateway
            .read_notification(&headers(case), text(case, "body").as_bytes())
            .await;
        let is_listed = text(list, "body").contains(text(&case["headers"], "Wechatpay-Serial"));
        assert_eq!(notification.is_ok(), is_listed, "{serial} {notification:?}");
        n_believed += usize::from(is_listed);
    }
    assert!(n_believed > 0);
}

#[tokio::test]
async fn a_call_accepts_only_answers_signed_by_wechat() {
    let file = read("b2_wechat_response");
    let payment_no = PaymentNo::parse("HX20231115000000000001").unwrap();
    for case in cases(&file) {
        let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
        let url = answering(status, headers(case), text(case, "body").to_owned()).await;
        let gateway = wechat_at(wechat_settings(&file, &url), now(case));
        match text(case, "name") {
            "code_url_pubkey" => {
                let prompt = gateway
                    .create(&creation(&payment_no, Product::Native, "{}"))
                    .await
                    .unwrap();
                assert_eq!(prompt, "weixin://wxpay/bizpayurl?pr=JyC91EIz1");
            }
            "undefined_as_body" => {
                let answer = gateway
                    .create(&creation(&payment_no, Product::Native, "{}"))
                    .await;
                assert!(matches!(answer, Err(GatewayError::Unknown { .. })), "{answer:?}");
            }
            "close_204_empty" => assert_eq!(gateway.close(&payment_no).await.unwrap(), Closing::Closed),
            _ => {}
        }
    }
}

#[tokio::test]
async fn an_unsigned_refusal_is_a_hint() {
    let file = read("b2_wechat_response");
    let case = &cases(&file)[0];
    let payment_no = PaymentNo::parse("HX20231115000000000001").unwrap();
    let body = r#"{"code":"ORDER_NOT_EXIST","message":"m"}"#;
    let url = answering(404, headers(case), body).await;
    let gateway = wechat_at(wechat_settings(&file, &url), now(case));
    let report = gateway.query(&payment_no).await;
    assert!(
        matches!(
            report,
            Err(GatewayError::Declined {
                is_authentic: false,
                ..
            })
        ),
        "{report:?}"
    );
    assert!(!matches!(report, Ok(Report::Absent)));

    let gateway = wechat_at(wechat_settings(&file, NOWHERE), now(case));
    let report = gateway.query(&payment_no).await;
    assert!(
        matches!(report, Err(GatewayError::RetrySame { .. })),
        "{report:?}"
    );
}
