//! Refunds and undoing.

use serde_json::{Value, json};

use super::{
    CANCEL, CLOSE, PRECREATE, QUERY, REFUND, REFUND_QUERY, bill, field, notification_is_signed, outcome,
};
use crate::merchant::Merchant;

const DAY_MS: i64 = 86_400_000;

async fn paid(amount: &str) -> Merchant {
    let shop = Merchant::open().await;
    shop.alipay(PRECREATE, &bill("A1", amount)).await;
    shop.sim.pay("A1").await.unwrap();
    shop
}

fn refund(amount: &str, request_no: &str) -> Value {
    json!({"out_trade_no": "A1", "refund_amount": amount, "out_request_no": request_no, "refund_reason": "七天无理由"})
}

fn refund_no(request_no: &str) -> Value {
    json!({"out_trade_no": "A1", "out_request_no": request_no, "query_options": ["gmt_refund_pay"]})
}

#[tokio::test]
async fn t_36_refund_fee_is_the_sum_of_all_refunds() {
    let shop = paid("10.00").await;
    let first = shop.alipay(REFUND, &refund("3.00", "R1")).await;
    assert_eq!(
        (&first["fund_change"], &first["refund_fee"]),
        (&json!("Y"), &json!("3.00"))
    );
    let again = shop.alipay(REFUND, &refund("3.00", "R1")).await;
    assert_eq!(
        (&again["fund_change"], &again["refund_fee"]),
        (&json!("N"), &json!("3.00"))
    );
    let second = shop.alipay(REFUND, &refund("2.50", "R2")).await;
    assert_eq!(second["refund_fee"], "5.50");
    for (asked, sub_code) in [
        (refund("2.51", "R2"), "ACQ.DISCORDANT_REPEAT_REQUEST"),
        (refund("4.51", "R3"), "ACQ.REASON_TRADE_REFUND_FEE_ERR"),
        (refund("0.00", "R3"), "ACQ.INVALID_PARAMETER"),
        (refund("1.001", "R3"), "ACQ.INVALID_PARAMETER"),
        (
            json!({"out_trade_no": "A1", "refund_amount": "1.00"}),
            "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
        ),
        (
            json!({"out_trade_no": "A2", "refund_amount": "1.00"}),
            "ACQ.TRADE_NOT_EXIST",
        ),
    ] {
        assert_eq!(outcome(&shop.alipay(REFUND, &asked).await), sub_code);
    }
    let one = shop.alipay(REFUND_QUERY, &refund_no("R2")).await;
    assert_eq!(
        (&one["refund_amount"], &one["refund_status"], &one["total_amount"]),
        (&json!("2.50"), &json!("REFUND_SUCCESS"), &json!("10.00"))
    );
    assert_eq!(one["gmt_refund_pay"], "2027-01-15 16:00:00");
    let unknown = shop.alipay(REFUND_QUERY, &refund_no("R9")).await;
    assert_eq!(
        (&unknown["code"], unknown.get("refund_status")),
        (&json!("10000"), None)
    );
    let no_trade = json!({"out_trade_no": "A9", "out_request_no": "R1"});
    assert_eq!(
        outcome(&shop.alipay(REFUND_QUERY, &no_trade).await),
        "TRADE_NOT_EXIST",
        "without a prefix"
    );
    let book = shop.sim.books();
    assert_eq!(book.refunds.iter().map(|refund| refund.fen).sum::<i64>(), 550);
    assert_eq!(book.refund("R1").unwrap().state, "REFUND_SUCCESS");
}

#[tokio::test]
async fn refunds_are_notified_to_the_payments_notify_url() {
    let shop = paid("10.00").await;
    shop.alipay(REFUND, &refund("3.00", "R1")).await;
    shop.alipay(REFUND, &refund("7.00", "R2")).await;
    shop.sim.advance(0).await;
    let forms = shop.inbox.forms();
    assert_eq!(forms.len(), 3);
    for (place, status, fee, request_no) in [
        (1, "TRADE_SUCCESS", "3.00", "R1"),
        (2, "TRADE_CLOSED", "10.00", "R2"),
    ] {
        let form = &forms[place];
        assert_eq!(field(form, "trade_status"), status);
        assert_eq!(field(form, "refund_fee"), fee);
        assert_eq!(field(form, "out_biz_no"), request_no);
        assert_eq!(field(form, "gmt_refund"), "2027-01-15 16:00:00.000");
        assert_eq!(field(form, "total_amount"), "10.00");
        let (_, body) = &shop.inbox.received()[place];
        assert!(notification_is_signed(&shop, body));
    }
    assert_eq!(field(&forms[2], "gmt_close"), "2027-01-15 16:00:00");
    let closed = shop.alipay(QUERY, &json!({"out_trade_no": "A1"})).await;
    assert_eq!(closed["trade_status"], "TRADE_CLOSED");
    assert_eq!(
        outcome(&shop.alipay(REFUND, &refund("0.01", "R3")).await),
        "ACQ.TRADE_HAS_CLOSE"
    );
    let repeat = shop.alipay(REFUND, &refund("7.00", "R2")).await;
    assert_eq!(
        (&repeat["code"], &repeat["fund_change"]),
        (&json!("10000"), &json!("N")),
        "a repeat is answered even after the trade is closed"
    );
    assert!(shop.sim.pay("A1").await.is_err());
}

