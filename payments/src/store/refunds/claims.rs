//! Job queue on the refunds table: which refunds are due, which server has claimed them, and what was tried.

use domain::{Channel, PaymentId, Refund, RefundId, Timestamp};

use super::super::servers::Lease;
use super::super::{StoreError, Tx, ensure_one_row, execute, on};

/// Claims due refunds of one gateway, until the lease ends.
pub async fn claim_due(
    tx: &mut Tx<'_>,
    lease: Lease<'_>,
    channel: Channel,
    limit: i64,
) -> Result<Vec<RefundId>, StoreError> {
    const SQL: &str = "
        update refunds set leased_until = $2, leased_by = $3
        where id in (
            select r.id from refunds r join payments p on p.id = r.payment_id
            where r.due_at <= $1 and (r.leased_until <= $1 or r.leased_until > $5) and p.method = $4
            order by r.due_at
            limit $6)
            and (leased_until <= $1 or leased_until > $5)
        returning id";
    let rows: Vec<(String,)> = on!(tx, SQL, fetch_all, |query| query
        .bind(lease.now.millis())
        .bind(lease.until.millis())
        .bind(lease.holder)
        .bind(channel.as_str())
        .bind(lease.latest().millis())
        .bind(limit))?;
    rows.iter()
        .map(|(id,)| RefundId::parse(id).ok_or(StoreError::Corrupt("refunds.id")))
        .collect()
}

/// Releases the leases of one holder, or all.
pub async fn release(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds set leased_until = 0, leased_by = null
        where due_at > 0 and leased_until > 0 and (cast($1 as text) is null or leased_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)
}

/// Makes refunds due that wait longer than any step of the schedule: `first` and `renewed` are the latest allowed due times
/// of an ordinary refund and of one that replaces a failed one. Returns how many there were.
pub async fn mend_due(
    tx: &mut Tx<'_>,
    first: Timestamp,
    renewed: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        update refunds set due_at = $3
        where due_at > $1 and (due_at > $2 or replaces is null)";
    execute!(tx, SQL, |query| query
        .bind(first.millis())
        .bind(renewed.millis())
        .bind(now.millis()))
}

/// Compare-and-set before the call: from now on the gateway may know this refund, however the call ends.
pub async fn begin_send(tx: &mut Tx<'_>, refund: &Refund, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds set to_send = $3, sent_at = $4, version = version + 1
        where id = $1 and version = $2";
    execute!(tx, SQL, |query| query
        .bind(refund.id.as_str())
        .bind(refund.version)
        .bind(false)
        .bind(now.millis()))
    .and_then(ensure_one_row)
}

/// Compare-and-set: the refund is sent (again) at `due_at`.
pub async fn send_again(tx: &mut Tx<'_>, refund: &Refund, due_at: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds set to_send = $3, due_at = $4, n_unanswered = 0, version = version + 1
        where id = $1 and version = $2";
    execute!(tx, SQL, |query| query
        .bind(refund.id.as_str())
        .bind(refund.version)
        .bind(true)
        .bind(due_at.millis()))
    .and_then(ensure_one_row)
}

#[derive(sqlx::FromRow)]
struct InstantRow {
    at: Option<i64>,
}

/// Time at which another refund of the payment than `but` was last sent.
pub async fn last_sent(
    tx: &mut Tx<'_>,
    payment_id: &PaymentId,
    but: &RefundId,
) -> Result<Option<Timestamp>, StoreError> {
    const SQL: &str = "select max(sent_at) as at from refunds where payment_id = $1 and id <> $2";
    let row: InstantRow = on!(tx, SQL, fetch_one, |query| query
        .bind(payment_id.as_str())
        .bind(but.as_str()))?;
    Ok(row.at.map(Timestamp::from_millis))
}

/// Releases the lease and postpones the refund.
pub async fn postpone(tx: &mut Tx<'_>, refund: &Refund, due_at: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update refunds set due_at = $2, leased_until = 0 where id = $1 and due_at is not null";
    execute!(tx, SQL, |query| query
        .bind(refund.id.as_str())
        .bind(due_at.millis()))
    .map(drop)
}

/// Releases the lease after a try and sets the next one; a final refund has none.
pub async fn end_turn(
    tx: &mut Tx<'_>,
    refund: &Refund,
    due_at: Option<Timestamp>,
    is_answered: bool,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds
        set due_at = $2, leased_until = 0,
            n_answers = case when $3 then n_answers + 1 else n_answers end,
            n_unanswered = case when $3 then 0 else n_unanswered + 1 end
        where id = $1";
    execute!(tx, SQL, |query| query
        .bind(refund.id.as_str())
        .bind(due_at.map(Timestamp::millis))
        .bind(is_answered))
    .map(drop)
}

/// Number of refunds of a payment that have failed.
pub async fn count_failed(tx: &mut Tx<'_>, payment_id: &PaymentId) -> Result<u32, StoreError> {
    const SQL: &str = "
        select count(*)
        from refunds
        where payment_id = $1 and state = 'failed'";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query.bind(payment_id.as_str()))?;
    Ok(u32::try_from(n).unwrap_or(u32::MAX))
}
