//! As strict as Alipay's gateway.

mod bills;
mod certificates;
mod pages;
mod refunds;

use serde_json::{Value, json};

use crate::inbox::parse_form;
use crate::merchant::{Merchant, verify};

pub const PRECREATE: &str = "alipay.trade.precreate";
const QUERY: &str = "alipay.trade.query";
const CLOSE: &str = "alipay.trade.close";
const CANCEL: &str = "alipay.trade.cancel";
pub const REFUND: &str = "alipay.trade.refund";
const REFUND_QUERY: &str = "alipay.trade.fastpay.refund.query";

pub fn bill(out_trade_no: &str, amount: &str) -> Value {
    json!({"out_trade_no": out_trade_no, "total_amount": amount, "subject": "会员 - 月卡 100%+"})
}

/// The sub_code of a refusal.
fn outcome(node: &Value) -> &str {
    node["sub_code"].as_str().unwrap_or_default()
}

fn field(form: &[(String, Vec<u8>)], name: &str) -> String {
    let found = form.iter().find(|(found, _)| found == name);
    found.map_or(String::new(), |(_, value)| {
        String::from_utf8(value.clone()).unwrap()
    })
}

/// Over everything that came but the signature and its type.
fn notification_is_signed(shop: &Merchant, body: &[u8]) -> bool {
    let mut fields = parse_form(body);
    let sign = field(&fields, "sign");
    fields.retain(|(name, _)| name != "sign" && name != "sign_type");
    fields.sort();
    let pairs: Vec<Vec<u8>> = fields
        .into_iter()
        .map(|(name, value)| [name.as_bytes(), b"=", &value].concat())
        .collect();
    verify(&shop.credentials().alipay_public_key, &pairs.join(&b'&'), &sign)
}

#[tokio::test]
async fn a_precreated_bill_becomes_a_trade_when_scanned() {
    let shop = Merchant::open().await;
    let created = shop.alipay(PRECREATE, &bill("A1", "49.90")).await;
    let code = created["qr_code"].as_str().unwrap();
    assert!(code.starts_with("https://qr.alipay.com/bax"));
    let number = json!({"out_trade_no": "A1"});
    for method in [QUERY, CLOSE] {
        let absent = shop.alipay(method, &number).await;
        assert_eq!(
            (&absent["code"], &absent["sub_code"]),
            (&json!("40004"), &json!("ACQ.TRADE_NOT_EXIST"))
        );
    }
    assert_eq!(shop.alipay(QUERY, &number).await["receipt_amount"], "0.00");
    assert!(shop.sim.books().trades.is_empty());

    shop.sim.scan(code).await.unwrap();
    assert!(shop.sim.scan_as(code, "two").await.is_err());
    assert_eq!(
        shop.alipay(QUERY, &number).await["trade_status"],
        "WAIT_BUYER_PAY"
    );
    shop.sim.pay(code).await.unwrap();
    let paid = shop.alipay(QUERY, &number).await;
    assert_eq!(
        (&paid["trade_status"], &paid["total_amount"]),
        (&json!("TRADE_SUCCESS"), &json!("49.90"))
    );
    assert_eq!(
        shop.alipay(CLOSE, &number).await["sub_code"],
        "ACQ.TRADE_STATUS_ERROR"
    );
    assert_eq!(
        shop.alipay(PRECREATE, &bill("A1", "49.90")).await["sub_code"],
        "ACQ.TRADE_HAS_SUCCESS"
    );
}

#[tokio::test]
async fn the_same_number_needs_the_same_content_and_an_open_trade() {
    let shop = Merchant::open().await;
    let first = shop.alipay(PRECREATE, &bill("A1", "49.9")).await;
    assert_eq!(
        shop.alipay(PRECREATE, &bill("A1", "49.90")).await["qr_code"],
        first["qr_code"]
    );
    assert_eq!(
        shop.alipay(PRECREATE, &bill("A1", "49.91")).await["sub_code"],
        "ACQ.CONTEXT_INCONSISTENT"
    );
    shop.sim.scan("A1").await.unwrap();
    assert_eq!(
        shop.alipay(CLOSE, &json!({"out_trade_no": "A1"})).await["code"],
        "10000"
    );
    assert_eq!(
        shop.alipay(PRECREATE, &bill("A1", "49.90")).await["sub_code"],
        "ACQ.TRADE_HAS_CLOSE"
    );
    assert_eq!(
        shop.alipay(CLOSE, &json!({"out_trade_no": "A1"})).await["sub_code"],
        "ACQ.REASON_TRADE_STATUS_INVALID"
    );
}

