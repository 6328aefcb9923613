//! Balances and their entries.

use domain::ledger::{Change, EntryKind};
use domain::{Money, Timestamp};

/// Balance of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    pub user_id: String,
    pub available: Money,
    /// Top-up money whose refund is in progress: not spendable any more, and not gone yet.
    pub frozen: Money,
    /// `None`: no entry yet.
    pub updated_at: Option<Timestamp>,
}

/// One entry of a user's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name of its journal.
    pub id: String,
    pub user_id: String,
    pub kind: EntryKind,
    pub amount: Change,
    pub balance_after: Money,
    /// Id of the payment or the refund, or number of the adjustment.
    pub reference: String,
    pub note: Option<String>,
    /// Position in the user's history, counted from one without a gap.
    pub seq: i64,
    pub created_at: Timestamp,
}
