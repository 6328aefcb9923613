//! A balance and its entries as JSON.

use domain::{Change, EntryKind, Money};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::one_of;
use crate::calendar::rfc3339;
use crate::model::balance::{Balance, Entry};

/// Balance of a user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Balance)]
pub struct BalanceView {
    user_id: String,
    /// In fen: what can be spent.
    #[schema(value_type = i64, minimum = 0)]
    available: Money,
    /// In fen: money of top-ups that is on its way back to where it came from. It is not part of `available`.
    #[schema(value_type = i64, minimum = 0)]
    frozen: Money,
    #[schema(example = "CNY")]
    currency: &'static str,
    /// `null`: nothing ever happened.
    #[schema(required, format = DateTime)]
    updated_at: Option<String>,
}

/// One line of a user's history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BalanceEntry)]
pub struct EntryView {
    id: String,
    #[schema(schema_with = kind_schema)]
    kind: &'static str,
    /// In fen; below zero what was taken.
    #[schema(value_type = i64)]
    amount: Change,
    #[schema(value_type = i64, minimum = 0)]
    balance_after: Money,
    /// The id of the payment or the refund, or the number of the adjustment.
    reference: String,
    #[schema(required)]
    note: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

/// An entry that says whose it is, as an event must.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BalanceEntryOfUser)]
pub struct EntryOfUserView {
    user_id: String,
    #[serde(flatten)]
    entry: EntryView,
}

impl BalanceView {
    pub fn new(balance: &Balance) -> BalanceView {
        BalanceView {
            user_id: balance.user_id.clone(),
            available: balance.available,
            frozen: balance.frozen,
            currency: "CNY",
            updated_at: balance.updated_at.map(rfc3339),
        }
    }
}

impl EntryView {
    pub fn new(entry: &Entry) -> EntryView {
        EntryView {
            id: entry.id.clone(),
            kind: entry.kind.as_str(),
            amount: entry.amount,
            balance_after: entry.balance_after,
            reference: entry.reference.clone(),
            note: entry.note.clone(),
            created_at: rfc3339(entry.created_at),
        }
    }
}

impl EntryOfUserView {
    pub(crate) fn new(entry: &Entry) -> EntryOfUserView {
        EntryOfUserView {
            user_id: entry.user_id.clone(),
            entry: EntryView::new(entry),
        }
    }
}

fn kind_schema() -> Object {
    one_of(EntryKind::ALL.map(EntryKind::as_str))
}
