//! What a person must look at: one row per thing that is wrong, however often it is reported.

use domain::{IncidentId, PaymentId, Timestamp};

use super::{StoreError, Tx, execute};

/// What can be wrong with authentic news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentKind {
    /// Money, but not the sum that was asked.
    WrongAmount,
    /// Money that its order does not need; its refund is written beside it.
    Surplus,
    /// A message for another merchant, app or seller.
    ForeignNotice,
    /// A message about a payment we do not know.
    UnmatchedNotice,
    /// One trade of the gateway claims to pay two payments.
    TradeReused,
    /// A message about a refund that nobody asked for here: made in the gateway's console, or by somebody with our keys.
    UnknownRefund,
    /// A message that names another sum or another trade than our refund has.
    RefundMismatch,
    /// The gateway will not give the money back under this number.
    RefundFailed,
    /// The gateway cannot give the money back until a person acts.
    RefundStuck,
    /// A refund that the gateway had called failed is done after all.
    RefundRevived,
    /// The gateway refused to take a payment in words that cannot be verified.
    Refused,
}

impl IncidentKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            IncidentKind::WrongAmount => "wrong_amount",
            IncidentKind::Surplus => "surplus",
            IncidentKind::ForeignNotice => "foreign_notice",
            IncidentKind::UnmatchedNotice => "unmatched_notice",
            IncidentKind::TradeReused => "trade_reused",
            IncidentKind::UnknownRefund => "unknown_refund",
            IncidentKind::RefundMismatch => "refund_mismatch",
            IncidentKind::RefundFailed => "refund_failed",
            IncidentKind::RefundStuck => "refund_stuck",
            IncidentKind::RefundRevived => "refund_revived",
            IncidentKind::Refused => "refused",
        }
    }
}

pub async fn raise(
    tx: &mut Tx<'_>,
    id: &IncidentId,
    kind: IncidentKind,
    subject: &str,
    payment_id: Option<&PaymentId>,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into incidents (id, kind, subject, payment_id, detail, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing";
    execute!(tx, SQL, |query| query
        .bind(id.as_str())
        .bind(kind.as_str())
        .bind(subject)
        .bind(payment_id.map(PaymentId::as_str))
        .bind(detail)
        .bind(now.millis()))
    .map(drop)?;
    Ok(())
}

/// The same has happened again since a person was done with it.
pub async fn reopen(
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update incidents set resolved_at = null, detail = $3
        where kind = $1 and subject = $2 and resolved_at is not null";
    execute!(tx, SQL, |query| query
        .bind(kind.as_str())
        .bind(subject)
        .bind(detail))
    .map(drop)?;
    Ok(())
}

/// It has come right by itself: nobody needs to look any more.
pub async fn settle(
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    subject: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update incidents set resolved_at = $3
        where kind = $1 and subject = $2 and resolved_at is null";
    execute!(tx, SQL, |query| query
        .bind(kind.as_str())
        .bind(subject)
        .bind(now.millis()))
    .map(drop)?;
    Ok(())
}
