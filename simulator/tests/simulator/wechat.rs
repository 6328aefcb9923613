//! As strict as WeChat Pay.

mod bills;
mod phones;
mod refunds;
mod shipping;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::sha2::Sha256;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, WechatKeys};
use x509_parser::pem::parse_x509_pem;

use crate::merchant::{Merchant, NOW_MS};

#[tokio::test]
async fn authorization_members_may_be_in_any_order_and_are_otherwise_strict() {
    let shop = Merchant::open().await;
    let target = format!(
        "/v3/pay/transactions/out-trade-no/T00000001?mchid={}",
        shop.credentials().wechat_mch_id
    );
    let members = |seconds: i64| shop.authorization("GET", &target, "", seconds);
    let now_s = NOW_MS / 1_000;
    let scheme = "WECHATPAY2-SHA256-RSA2048";
    let mut reversed = members(now_s);
    reversed.reverse();
    let mut serial = members(now_s);
    serial[3] = "serial_no=\"0000\"".to_owned();
    let mut merchant = members(now_s);
    merchant[0] = "mchid=\"1\"".to_owned();
    let format = "Http头Authorization值格式错误";
    let late = "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟";
    for (header, message) in [
        (format!("{scheme} {}", reversed.join(",")), "订单不存在"),
        (
            format!("{scheme} {}", members(now_s - 300).join(",")),
            "订单不存在",
        ),
        (format!("{scheme} {}", members(now_s - 301).join(",")), late),
        (format!("{scheme} {}", members(now_s + 301).join(",")), late),
        (
            format!("WECHATPAY2-SM2-WITH-SM3 {}", members(now_s).join(",")),
            "Http头Authorization认证类型不正确",
        ),
        (format!("{scheme} {}", members(now_s).join(", ")), format),
        (format!("{scheme} {}", members(now_s)[..4].join(",")), format),
        (
            format!("{scheme} {},{}", members(now_s).join(","), members(now_s)[0]),
            format,
        ),
        (format!("{scheme} {}", serial.join(",")), "商户证书序列号有误"),
        (format!("{scheme} {}", merchant.join(",")), "商户未申请过证书"),
    ] {
        let answer = shop.send("GET", &target, "", &header).await;
        assert_eq!(answer.json()["message"], message, "{header}");
        let known = message == "订单不存在";
        assert_eq!(answer.status, if known { 404 } else { 401 });
        // Only the business systems sign; the edge does not.
        assert_eq!(shop.wechat_signed(&answer.headers, &answer.body), known);
    }
}

#[tokio::test]
async fn a_wrong_signature_is_answered_with_the_verified_message() {
    let shop = Merchant::open().await;
    let target = "/v3/pay/transactions/native";
    let body = shop.order("T00000001", 100).to_string();
    let members = shop
        .authorization("POST", target, &body, NOW_MS / 1_000)
        .join(",");
    let sent = body.replace("100", "101");
    let answer = shop
        .send(
            "POST",
            target,
            &sent,
            &format!("WECHATPAY2-SHA256-RSA2048 {members}"),
        )
        .await;
    assert_eq!(answer.status, 401);
    let head = format!("POST\n{target}\n1800000000\n593BEC0C930BF1AFEB40B4A08C8FB242\n");
    assert_eq!(
        answer.json(),
        json!({"code": "SIGN_ERROR", "message": "签名错误", "detail": {
        "detail": {"issue": "sign not match"}, "field": "signature", "location": "authorization",
        "sign_information": {
            "method": "POST", "url": target, "sign_message_length": head.len() + sent.len() + 1,
            "truncated_sign_message": format!("{head}{}\n", &sent[..8]),
        }}})
    );
    assert!(answer.header("request-id").ends_with("-268443699"));
    assert_eq!(answer.header("wechatpay-signature"), "");
    assert!(shop.sim.books().trades.is_empty());
}

#[tokio::test]
async fn members_that_are_unknown_null_or_out_of_range_are_refused() {
    let shop = Merchant::open().await;
    let with = |pointer: &str, value: Value| {
        let mut order = shop.order("T00000001", 100);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        order.pointer_mut(parent).unwrap()[name] = value;
        order
    };
    for (order, field, code) in [
        (with("/colour", json!("red")), "/colour", "PARAM_ERROR"),
        (with("/attach", Value::Null), "/attach", "PARAM_ERROR"),
        (with("/amount/total", json!(0)), "/amount/total", "PARAM_ERROR"),
        (
            with("/amount/total", json!(110.5)),
            "/amount/total",
            "PARAM_ERROR",
        ),
        (
            with("/amount/currency", json!("USD")),
            "/amount/currency",
            "PARAM_ERROR",
        ),
        (
            with("/out_trade_no", json!("T0001")),
            "/out_trade_no",
            "PARAM_ERROR",
        ),
        (
            with("/out_trade_no", json!("T0000.001")),
            "/out_trade_no",
            "PARAM_ERROR",
        ),
        (
            // 129 bytes, though only 43 characters.
            with("/description", json!("长".repeat(43))),
            "/description",
            "PARAM_ERROR",
        ),
        (
            with("/notify_url", json!("http://127.0.0.1/n?a=1")),
            "/notify_url",
            "PARAM_ERROR",
        ),
        (
            with("/time_expire", json!("2027-01-15 16:00:00")),
            "/time_expire",
            "PARAM_ERROR",
        ),
        (with("/mchid", json!("1900000001")), "/mchid", "PARAM_ERROR"),
    ] {
        let answer = shop.create(&order).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{order}");
        assert_eq!(answer.json()["detail"]["field"], field);
        assert!(shop.wechat_signed(&answer.headers, &answer.body));
    }
    let other_app = shop.create(&with("/appid", json!("wx0000"))).await;
    assert_eq!(other_app.code(), "APPID_MCHID_NOT_MATCH");
    assert!(shop.sim.books().trades.is_empty());
}

