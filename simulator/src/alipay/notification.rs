//! Notifications about trades.

use serde_json::{Value, json};

use super::bill::{Bill, Status, Trade, open_trade};
use super::refund::Refund;
use crate::outbox::{Content, Notification};
use crate::rng::Rng;
use crate::signed_notification::alipay_frame;
use crate::state::State;
use crate::time::{beijing_text, beijing_text_ms, compact};
use crate::wire::yuan;

/// Queues a notification of the trade's current state; without a notify_url there is none.
pub(super) fn announce(state: &mut State, now_ms: i64, out_trade_no: &str) {
    let State {
        alipay, rng, keys, ..
    } = state;
    let Some(bill) = alipay.bills.get(out_trade_no) else {
        return;
    };
    let Some(trade) = &bill.trade else { return };
    if let Some(mut notification) = make_notification(rng, now_ms, bill, trade, None) {
        alipay.signing.mark(keys, bill, &mut notification);
        state.announce(now_ms, notification);
    }
}

/// Queues a notification of a refund, to the notify_url of the payment: a refund has none of its own.
pub(super) fn announce_refund(state: &mut State, now_ms: i64, out_trade_no: &str, request_no: &str) {
    let State {
        alipay, rng, keys, ..
    } = state;
    let Some(bill) = alipay.bills.get(out_trade_no) else {
        return;
    };
    let Some(trade) = &bill.trade else { return };
    let refund = trade
        .refunds
        .iter()
        .find(|refund| refund.request_no == request_no);
    if let Some(mut notification) = make_notification(rng, now_ms, bill, trade, refund) {
        alipay.signing.mark(keys, bill, &mut notification);
        state.announce(now_ms, notification);
    }
}

/// Returns the notification that a payment of this bill would cause, without a payment.
pub(crate) fn pretend_notification(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
) -> Option<Notification> {
    let State {
        alipay, rng, keys, ..
    } = state;
    let bill = alipay.bills.get(out_trade_no)?;
    let mut trade = bill
        .trade
        .clone()
        .unwrap_or_else(|| open_trade(rng, now_ms, "one"));
    trade.status = Status::Success;
    trade.paid_ms = Some(now_ms);
    trade.closed_ms = None;
    let mut notification = make_notification(rng, now_ms, bill, &trade, None)?;
    alipay.signing.mark(keys, bill, &mut notification);
    Some(notification)
}

fn make_notification(
    rng: &mut Rng,
    now_ms: i64,
    bill: &Bill,
    trade: &Trade,
    refund: Option<&Refund>,
) -> Option<Notification> {
    let id = format!("{}{}", compact(now_ms), rng.digits(20));
    let mut fields = notification_fields(bill, trade, refund, &id);
    // The order of fields differs between real notifications.
    for last in (1..fields.len()).rev() {
        fields.swap(last, rng.place(last + 1));
    }
    Some(Notification {
        out_trade_no: bill.out_trade_no.clone(),
        url: bill.notify_url.clone()?,
        about: trade.status.word().to_owned(),
        created_ms: now_ms,
        content: Content::Alipay(fields),
        unsigned: Vec::new(),
        id,
    })
}

fn notification_fields(
    bill: &Bill,
    trade: &Trade,
    refund: Option<&Refund>,
    notify_id: &str,
) -> Vec<(String, String)> {
    let mut fields = alipay_frame(notify_id);
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
    add("trade_no", trade.trade_no.clone());
    add("out_trade_no", bill.out_trade_no.clone());
    add("trade_status", trade.status.word().to_owned());
    add("total_amount", yuan(bill.total_fen));
    add("subject", bill.subject.clone());
    if let Some(body) = &bill.body {
        add("body", body.clone());
    }
    if let Some(passback_params) = &bill.passback_params {
        add("passback_params", passback_params.clone());
    }
    add("buyer_id", trade.buyer_id());
    add("buyer_logon_id", trade.buyer_logon_id());
    add("gmt_create", beijing_text(trade.created_ms));
    if let Some(paid_ms) = trade.paid_ms {
        add("gmt_payment", beijing_text(paid_ms));
        let paid = yuan(trade.paid_fen(bill.total_fen));
        add("receipt_amount", yuan(trade.settled_fen(bill.total_fen)));
        add("invoice_amount", paid.clone());
        add("buyer_pay_amount", paid);
        add("point_amount", "0.00".to_owned());
        add("fund_bill_list", funds(bill, trade, "fundChannel").to_string());
    }
    if let Some(refund) = refund {
        add("out_biz_no", refund.request_no.clone());
        add("refund_fee", yuan(trade.refunded_fen()));
        add(
            "gmt_refund",
            beijing_text_ms(refund.done_ms.unwrap_or(refund.accepted_ms)),
        );
    } else if trade.refunds.is_empty() && has_empty_refund_fee(notify_id) {
        add("refund_fee", "0.00".to_owned());
    }
    if let Some(closed_ms) = trade.closed_ms {
        add("gmt_close", beijing_text(closed_ms));
    }
    fields
}

/// Half of the notifications without a refund have this member all the same; it means nothing.
fn has_empty_refund_fee(notify_id: &str) -> bool {
    notify_id
        .bytes()
        .last()
        .is_some_and(|digit| digit.is_multiple_of(2))
}

/// The source of the money; notifications and answers spell the channel's name differently.
pub(super) fn funds(bill: &Bill, trade: &Trade, channel: &str) -> Value {
    let fund = |fen: i64, name: &str| json!({"amount": yuan(fen), channel: name});
    let paid = fund(trade.paid_fen(bill.total_fen), "ALIPAYACCOUNT");
    match (trade.coupon_fen, trade.merchant_coupon_fen) {
        (0, 0) => json!([paid]),
        (0, merchants_fen) => json!([fund(merchants_fen, "MDISCOUNT"), paid]),
        (coupon_fen, _) => json!([fund(coupon_fen, "COUPON"), paid]),
    }
}
