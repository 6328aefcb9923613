//! WeChat's refunds: accepted before they are done, limited, and notified to their own address.

use serde_json::{Value, json};
use simulator::{Endpoint, Fault, FaultKind, RefundOutcome};

use crate::merchant::{Answer, Merchant};

const REFUNDS: &str = "/v3/refund/domestic/refunds";
const A_MINUTE_MS: i64 = 60_000;
const A_DAY_MS: i64 = 24 * 3600 * 1000;

async fn paid(out_trade_no: &str, total: i64) -> Merchant {
    let shop = Merchant::open().await;
    shop.code_url(&shop.order(out_trade_no, total)).await;
    shop.sim.pay(out_trade_no).await.unwrap();
    shop
}

fn refund(shop: &Merchant, number: &str, fen: i64, total: i64) -> Value {
    json!({
        "out_trade_no": "T00000001", "out_refund_no": number, "reason": "缺货", "notify_url": shop.inbox.url,
        "amount": {"refund": fen, "total": total, "currency": "CNY"},
    })
}

async fn send(shop: &Merchant, body: &Value) -> Answer {
    shop.wechat("POST", REFUNDS, &body.to_string()).await
}

async fn status_of(shop: &Merchant, number: &str) -> String {
    let answer = shop.wechat("GET", &format!("{REFUNDS}/{number}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["status"].as_str().unwrap().to_owned()
}

fn told(shop: &Merchant) -> Vec<String> {
    let notifications = shop.sim.books().notifications;
    notifications
        .into_iter()
        .map(|notification| notification.about)
        .collect()
}

#[tokio::test]
async fn a_refund_is_processing_then_successful_and_notified() {
    let shop = paid("T00000001", 100).await;
    let accepted = send(&shop, &refund(&shop, "R1", 40, 100)).await;
    assert_eq!(accepted.status, 200);
    assert!(shop.wechat_signed(&accepted.headers, &accepted.body));
    let accepted = accepted.json();
    assert_eq!(accepted["status"], "PROCESSING");
    assert_eq!(
        (&accepted["amount"]["refund"], &accepted["amount"]["total"]),
        (&json!(40), &json!(100))
    );
    assert_eq!(
        shop.query("T00000001").await.json()["trade_state"],
        "REFUND",
        "even a part"
    );
    assert_eq!(status_of(&shop, "R1").await, "PROCESSING");
    shop.sim.advance(5_000).await;
    assert_eq!(status_of(&shop, "R1").await, "SUCCESS");
    assert_eq!(told(&shop), ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]);
    let again = send(&shop, &refund(&shop, "R1", 40, 100)).await.json();
    assert_eq!(again["refund_id"], accepted["refund_id"], "the same refund");
    let other = send(&shop, &refund(&shop, "R1", 41, 100)).await;
    assert_eq!((other.status, other.code().as_str()), (400, "INVALID_REQUEST"));
    assert_eq!(shop.sim.books().refunds.len(), 1);
}

#[tokio::test]
async fn refunds_have_limits_of_sum_of_time_and_of_number() {
    let shop = paid("T00000001", 100).await;
    for (body, status, code) in [
        (refund(&shop, "R1", 101, 101), 400, "INVALID_REQUEST"),
        (refund(&shop, "R1", 101, 100), 400, "PARAM_ERROR"),
        (refund(&shop, "R1", 0, 100), 400, "PARAM_ERROR"),
        (
            json!({"out_refund_no": "R1", "amount": {"refund": 1, "total": 100, "currency": "CNY"}}),
            400,
            "PARAM_ERROR",
        ),
        (
            json!({"out_trade_no": "T00000001", "out_refund_no": "R1", "amount": {"refund": 1, "total": 100}}),
            400,
            "PARAM_ERROR",
        ),
        (
            json!({"out_trade_no": "T00000009", "out_refund_no": "R1",
                "amount": {"refund": 1, "total": 100, "currency": "CNY"}}),
            404,
            "RESOURCE_NOT_EXISTS",
        ),
    ] {
        let refused = send(&shop, &body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (status, code),
            "{body}"
        );
    }
    for n in 0..50 {
        let accepted = send(&shop, &refund(&shop, &format!("R{n}"), 1, 100)).await;
        assert_eq!(accepted.status, 200, "{n}");
        if n == 0 {
            let hasty = send(&shop, &refund(&shop, "RX", 1, 100)).await;
            assert_eq!((hasty.status, hasty.code().as_str()), (429, "FREQUENCY_LIMITED"));
        }
        shop.sim.advance(A_MINUTE_MS).await;
    }
    let more = send(&shop, &refund(&shop, "RX", 1, 100)).await;
    assert_eq!((more.status, more.code().as_str()), (400, "INVALID_REQUEST"));
    let late = paid("T00000001", 100).await;
    late.sim.advance(365 * A_DAY_MS + 1).await;
    let refused = send(&late, &refund(&late, "R1", 1, 100)).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "INVALID_REQUEST")
    );
}

#[tokio::test]
async fn an_abnormal_refund_can_be_resolved() {
    let shop = paid("T00000001", 100).await;
    shop.sim.fault(Fault::new(FaultKind::RefundAbnormal).times(1));
    send(&shop, &refund(&shop, "R1", 40, 100)).await;
    shop.sim.advance(5_000).await;
    assert_eq!(status_of(&shop, "R1").await, "ABNORMAL");
    shop.sim
        .settle_refund("R1", RefundOutcome::Success)
        .await
        .unwrap();
    assert_eq!(status_of(&shop, "R1").await, "SUCCESS");
    shop.sim.advance(A_MINUTE_MS).await;
    send(&shop, &refund(&shop, "R2", 60, 100)).await;
    shop.sim.settle_refund("R2", RefundOutcome::Closed).await.unwrap();
    assert_eq!(status_of(&shop, "R2").await, "CLOSED");
    shop.sim.advance(A_MINUTE_MS).await;
    let under_another_number = send(&shop, &refund(&shop, "R3", 60, 100)).await;
    assert_eq!(
        under_another_number.status, 200,
        "nothing moved under the closed one"
    );
    let said = told(&shop);
    assert_eq!(
        said[1..],
        ["REFUND.ABNORMAL", "REFUND.SUCCESS", "REFUND.CLOSED"].map(str::to_owned)
    );
}

#[tokio::test]
async fn an_empty_balance_and_a_busy_gateway_have_different_errors() {
    let shop = paid("T00000001", 100).await;
    shop.sim.set_merchant_balance_fen(10);
    let poor = send(&shop, &refund(&shop, "R1", 40, 100)).await;
    assert_eq!((poor.status, poor.code().as_str()), (403, "NOT_ENOUGH"));
    assert!(shop.sim.books().refunds.is_empty());
    shop.sim.set_merchant_balance_fen(1_000);
    shop.sim
        .fault(Fault::new(FaultKind::BusyAfter).at(Endpoint::Refund).times(1));
    let busy = send(&shop, &refund(&shop, "R1", 40, 100)).await;
    assert_eq!((busy.status, busy.code().as_str()), (429, "FREQUENCY_LIMITED"));
    assert_eq!(
        status_of(&shop, "R1").await,
        "PROCESSING",
        "and it was taken all the same"
    );
    assert!(shop.sim.merchant_balance_fen() < 1_000);
}
