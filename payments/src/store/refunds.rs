//! Refunds as rows.

use domain::{Money, Payment, RefundId, RefundNo, RefundState, Timestamp};

use super::{StoreError, Tx, execute};

/// Writes down that money must go back. The number is fixed here: every try sends the same one (T-32).
pub async fn insert(
    tx: &mut Tx<'_>,
    id: &RefundId,
    number: &RefundNo,
    payment: &Payment,
    amount: Money,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into refunds (id, refund_no, payment_id, amount, reason, state, created_at, due_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7)";
    execute!(tx, SQL, |query| query
        .bind(id.as_str())
        .bind(number.as_str())
        .bind(payment.id.as_str())
        .bind(amount.fen())
        .bind(reason)
        .bind(RefundState::Requested.as_str())
        .bind(now.millis()))
    .map(drop)?;
    Ok(())
}
