//! Job queue on the payments table: which payments are due, and which server has claimed them.

use domain::{Channel, PaymentNo, Timestamp};

use super::super::servers::Lease;
use super::super::{StoreError, Tx, execute, on};

#[derive(sqlx::FromRow)]
struct NumberRow {
    payment_no: String,
}

fn parse_numbers(rows: Vec<NumberRow>) -> Result<Vec<PaymentNo>, StoreError> {
    let parse =
        |row: NumberRow| PaymentNo::parse(&row.payment_no).ok_or(StoreError::Corrupt("payments.payment_no"));
    rows.into_iter().map(parse).collect()
}

/// Claims payments of one gateway to query, until the lease ends: those whose page is watched, or the others.
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
    parse_numbers(rows)
}

/// Claims expired open payments, until the lease ends. Those tried least recently come first, so that payments that cannot
/// be closed yet do not starve the others.
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
    parse_numbers(rows)
}

/// Releases the leases of one holder, or all.
pub async fn release(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set leased_until = 0, leased_by = null
        where method in ('wechat', 'alipay') and due_at > 0 and leased_until > 0
            and (cast($1 as text) is null or leased_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)
}

/// Releases the create call claims of one holder, or all: the next payer may send the recorded bytes again.
pub async fn release_calls(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set calling_until = 0, calling_by = null
        where state in ('created', 'pending') and expires_at > 0 and calling_until > 0
            and (cast($1 as text) is null or calling_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)
}

/// Makes every open payment due now.
pub async fn hasten_open(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set due_at = $1
        where method in ('wechat', 'alipay') and due_at > $1 and state in ('created', 'pending')";
    execute!(tx, SQL, |query| query.bind(now.millis())).map(drop)
}

/// Makes payments due that wait longer than any step of the schedule: `open` and `ended` are the latest allowed due times
/// of open and ended payments. Returns how many there were.
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
    execute!(tx, SQL, |query| query
        .bind(open.millis())
        .bind(ended.millis())
        .bind(now.millis()))
}
