//! Orders and refunds in the words of the protocol, and answers that are signed.

use domain::{Method, OrderState, OrderStatus, Refund, RefundState, Timestamp};

use super::sign::sign_with_rsa;
use super::text::{Empties, Fields, signed_text};
use super::{Attempt, Merchant};
use crate::Error;
use crate::calendar::beijing;
use crate::store::StoreError;
use crate::store::epay_refunds::EpayRefund;

/// Value of a member: strict clients fail on another JSON type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
    List(Vec<Members>),
}

/// Members of a JSON answer, each name once.
pub type Members = Vec<(&'static str, Value)>;

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}

/// The word of the protocol for a method.
pub fn type_of(method: Method) -> &'static str {
    match method {
        Method::Alipay => "alipay",
        Method::Wechat => "wxpay",
        Method::Balance => "balance",
    }
}

/// The method that a word of the protocol names; `None`: the payer chooses.
pub fn method_of(word: &str) -> Option<Method> {
    match word {
        "alipay" => Some(Method::Alipay),
        "wxpay" | "wechat" | "weixin" => Some(Method::Wechat),
        _ => None,
    }
}

/// The method that was used, or that was asked for while nothing is paid; empty where neither is known.
pub(super) fn shown_type(attempt: &Attempt) -> &'static str {
    let method = attempt.method.or_else(|| method_of(&attempt.asked_type));
    method.map_or("", type_of)
}

fn time_of(at: Option<Timestamp>) -> String {
    at.map(beijing).unwrap_or_default()
}

fn status_words(attempt: &Attempt) -> (i64, &'static str) {
    match (attempt.state, attempt.status()) {
        (OrderState::Open, _) => (0, "WAIT_BUYER_PAY"),
        (OrderState::Cancelled, _) => (0, "TRADE_CLOSED"),
        (OrderState::Paid, OrderStatus::PartiallyRefunded) => (2, "TRADE_SUCCESS"),
        (OrderState::Paid, OrderStatus::Refunded) => (2, "TRADE_CLOSED"),
        (OrderState::Paid, _) => (1, "TRADE_SUCCESS"),
    }
}

/// An order as a row of a list; [`describe_order`] adds what a single answer has.
pub fn describe_row(attempt: &Attempt, public_url: &str, now: Timestamp) -> Members {
    let (status, trade_status) = status_words(attempt);
    let mut members: Members = vec![
        ("trade_no", attempt.trade_no.as_str().into()),
        ("out_trade_no", attempt.out_trade_no.as_str().into()),
        (
            "api_trade_no",
            attempt.transaction_id.as_deref().unwrap_or_default().into(),
        ),
        ("type", shown_type(attempt).into()),
        ("pid", attempt.pid.to_row().into()),
        ("addtime", beijing(attempt.created_at).into()),
        ("endtime", time_of(attempt.paid_at).into()),
        ("name", attempt.name.as_str().into()),
        ("money", attempt.amount.to_yuan().into()),
        ("param", attempt.param.as_str().into()),
        ("buyer", "".into()),
        ("status", status.into()),
        ("trade_status", trade_status.into()),
    ];
    if attempt.is_payable(now) {
        members.push(("payurl", checkout_url(attempt, public_url).into()));
    }
    if !attempt.refunded.is_zero() {
        members.push(("refundmoney", attempt.refunded.to_yuan().into()));
    }
    members
}

/// An order as the answer to a question about it.
pub fn describe_order(code: i64, attempt: &Attempt, public_url: &str, now: Timestamp) -> Members {
    let mut members: Members = vec![("code", code.into()), ("msg", "succ".into())];
    members.extend(describe_row(attempt, public_url, now));
    members
}

/// The page of ours on which the order is paid.
pub fn checkout_url(attempt: &Attempt, public_url: &str) -> String {
    format!("{public_url}/checkout/{}", attempt.token)
}

/// A refund as the answer to a question about it.
pub fn describe_refund(asked: &EpayRefund, refund: &Refund, attempt: &Attempt) -> Members {
    let status = match refund.state {
        RefundState::Failed => 0,
        RefundState::Succeeded => 1,
        RefundState::Requested | RefundState::Pending | RefundState::Stuck => 2,
    };
    vec![
        ("refund_no", refund.refund_no.as_str().into()),
        (
            "out_refund_no",
            asked.out_refund_no.as_deref().unwrap_or_default().into(),
        ),
        ("trade_no", attempt.trade_no.as_str().into()),
        ("out_trade_no", attempt.out_trade_no.as_str().into()),
        ("money", refund.amount.to_yuan().into()),
        ("reducemoney", "0.00".into()),
        ("status", Value::Number(status)),
        ("addtime", beijing(refund.created_at).into()),
        ("endtime", time_of(refund.finished_at).into()),
    ]
}

/// Leaves empty members out, and adds the time and our signature for this merchant: what V2 clients verify.
pub fn sign_answer(merchant: &Merchant, mut members: Members, now: Timestamp) -> Result<Members, Error> {
    members.retain(|(_, value)| *value != Value::Text(String::new()));
    members.push(("timestamp", now.seconds().to_string().into()));
    let texts = members.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::List(_) => return None,
        };
        Some(((*name).to_owned(), text))
    });
    let fields = Fields::collect(texts).expect("each member is there once");
    let key = merchant
        .signing_key()
        .map_err(|_| StoreError::Corrupt("epay_merchants.platform_key"))?;
    let sign = sign_with_rsa(&signed_text(&fields, Empties::LeftOut), &key);
    members.push(("sign", sign.into()));
    members.push(("sign_type", "RSA".into()));
    Ok(members)
}
