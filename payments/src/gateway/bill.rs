//! A gateway's own books of one Beijing day, in words that both gateways share.
//!
//! Bills are text in yuan whatever the API speaks, and a snapshot: a refund that was under way stays so in them.

use domain::{Money, Timestamp};

use super::GatewayError;

/// One payment or one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeLine {
    pub kind: TradeKind,
    /// `out_trade_no`.
    pub payment_no: String,
    pub transaction_id: String,
    /// What was paid or given back, before coupons.
    pub amount: Money,
    /// When it was paid, or when the refund was asked for.
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TradeKind {
    Payment,
    /// `out_refund_no`, `out_request_no`.
    Refund {
        refund_no: String,
    },
}

/// One movement of the merchant's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundLine {
    pub flow_no: String,
    pub transaction_id: String,
    pub is_income: bool,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// Nothing happened on that day.
    #[error("there is no bill for that day")]
    Empty,
    /// It is made after 10:00 in Beijing on the next day.
    #[error("the bill is not made yet")]
    NotReady,
    /// The file is not the one whose hash was promised, or not a bill.
    #[error("the bill cannot be used: {0}")]
    Unreadable(&'static str),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}
