//! T-01 to T-09, T-17 and T-19: a signature covers bytes, and every part of it must be there.

use axum::http::{HeaderMap, HeaderName};
use domain::{Method, OrderStatus, PaymentNo, PaymentStatus, Product};
use payments::gateway::alipay::sign::read_answer;
use payments::gateway::wechat::ApiV3Key;
use payments::gateway::wechat::sign::request_message;
use payments::gateway::{Closing, Gateway, GatewayError, NotificationError, SigningKey, VerifyingKey};
use serde_json::Value;
use simulator::{Alteration, Endpoint, Fault, FaultKind, Faults, SignedBy};

use crate::harness::{
    NOWHERE, answering, cases, creation, headers, now, read, text, wechat_at, wechat_settings,
};
use crate::shop::{Engine, Shop, headers_of};

const SIGNATURE_HEADERS: [&str; 4] = [
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-signature",
    "wechatpay-serial",
];

fn named<'a>(file: &'a Value, name: &str) -> &'a Value {
    cases(file)
        .iter()
        .find(|case| text(case, "name") == name)
        .unwrap()
}

/// A gateway and a genuine notification for it.
fn genuine() -> (Gateway, HeaderMap, String) {
    let file = read("b_wechat_callback");
    let case = named(&file, "pay_success_pubkey_mode");
    let gateway = wechat_at(wechat_settings(&file, NOWHERE), now(case));
    (gateway, headers(case), text(case, "body").to_owned())
}

#[tokio::test]
async fn t_01_a_body_that_was_parsed_and_written_again_is_refused() {
    let (gateway, headers, body) = genuine();
    let parsed: Value = serde_json::from_str(&body).unwrap();
    for again in [parsed.to_string(), serde_json::to_string_pretty(&parsed).unwrap()] {
        assert_ne!(again, body);
        let refused = gateway.read_notification(&headers, again.as_bytes()).await;
        assert!(
            matches!(refused, Err(NotificationError::NotAuthentic(_))),
            "{refused:?}"
        );
    }
    assert!(gateway.read_notification(&headers, body.as_bytes()).await.is_ok());
}

#[tokio::test]
async fn t_02_a_notification_that_decrypts_is_rejected_without_its_signature() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Wechat).await;
    for signed_by in [SignedBy::Nobody, SignedBy::Stranger] {
        let forged = Alteration {
            signed_by,
            ..Alteration::default()
        };
        // The ciphertext is the gateway's own: under the right key, with the right tag.
        let letter = shop.sim.letter(payment.payment_no.as_str(), &forged).unwrap();
        assert_eq!(shop.deliver(&letter).await, 401, "{signed_by:?}");
    }
    assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
    shop.close().await;
}

#[test]
fn t_03_no_bit_of_a_ciphertext_can_be_turned() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let file = read("b_wechat_callback");
    let key = ApiV3Key::read(&text(&file, "apiv3_key").into()).unwrap();
    let body: Value = serde_json::from_str(text(named(&file, "pay_success_cert"), "body")).unwrap();
    let resource = body["resource"].to_string();
    let mut sealed = serde_json::from_str(&resource).unwrap();
    let open = |sealed: &payments::gateway::wechat::Sealed<'_>| key.open(sealed);
    assert!(open(&sealed).is_ok());
    let genuine = STANDARD.decode(sealed.ciphertext.as_bytes()).unwrap();
    for place in 0..genuine.len() {
        let mut altered = genuine.clone();
        altered[place] ^= 1 << (place % 8);
        sealed.ciphertext = STANDARD.encode(altered).into();
        assert!(open(&sealed).is_err(), "byte {place}");
    }
    for length in 0..genuine.len() {
        sealed.ciphertext = STANDARD.encode(&genuine[..length]).into();
        assert!(open(&sealed).is_err(), "{length} bytes");
    }
}

#[tokio::test]
async fn t_04_a_notification_of_another_hour_is_refused() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Wechat).await;
    for (age_seconds, status) in [(300, 401), (-300, 401), (86_400, 401), (299, 200)] {
        let aged = Alteration {
            age_seconds,
            new_id: true,
            ..Alteration::default()
        };
        let letter = shop.sim.letter(payment.payment_no.as_str(), &aged).unwrap();
        assert_eq!(shop.deliver(&letter).await, status, "{age_seconds}");
    }
    shop.close().await;
}

#[tokio::test]
async fn t_05_a_signature_probe_is_refused_and_what_it_probed_is_asked_again() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let probe = Fault::new(FaultKind::Probe);
    shop.sim.fault(probe.at(Endpoint::Create).times(1));
    // The answer to the first call was a probe; the second has the prompt.
    let payment = shop.start(&order, Method::Wechat).await;
    let probing = Alteration {
        signed_by: SignedBy::Probe,
        ..Alteration::default()
    };
    let letter = shop.sim.letter(payment.payment_no.as_str(), &probing).unwrap();
    assert_eq!(shop.deliver(&letter).await, 401);
    shop.sim.fault(probe.at(Endpoint::Query));
    let gateway = shop.services.gateways.wechat.as_ref().unwrap();
    let asked = gateway.query(&payment.payment_no).await;
    assert!(matches!(asked, Err(GatewayError::RetrySame { .. })), "{asked:?}");
    shop.sim.faults(Faults::none());
    shop.scan_and_pay(&payment).await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn t_06_no_two_headers_of_a_signature_can_stand_for_each_other() {
    let (gateway, genuine, body) = genuine();
    for one in SIGNATURE_HEADERS {
        for other in SIGNATURE_HEADERS.into_iter().filter(|other| *other != one) {
            let mut swapped = genuine.clone();
            swapped.insert(one, genuine[other].clone());
            swapped.insert(other, genuine[one].clone());
            let refused = gateway.read_notification(&swapped, body.as_bytes()).await;
            assert!(refused.is_err(), "{one} and {other}");
        }
    }
}

