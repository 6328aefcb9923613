//! State of the gateways' trades and refunds, for tests and for `/_control/books`.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gateway {
    Wechat,
    Alipay,
}

impl Gateway {
    pub fn as_str(self) -> &'static str {
        match self {
            Gateway::Wechat => "wechat",
            Gateway::Alipay => "alipay",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Books {
    pub trades: Vec<BookedTrade>,
    pub refunds: Vec<BookedRefund>,
    #[serde(rename = "notices")]
    pub notifications: Vec<BookedNotification>,
}

impl Books {
    pub fn trade(&self, out_trade_no: &str) -> Option<&BookedTrade> {
        self.trades
            .iter()
            .find(|trade| trade.out_trade_no == out_trade_no)
    }

    pub fn refund(&self, refund_no: &str) -> Option<&BookedRefund> {
        self.refunds.iter().find(|refund| refund.refund_no == refund_no)
    }

    /// Sum that all payers have really paid.
    pub fn paid_fen(&self) -> i64 {
        self.trades.iter().map(|trade| trade.paid_fen).sum()
    }
}

/// A trade. An Alipay code that was never scanned is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookedTrade {
    pub gateway: Gateway,
    pub out_trade_no: String,
    /// `transaction_id` or `trade_no`; WeChat gives it at payment.
    pub gateway_no: Option<String>,
    /// The gateway's own word: `NOTPAY`, `SUCCESS`, `CLOSED`; `WAIT_BUYER_PAY`, `TRADE_SUCCESS` …
    pub state: String,
    pub total_fen: i64,
    pub paid_fen: i64,
    /// Shipping information of a payment in a mini program at WeChat, once it was uploaded.
    pub shipping: Option<BookedShipping>,
}

/// Shipping information (发货信息) as it was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookedShipping {
    /// 1 express, 2 within the city, 3 nothing to ship, 4 picked up.
    pub logistics_type: i64,
    pub item_desc: String,
    /// Accepted uploads; WeChat takes one change.
    pub n_uploads: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookedRefund {
    pub gateway: Gateway,
    pub out_trade_no: String,
    /// The merchant's number: `out_refund_no` or `out_request_no`.
    pub refund_no: String,
    /// WeChat's `refund_id`; Alipay has none.
    pub gateway_no: Option<String>,
    /// WeChat's word, `PROCESSING`, `SUCCESS`, `ABNORMAL`, `CLOSED`; Alipay's, `REFUND_PROCESSING`, `REFUND_SUCCESS`.
    pub state: String,
    pub fen: i64,
}

/// Final state of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefundOutcome {
    Success,
    /// The payer's account refuses the money; a person must act.
    Abnormal,
    /// No money moves.
    Closed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookedNotification {
    pub gateway: Gateway,
    pub id: String,
    pub out_trade_no: String,
    pub url: String,
    /// `TRANSACTION.SUCCESS`, `TRADE_SUCCESS`, `TRADE_CLOSED` …
    pub about: String,
    pub n_attempts: usize,
    pub acknowledged: bool,
    /// Time of the next attempt; none once acknowledged or given up.
    pub due_at_ms: Option<i64>,
}