#[tokio::test]
async fn re_entry_gives_a_new_code_for_the_same_request_only() {
    let shop = Merchant::open().await;
    let order = shop.order("T00000001", 100);
    let first = shop.code_url(&order).await;
    let second = shop.code_url(&order).await;
    assert_ne!(first, second);
    assert!(shop.sim.scan(&first).await.is_err(), "the old code is dead");
    let other = shop.create(&shop.order("T00000001", 101)).await;
    assert_eq!(other.code(), "INVALID_REQUEST");
    assert_eq!(other.json()["message"], "请求重入时，参数与首次请求时不一致");
    assert!(other.header("request-id").ends_with("-268498688"));
    shop.sim.pay(&second).await.unwrap();
    assert_eq!(shop.create(&order).await.code(), "ORDERPAID");
    assert_eq!(shop.close("T00000001").await.code(), "ORDERPAID");

    let closed = shop.order("T00000002", 100);
    shop.code_url(&closed).await;
    for _ in 0..2 {
        let answer = shop.close("T00000002").await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert!(shop.wechat_signed(&answer.headers, b""), "204 is signed too");
    }
    assert_eq!(shop.create(&closed).await.code(), "ORDER_CLOSED");
    assert!(shop.sim.pay("T00000002").await.is_err());
}

#[tokio::test]
async fn a_code_lives_two_hours_and_belongs_to_its_first_scanner() {
    let shop = Merchant::open().await;
    let order = shop.order("T00000001", 100);
    let code = shop.code_url(&order).await;
    shop.sim.advance(2 * 3_600_000).await;
    assert!(shop.sim.pay(&code).await.unwrap_err().contains("expired"));
    let code = shop.code_url(&order).await;
    shop.sim.scan(&code).await.unwrap();
    assert!(shop.sim.scan_as(&code, "two").await.is_err());
    shop.sim.pay_with_coupon(&code, 30).await.unwrap();
    let paid = shop.query("T00000001").await.json();
    assert_eq!(paid["trade_state"], "SUCCESS");
    assert_eq!(
        (&paid["amount"]["total"], &paid["amount"]["payer_total"]),
        (&json!(100), &json!(70))
    );
    let target = format!(
        "/v3/pay/transactions/id/{}?mchid={}",
        paid["transaction_id"].as_str().unwrap(),
        shop.credentials().wechat_mch_id
    );
    assert_eq!(shop.wechat("GET", &target, "").await.json(), paid);
}

#[tokio::test]
async fn time_expire_bounds_paying_but_does_not_close() {
    let shop = Merchant::open().await;
    let mut order = shop.order("T00000001", 100);
    order["time_expire"] = json!("2027-01-15T16:05:00+08:00");
    let code = shop.code_url(&order).await;
    shop.sim.advance(300_000).await;
    assert!(shop.sim.pay(&code).await.is_err());
    assert_eq!(shop.query("T00000001").await.json()["trade_state"], "NOTPAY");
    assert_eq!(shop.create(&order).await.json()["message"], "该订单已失效");
    shop.sim.advance(7 * 86_400_000).await;
    assert_eq!(shop.query("T00000001").await.json()["trade_state"], "CLOSED");
}

#[tokio::test]
async fn certificates_are_listed_encrypted_and_rotate() {
    let new_merchant = Merchant::open().await;
    let answer = new_merchant.wechat("GET", "/v3/certificates", "").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "RESOURCE_NOT_EXISTS")
    );

    let shop = Merchant::with_keys(WechatKeys::Certificate).await;
    let before = shop.wechat("GET", "/v3/certificates", "").await;
    let listed = before.json()["data"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        before.header("wechatpay-serial"),
        listed[0]["serial_no"].as_str().unwrap()
    );
    let sealed = &listed[0]["encrypt_certificate"];
    let cipher = Aes256Gcm::new_from_slice(shop.credentials().wechat_api_v3_key.as_bytes()).unwrap();
    let nonce = Nonce::try_from(sealed["nonce"].as_str().unwrap().as_bytes()).unwrap();
    let msg = STANDARD.decode(sealed["ciphertext"].as_str().unwrap()).unwrap();
    let pem = cipher
        .decrypt(
            &nonce,
            Payload {
                msg: &msg,
                aad: b"certificate",
            },
        )
        .unwrap();
    assert_eq!(pem, shop.credentials().wechat_public_key.as_bytes());
    let (_, pem) = parse_x509_pem(&pem).unwrap();
    let certificate = pem.parse_x509().unwrap();
    assert_eq!(
        format!("{:X}", certificate.serial),
        listed[0]["serial_no"].as_str().unwrap()
    );
    let key = PublicKey::from_public_key_der(certificate.public_key().raw).unwrap();
    let message = format!(
        "{}\n{}\n{}\n",
        before.header("wechatpay-timestamp"),
        before.header("wechatpay-nonce"),
        String::from_utf8(before.body.clone()).unwrap()
    );
    let signature = STANDARD.decode(before.header("wechatpay-signature")).unwrap();
    key.pkcs1v15_verify::<Sha256>(message.as_bytes(), &signature)
        .unwrap();

    shop.sim.fault(Fault::new(FaultKind::Rotate));
    let after = shop.wechat("GET", "/v3/certificates", "").await;
    let listed = after.json()["data"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        after.header("wechatpay-serial"),
        listed[1]["serial_no"].as_str().unwrap()
    );
}
