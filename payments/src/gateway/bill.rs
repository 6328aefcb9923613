//! Bills (statements) of a gateway for one Beijing day, in terms that both gateways share.
//!
//! Amounts are text in yuan, unlike in the API. A bill is a snapshot: a refund that was in progress stays so in it.

use domain::{Money, Timestamp};

use super::GatewayError;

/// One payment or one refund of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeLine {
    pub kind: TradeKind,
    /// `out_trade_no`.
    pub payment_no: String,
    pub transaction_id: String,
    /// Amount paid or refunded, before coupons.
    pub amount: Money,
    /// Time of payment, or of the refund call.
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

/// One movement on the merchant's account.
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
    /// No bill: nothing happened on that day.
    #[error("there is no bill for that day")]
    Empty,
    /// The bill is generated after 10:00 in Beijing on the next day.
    #[error("the bill is not made yet")]
    NotReady,
    /// The file does not match the promised hash, or is not a bill.
    #[error("the bill cannot be used: {0}")]
    Unreadable(&'static str),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}