#[tokio::test]
async fn t_07_what_is_missing_is_refused_and_never_skipped() {
    let (gateway, genuine, body) = genuine();
    for name in SIGNATURE_HEADERS {
        for value in [None, Some(""), Some(" ")] {
            let mut headers = genuine.clone();
            headers.remove(name);
            if let Some(value) = value {
                headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            let refused = gateway.read_notification(&headers, body.as_bytes()).await;
            assert!(
                matches!(refused, Err(NotificationError::NotAuthentic(_))),
                "{name} {value:?}"
            );
        }
    }
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Alipay).await;
    for name in [
        "app_id",
        "out_trade_no",
        "total_amount",
        "trade_no",
        "trade_status",
        "notify_id",
    ] {
        let mut without = Alteration::default();
        without.set.insert(name.to_owned(), Value::Null);
        let letter = shop.sim.letter(payment.payment_no.as_str(), &without).unwrap();
        shop.deliver(&letter).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Pending, "without {name}");
    }
    let forged = format!("out_trade_no={}&trade_status=TRADE_SUCCESS", payment.payment_no);
    let alipay = shop.services.gateways.alipay.as_ref().unwrap();
    let refused = alipay
        .read_notification(&HeaderMap::new(), forged.as_bytes())
        .await;
    assert!(
        matches!(refused, Err(NotificationError::NotAuthentic(_))),
        "{refused:?}"
    );
    shop.close().await;
}

#[tokio::test]
async fn t_08_an_empty_answer_is_a_success_when_its_signature_is_one_of_nothing() {
    let file = read("b2_wechat_response");
    let payment_no = PaymentNo::parse("HX20231115000000000001").unwrap();
    for (name, is_closed) in [("close_204_empty", true), ("code_url_pubkey", false)] {
        let case = named(&file, name);
        let url = answering(204, headers(case), "").await;
        let gateway = wechat_at(wechat_settings(&file, &url), now(case));
        let closing = gateway.close(&payment_no).await;
        match is_closed {
            true => assert_eq!(closing.unwrap(), Closing::Closed),
            false => assert!(
                matches!(closing, Err(GatewayError::Unknown { .. })),
                "{closing:?}"
            ),
        }
    }
}

#[test]
fn t_09_a_request_without_a_body_keeps_its_fifth_line() {
    let message = request_message("POST", "/v3/pay", 1_700_000_000, "nonce", "");
    assert_eq!(message, "POST\n/v3/pay\n1700000000\nnonce\n\n");
    let file = read("a_wechat_request");
    let case = named(&file, "post_empty_body_correct");
    let pem = text(&file["private_keys_test_only"], "merchant");
    let key = SigningKey::read("WECHAT_PRIVATE_KEY", &pem.into()).unwrap();
    let message = request_message(
        text(case, "method"),
        text(case, "url"),
        case["timestamp"].as_i64().unwrap(),
        text(case, "nonce"),
        "",
    );
    assert_eq!(key.sign(message.as_bytes()), text(case, "signature"));
}

#[test]
fn t_17_an_answer_that_was_parsed_and_written_again_is_refused() {
    let file = read("e_alipay_sync_response");
    let requests = read("c_alipay_request");
    let own = text(&requests["private_keys_test_only"], "app");
    let own = SigningKey::read("ALIPAY_PRIVATE_KEY", &own.into()).unwrap();
    let key = VerifyingKey::read("ALIPAY_PUBLIC_KEY", text(&file, "alipay_public_key_pem"), &own).unwrap();
    for name in ["precreate_escaped_slashes", "query_success"] {
        let case = named(&file, name);
        let (method, raw) = (text(case, "method"), text(case, "raw"));
        assert!(read_answer(method, raw.as_bytes(), &key).is_ok_and(|node| node.is_signed));
        let parsed: Value = serde_json::from_str(raw).unwrap();
        let again = serde_json::to_string_pretty(&parsed).unwrap();
        assert!(read_answer(method, again.as_bytes(), &key).is_err(), "{name}");
    }
    let slashes = text(named(&file, "precreate_escaped_slashes"), "raw");
    assert!(slashes.contains("\\/"));
    let again = slashes.replace("\\/", "/");
    assert!(read_answer("alipay.trade.precreate", again.as_bytes(), &key).is_err());
}

#[tokio::test]
async fn t_19_a_message_shortened_by_a_proxy_is_rejected() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Wechat).await;
    let letter = shop
        .sim
        .letter(payment.payment_no.as_str(), &Alteration::default())
        .unwrap();
    let bare: HeaderMap = headers_of(&letter)
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _)| !name.as_str().starts_with("wechatpay-"))
        .collect();
    let reply =
        payments::accept_notification(&shop.services, domain::Channel::Wechat, &bare, &letter.body).await;
    assert_eq!(reply.status, 401);
    let mut mended = letter.clone();
    mended.body.insert(0, b' ');
    assert_eq!(shop.deliver(&mended).await, 401);
    // An answer without its headers does not count: the order may exist or not.
    shop.sim
        .fault(Fault::new(FaultKind::NoSignature).at(Endpoint::Create));
    let gateway = shop.services.gateways.wechat.as_ref().unwrap();
    let created = gateway
        .create(&creation(&payment.payment_no, Product::Native, &payment.request))
        .await;
    assert!(
        matches!(created, Err(GatewayError::Unknown { .. })),
        "{created:?}"
    );
    shop.close().await;
}
