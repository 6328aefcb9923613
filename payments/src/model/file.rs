//! Lines of files for accountants.

use domain::ledger::EntryKind;
use domain::{Method, Money, Order, PaymentNo, Product, RefundNo, Timestamp};

/// An order with the payment that pays it, if there is one.
#[derive(Debug, Clone)]
pub struct OrderLine {
    pub order: Order,
    pub paid_by: Option<PaidBy>,
}

/// The payment that pays an order.
#[derive(Debug, Clone)]
pub struct PaidBy {
    pub payment_no: PaymentNo,
    pub transaction_id: String,
    pub product: Product,
    pub paid_at: Timestamp,
}

/// A payment that succeeded.
#[derive(Debug, Clone)]
pub struct PaymentLine {
    pub id: String,
    pub payment_no: PaymentNo,
    pub transaction_id: String,
    pub order_no: String,
    pub user_id: String,
    pub subject: String,
    pub product: Product,
    pub amount: Money,
    /// Sum of its refunds that succeeded by now.
    pub refunded: Money,
    /// Fen that the gateway kept; `None` until its statement was read, or for nothing.
    pub fee: Option<i64>,
    /// It pays its order; if not, it is surplus.
    pub settles: bool,
    pub paid_at: Timestamp,
}

/// A refund that succeeded.
#[derive(Debug, Clone)]
pub struct RefundLine {
    pub id: String,
    pub refund_no: RefundNo,
    pub gateway_refund_id: Option<String>,
    pub payment_no: PaymentNo,
    pub transaction_id: Option<String>,
    pub order_no: String,
    pub user_id: String,
    pub product: Product,
    pub amount: Money,
    /// Fen of the fee that came back with it; `None` until the statement was read, or for nothing.
    pub fee_returned: Option<i64>,
    pub reason: String,
    pub created_at: Timestamp,
    pub finished_at: Timestamp,
}

/// Purpose of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Entry(EntryKind),
    Fee,
    FeeReturned,
}

impl LineKind {
    pub fn parse(word: &str) -> Option<LineKind> {
        match word {
            "fee" => Some(LineKind::Fee),
            "fee_returned" => Some(LineKind::FeeReturned),
            word => EntryKind::parse(word).map(LineKind::Entry),
        }
    }
}

/// One line of a journal.
#[derive(Debug, Clone)]
pub struct EntryLine {
    pub journal: String,
    pub account: String,
    /// Fen, with the sign of its account.
    pub amount: i64,
    pub kind: LineKind,
    pub reference: String,
    pub note: Option<String>,
    /// Balance of a user's account after it; other accounts have none.
    pub balance_after: Option<i64>,
    pub created_at: Timestamp,
}

/// Sums of a span of time and a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodTotal {
    pub method: Method,
    pub n_payments: i64,
    pub paid_fen: i64,
    pub n_refunds: i64,
    pub refunded_fen: i64,
    /// Fees of these payments, less those that came back with these refunds, as far as statements were read.
    pub fee_fen: i64,
}

/// Time span of a file. `from` is inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSpan {
    pub from: Timestamp,
    pub to: Timestamp,
    pub method: Option<Method>,
}

/// Place of a line in its file: the next page begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    pub at: Timestamp,
    pub id: String,
}