#[tokio::test]
async fn a_refund_on_its_way_has_no_status_yet() {
    let shop = paid("10.00").await;
    shop.sim.set_alipay_refund_ms(30_000);
    let asked = shop.alipay(REFUND, &refund("10.00", "R1")).await;
    assert_eq!(
        (&asked["code"], &asked["fund_change"], &asked["refund_fee"]),
        (&json!("10000"), &json!("N"), &json!("0.00"))
    );
    let running = shop.alipay(REFUND_QUERY, &refund_no("R1")).await;
    assert_eq!(
        (&running["refund_amount"], running.get("refund_status")),
        (&json!("10.00"), None)
    );
    assert_eq!(
        outcome(&shop.alipay(REFUND, &refund("0.01", "R2")).await),
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "what is on its way is spoken for"
    );
    shop.sim.advance(30_000).await;
    let done = shop.alipay(REFUND_QUERY, &refund_no("R1")).await;
    assert_eq!(done["refund_status"], "REFUND_SUCCESS");
    assert_eq!(shop.inbox.count(), 2);
}

#[tokio::test]
async fn the_seller_s_balance_and_the_window_limit_refunds() {
    let shop = paid("10.00").await;
    shop.sim.set_alipay_balance(Some(299));
    assert_eq!(
        outcome(&shop.alipay(REFUND, &refund("3.00", "R1")).await),
        "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    );
    shop.sim.set_alipay_balance(Some(300));
    assert_eq!(
        shop.alipay(REFUND, &refund("3.00", "R1")).await["fund_change"],
        "Y",
        "the same number, once there is money"
    );
    assert_eq!(
        outcome(&shop.alipay(REFUND, &refund("0.01", "R2")).await),
        "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    );
    shop.sim.set_alipay_balance(None);
    shop.sim.advance(90 * DAY_MS).await;
    let last = shop.inbox.forms().pop().unwrap();
    assert_eq!(field(&last, "trade_status"), "TRADE_FINISHED");
    let later = shop
        .alipay_at(REFUND, &refund("1.00", "R3"), "2027-04-15 16:00:00")
        .await;
    assert_eq!(outcome(&later), "ACQ.TRADE_HAS_FINISHED");
}

#[tokio::test]
async fn t_40_cancel_gives_back_what_was_paid() {
    let shop = Merchant::open().await;
    let number = json!({"out_trade_no": "A1"});
    shop.alipay(PRECREATE, &bill("A1", "10.00")).await;
    let nothing = shop.alipay(CANCEL, &number).await;
    assert_eq!(
        (&nothing["code"], nothing.get("action"), &nothing["retry_flag"]),
        (&json!("10000"), None, &json!("N"))
    );
    shop.sim.pay("A1").await.unwrap();
    for _ in 0..2 {
        assert_eq!(shop.alipay(CANCEL, &number).await["action"], "refund");
    }
    let refunds = shop.sim.books().refunds;
    assert_eq!((refunds.len(), refunds[0].fen), (1, 1_000));

    shop.alipay(PRECREATE, &bill("A2", "10.00")).await;
    shop.sim.scan("A2").await.unwrap();
    let second = json!({"out_trade_no": "A2"});
    for _ in 0..2 {
        assert_eq!(shop.alipay(CANCEL, &second).await["action"], "close");
    }
    assert!(shop.sim.pay("A2").await.is_err());
    assert_eq!(
        outcome(&shop.alipay(CLOSE, &second).await),
        "ACQ.REASON_TRADE_STATUS_INVALID"
    );

    shop.alipay(PRECREATE, &bill("A3", "10.00")).await;
    shop.sim.pay("A3").await.unwrap();
    shop.sim.advance(DAY_MS + 1).await;
    let late = shop
        .alipay_at(CANCEL, &json!({"out_trade_no": "A3"}), "2027-01-16 16:00:00")
        .await;
    assert_eq!(outcome(&late), "ACQ.TRADE_CANCEL_TIME_OUT");
}

#[tokio::test]
async fn a_coupon_of_alipay_s_pays_the_merchant_in_full() {
    let shop = Merchant::open().await;
    shop.alipay(PRECREATE, &bill("A1", "10.00")).await;
    shop.sim.pay_with_coupon("A1", 300).await.unwrap();
    let paid = shop.alipay(QUERY, &json!({"out_trade_no": "A1"})).await;
    assert_eq!(
        (
            &paid["total_amount"],
            &paid["receipt_amount"],
            &paid["buyer_pay_amount"]
        ),
        (&json!("10.00"), &json!("10.00"), &json!("7.00"))
    );
    let form = &shop.inbox.forms()[0];
    assert_eq!(field(form, "buyer_pay_amount"), "7.00");
    assert!(field(form, "fund_bill_list").contains("COUPON"));
}
