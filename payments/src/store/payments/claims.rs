//! The row is the job: which payments are due, and which server has taken them.

use std::time::Duration;

use domain::{Channel, PaymentNo, Timestamp};

use super::super::servers::Lease;
use super::super::{StoreError, Tx, execute, on};

#[derive(sqlx::FromRow)]
struct NumberRow {
    payment_no: String,
}

fn numbers(rows: Vec<NumberRow>) -> Result<Vec<PaymentNo>, StoreError> {
    let parse =
        |row: NumberRow| PaymentNo::parse(&row.payment_no).ok_or(StoreError::Corrupt("payments.payment_no"));
    rows.into_iter().map(parse).collect()
}

/// Takes payments of one gateway to ask about, for as long as the lease lasts: those whose page somebody looks at, or the
/// others.
pub async fn claim_due(
    tx: &mut Tx<'_>,
    lease: Lease<'_>,
    channel: Channel,
    is_watched: bool,
    limit: i64,
) -> Result<Vec<PaymentNo>, StoreError> {
    const SQL: &str = "
        update payments set leased_until = $2, leased_by = $3
        where id in (
            select id from payments
            where method = $4 and due_at <= $1 and (leased_until <= $1 or leased_until > $5)
                and (watched_until > $1) = $6
            order by due_at
            limit $7)
            and (leased_until <= $1 or leased_until > $5)
        returning payment_no";
    let rows: Vec<NumberRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(lease.now.millis())
        .bind(lease.until.millis())
        .bind(lease.holder)
        .bind(channel.as_str())
        .bind(lease.latest().millis())
        .bind(is_watched)
        .bind(limit))?;
    numbers(rows)
}

/// Takes the open payments whose time is over, for as long as the lease lasts. What was tried least recently comes
/// first, so that those that cannot be closed yet do not keep the others waiting.
pub async fn claim_expired(
    tx: &mut Tx<'_>,
    lease: Lease<'_>,
    channel: Channel,
    limit: i64,
) -> Result<Vec<PaymentNo>, StoreError> {
    const SQL: &str = "
        update payments set leased_until = $2, leased_by = $3
        where id in (
            select id from payments
            where state in ('created', 'pending') and expires_at <= $1 and method = $4
                and (leased_until <= $1 or leased_until > $5)
            order by leased_until, expires_at
            limit $6)
            and (leased_until <= $1 or leased_until > $5)
        returning payment_no";
    let rows: Vec<NumberRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(lease.now.millis())
        .bind(lease.until.millis())
        .bind(lease.holder)
        .bind(channel.as_str())
        .bind(lease.latest().millis())
        .bind(limit))?;
    numbers(rows)
}

/// Ends the leases of one holder, or all.
pub async fn release(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set leased_until = 0, leased_by = null
        where method in ('wechat', 'alipay') and due_at > 0 and leased_until > 0
            and (cast($1 as text) is null or leased_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)?;
    Ok(())
}

/// Ends the claims of one holder on create calls, or all: the next payer who asks may send the recorded bytes again.
pub async fn release_calls(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set calling_until = 0, calling_by = null
        where state in ('created', 'pending') and expires_at > 0 and calling_until > 0
            and (cast($1 as text) is null or calling_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)?;
    Ok(())
}

/// Every open payment is asked about now.
pub async fn hasten_open(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set due_at = $1
        where method in ('wechat', 'alipay') and due_at > $1 and state in ('created', 'pending')";
    execute!(tx, SQL, |query| query.bind(now.millis())).map(drop)?;
    Ok(())
}

/// Brings nearer, by as much as the clock was put back, what is due later than now. Returns how many there were.
pub async fn shift_due(tx: &mut Tx<'_>, setback: Duration, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "
        update payments set due_at = due_at - $2
        where method in ('wechat', 'alipay') and due_at > $1";
    let millis = i64::try_from(setback.as_millis()).unwrap_or(i64::MAX);
    Ok(execute!(tx, SQL, |query| query.bind(now.millis()).bind(millis))?)
}

/// Makes due what waits longer than any step: `open` and `ended` are the latest that an open and an ended payment may wait
/// for. Returns how many there were.
pub async fn mend_due(
    tx: &mut Tx<'_>,
    open: Timestamp,
    ended: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        update payments set due_at = $3
        where method in ('wechat', 'alipay') and due_at > $1
            and (due_at > $2 or state in ('created', 'pending'))";
    Ok(execute!(tx, SQL, |query| query
        .bind(open.millis())
        .bind(ended.millis())
        .bind(now.millis()))?)
}
