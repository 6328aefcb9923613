//! A reconciliation as JSON.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::one_of;
use crate::model::reconciliation::{
    DaySums, Difference, DifferenceKind, DifferenceState, Reconciliation, ReconciliationStatus,
};

/// Comparison of a Beijing day with the statements of a gateway.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reconciliation)]
pub struct ReconciliationView {
    #[schema(format = Date, example = "2026-11-27")]
    day: String,
    #[schema(schema_with = gateway_schema)]
    gateway: &'static str,
    /// `pending`: there is no usable statement yet.
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// Sums of the payments and refunds with our numbers; zeros while it is pending.
    statement: DaySumsView,
    books: DaySumsView,
    /// Differences that are settled stay, with their state.
    differences: Vec<DifferenceView>,
}

/// Sums in fen; refunds and fees are positive, and `net` is payments − refunds − fees.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DaySums)]
pub struct DaySumsView {
    payments: i64,
    refunds: i64,
    fees: i64,
    net: i64,
}

/// A difference between a statement and the books.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Difference)]
pub struct DifferenceView {
    #[schema(schema_with = kind_schema)]
    kind: &'static str,
    #[schema(required)]
    payment_no: Option<String>,
    /// Ours, when it is about a refund.
    #[schema(required)]
    refund_no: Option<String>,
    /// The gateway's number of the trade.
    #[schema(required)]
    transaction_id: Option<String>,
    /// In fen; of kind `fee` the fee that was taken.
    #[schema(required)]
    statement_amount: Option<i64>,
    /// In fen; of kind `fee` the fee that is right.
    #[schema(required)]
    book_amount: Option<i64>,
    #[schema(schema_with = state_schema)]
    state: &'static str,
    /// Both sides in words, for a person.
    evidence: String,
}

fn gateway_schema() -> Object {
    one_of(domain::Channel::ALL.map(domain::Channel::as_str))
}

fn status_schema() -> Object {
    one_of(ReconciliationStatus::ALL.map(ReconciliationStatus::as_str))
}

fn kind_schema() -> Object {
    one_of(DifferenceKind::ALL.map(DifferenceKind::as_str))
}

fn state_schema() -> Object {
    one_of(DifferenceState::ALL.map(DifferenceState::as_str))
}

impl ReconciliationView {
    pub fn new(row: &Reconciliation, differences: &[Difference]) -> ReconciliationView {
        // A day that is asked for again has no differences to tell yet.
        let shown = match row.status {
            ReconciliationStatus::Pending => &[],
            ReconciliationStatus::Matched | ReconciliationStatus::Differences => differences,
        };
        ReconciliationView {
            day: row.day.to_string(),
            gateway: row.channel.as_str(),
            status: row.status.as_str(),
            statement: row.figures.statement.into(),
            books: row.figures.books.into(),
            differences: shown.iter().map(DifferenceView::new).collect(),
        }
    }
}

impl DifferenceView {
    fn new(difference: &Difference) -> DifferenceView {
        DifferenceView {
            kind: difference.kind.as_str(),
            payment_no: difference.payment_no.clone(),
            refund_no: difference.refund_no.clone(),
            transaction_id: difference.transaction_id.clone(),
            statement_amount: difference.statement_amount,
            book_amount: difference.book_amount,
            state: difference.state.as_str(),
            evidence: difference.evidence.clone(),
        }
    }
}

impl From<DaySums> for DaySumsView {
    fn from(sums: DaySums) -> DaySumsView {
        DaySumsView {
            payments: sums.payments,
            refunds: sums.refunds,
            fees: sums.fees,
            net: sums.net(),
        }
    }
}