#[tokio::test]
async fn an_unpaid_trade_closes_at_its_deadline_with_a_notification() {
    let shop = Merchant::open().await;
    let mut short = bill("A1", "49.90");
    short["timeout_express"] = json!("5m");
    shop.alipay(PRECREATE, &short).await;
    shop.sim.scan("A1").await.unwrap();
    shop.sim.advance(299_000).await;
    assert_eq!(shop.inbox.count(), 0);
    shop.sim.advance(1_000).await;
    let notification = &shop.inbox.forms()[0];
    let field = |name: &str| {
        notification
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(field("trade_status"), Some(b"TRADE_CLOSED".to_vec()));
    assert_eq!(field("gmt_close"), Some(b"2027-01-15 16:05:00".to_vec()));
    assert!(shop.sim.pay("A1").await.is_err());

    let mut dead = bill("A2", "1.00");
    dead["qr_code_timeout_express"] = json!("1m");
    shop.alipay(PRECREATE, &dead).await;
    shop.sim.advance(60_000).await;
    assert!(
        shop.sim.scan("A2").await.is_err(),
        "the code is dead before anybody scanned it"
    );
    let mut past = bill("A3", "1.00");
    past["time_expire"] = json!("2027-01-15 16:00:00");
    assert_eq!(
        shop.alipay(PRECREATE, &past).await["sub_code"],
        "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"
    );
}

#[tokio::test]
async fn parameters_are_checked_in_the_gateway_s_order() {
    let shop = Merchant::open().await;
    let good = || shop.alipay_params(PRECREATE, &bill("A1", "49.90"));
    let with = |name: &str, value: &str| {
        let mut params = good();
        params.retain(|(found, _)| found != name);
        if !value.is_empty() {
            params.push((name.to_owned(), value.to_owned()));
        }
        shop.alipay_sign(params)
    };
    let mut tampered = shop.alipay_sign(good());
    tampered
        .iter_mut()
        .find(|(name, _)| name == "biz_content")
        .unwrap()
        .1 = bill("A1", "0.01").to_string();
    let mut unsigned = good();
    unsigned.push(("sign".to_owned(), String::new()));
    let mut doubled = shop.alipay_sign(good());
    doubled.push(("method".to_owned(), QUERY.to_owned()));
    for (params, code, sub_code) in [
        (with("method", ""), "40001", "isv.missing-method"),
        (unsigned, "40001", "isv.missing-signature"),
        (with("sign_type", ""), "40001", "isv.missing-signature-type"),
        (with("app_id", ""), "40001", "isv.missing-app-id"),
        (with("timestamp", ""), "40001", "isv.missing-timestamp"),
        (with("version", ""), "40001", "isv.missing-version"),
        (with("app_id", "2021000000000000"), "40002", "isv.invalid-app-id"),
        (
            with("method", "alipay.trade.dance"),
            "40002",
            "isv.invalid-method",
        ),
        (with("sign_type", "RSA"), "40002", "isv.invalid-signature-type"),
        (tampered, "40002", "isv.invalid-signature"),
        (doubled, "40002", "isv.invalid-parameter"),
        (
            with("timestamp", "2027-01-15 08:00:00"),
            "40002",
            "isv.invalid-timestamp",
        ),
        (with("charset", "latin1"), "40002", "isv.invalid-charset"),
        (
            with("notify_url", "http://127.0.0.1/n?a=1"),
            "40002",
            "isv.invalid-parameter",
        ),
    ] {
        let answer = shop.alipay_send(&params).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/html;charset=utf-8");
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert!(
            text.contains(&format!("\"code\":\"{code}\"")) && text.contains(sub_code),
            "{text}"
        );
    }
    for amount in ["0", "0.001", "1e3", "-1", "100000000.01"] {
        assert_eq!(
            shop.alipay(PRECREATE, &bill("A1", amount)).await["code"],
            "40004",
            "{amount}"
        );
    }
    assert_eq!(
        shop.alipay(PRECREATE, &bill("A-1", "1.00")).await["sub_code"],
        "ACQ.INVALID_PARAMETER"
    );
    let answer = shop.alipay_send(&shop.alipay_sign(good())).await;
    assert!(
        String::from_utf8(answer.body)
            .unwrap()
            .contains("https:\\/\\/qr.alipay.com\\/bax")
    );
}

#[tokio::test]
async fn parameters_are_read_from_query_and_body_and_empty_ones_ignored() {
    let shop = Merchant::open().await;
    let answered = |request: reqwest::RequestBuilder| async {
        let answer = request
            .header("content-type", "application/x-www-form-urlencoded;charset=utf-8")
            .send()
            .await
            .unwrap();
        let text = answer.text().await.unwrap();
        text.contains("ACQ.TRADE_NOT_EXIST")
    };
    let url = shop.sim.alipay_url();
    let params = shop.alipay_sign(shop.alipay_params(QUERY, &json!({"out_trade_no": "A1"})));
    let all = crate::merchant::form(&params.iter().collect::<Vec<_>>());
    assert!(answered(shop.client.get(format!("{url}?{all}"))).await);
    assert!(answered(shop.client.post(format!("{url}?{all}"))).await);
    assert!(answered(shop.client.post(&url).body(all.clone())).await);
    assert!(
        answered(shop.client.post(format!("{url}?{all}")).body(all.clone())).await,
        "twice the same is once"
    );
    let empty = ("app_auth_token".to_owned(), String::new());
    // Signed over `app_auth_token=`, then as if it were not there.
    let mut kept = shop.alipay_params(QUERY, &json!({"out_trade_no": "A1"}));
    kept.push(empty.clone());
    let kept = shop.alipay_sign(kept);
    let dropped: Vec<_> = params.into_iter().chain([empty]).collect();
    for params in [kept, dropped] {
        let form = crate::merchant::form(&params.iter().collect::<Vec<_>>());
        assert!(answered(shop.client.post(&url).body(form)).await);
    }
    let json = shop.client.post(&url).header("content-type", "application/json");
    let text = json.body(all).send().await.unwrap().text().await.unwrap();
    assert!(
        text.starts_with("{\"error_response\":") && text.contains("isv.invalid-parameter"),
        "{text}"
    );
}
