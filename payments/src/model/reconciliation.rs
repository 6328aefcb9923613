//! Reconciliations: the comparison of a day's statement with the books, and its differences.

use chrono::NaiveDate;
use domain::{Channel, Timestamp};

domain::words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ReconciliationStatus {
        /// No usable statement yet.
        Pending => "pending",
        Matched => "matched",
        /// At least one difference is open.
        Differences => "differences",
    }
}

domain::words! {
    /// Kind of a difference between a statement and the books.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum DifferenceKind {
        MissingInBooks => "missing_in_books",
        MissingInStatement => "missing_in_statement",
        Amount => "amount",
        Status => "status",
        Fee => "fee",
        Duplicate => "duplicate",
    }
}

domain::words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum DifferenceState {
        Open => "open",
        /// A later look, after a signed answer of the gateway or with another statement, found it settled.
        Repaired => "repaired",
        /// A person knows the reason.
        Explained => "explained",
    }
}

/// Sums of a day in fen; refunds and fees are positive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaySums {
    pub payments: i64,
    pub refunds: i64,
    pub fees: i64,
}

impl DaySums {
    pub const fn net(self) -> i64 {
        self.payments - self.refunds - self.fees
    }
}

/// Figures of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayFigures {
    pub statement: DaySums,
    pub books: DaySums,
    pub n_payments: i64,
    pub n_refunds: i64,
    /// Paid by the merchant's own coupons: part of the payments that never reaches the account.
    pub discounts: i64,
    /// Payments of other programs on the same merchant number.
    pub n_foreign: i64,
    pub foreign_net: i64,
    /// Net of payments, refunds and fees in the fund-flow statement, of all programs together.
    pub fund_net: Option<i64>,
    /// In millionths, where the gateway does not tell its rate.
    pub rate: Option<i64>,
}

/// End of a day on which finance relies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayClose {
    pub at: Timestamp,
    /// `None`: by itself, because everything matched.
    pub by: Option<String>,
    pub reason: Option<String>,
}

/// Reconciliation of one Beijing day at one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    pub day: NaiveDate,
    pub channel: Channel,
    pub status: ReconciliationStatus,
    /// Reason why there is no usable statement yet.
    pub note: Option<String>,
    pub figures: DayFigures,
    pub attempts: i64,
    pub due_at: Option<Timestamp>,
    pub planned_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub close: Option<DayClose>,
    /// Something changed after the close.
    pub changed_at: Option<Timestamp>,
    pub version: i64,
}

/// A difference, with both sides' figures in fen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub kind: DifferenceKind,
    /// Number of the refund, of the payment, or of the trade.
    pub subject: String,
    pub payment_no: Option<String>,
    pub refund_no: Option<String>,
    pub transaction_id: Option<String>,
    pub statement_amount: Option<i64>,
    pub book_amount: Option<i64>,
    pub state: DifferenceState,
    pub evidence: String,
    pub explanation: Option<String>,
    pub explained_by: Option<String>,
}
