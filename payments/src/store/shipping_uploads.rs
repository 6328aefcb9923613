//! Uploads of shipping information to WeChat, one row for each paid payment in a mini program: the row is the job.

use domain::{OrderId, Payment, PaymentId, Timestamp};

use super::batch::Write;
use super::servers::Lease;
use super::{StoreError, Tx, execute, on, parse_rows};
use crate::model::shipping::UploadEnd;

/// An upload that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueUpload {
    pub payment_id: PaymentId,
    pub n_tries: u32,
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    payment_id: String,
    n_tries: i64,
    created_at: i64,
}

impl TryFrom<DueRow> for DueUpload {
    type Error = StoreError;

    fn try_from(row: DueRow) -> Result<DueUpload, StoreError> {
        Ok(DueUpload {
            payment_id: PaymentId::parse(&row.payment_id)
                .ok_or(StoreError::Corrupt("shipping_uploads.payment_id"))?,
            n_tries: u32::try_from(row.n_tries).unwrap_or(u32::MAX),
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

/// An upload as it stands.
#[derive(Debug, sqlx::FromRow)]
pub struct UploadRow {
    pub payment_id: String,
    pub due_at: Option<i64>,
    pub detail: Option<String>,
    pub outcome: Option<String>,
    pub ended_at: Option<i64>,
}

/// Makes the upload of a payment due.
pub fn insert(payment: &Payment, now: Timestamp) -> Write {
    const SQL: &str = "
        insert into shipping_uploads (payment_id, due_at, created_at)
        values ($1, $2, $2)
        on conflict do nothing";
    Write::at_most(SQL).bind(payment.id.as_str()).bind(now.millis())
}

/// Lists the uploads of an order, at most one for each payment.
pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<UploadRow>, StoreError> {
    const SQL: &str = "
        select u.payment_id, u.due_at, u.detail, u.outcome, u.ended_at
        from shipping_uploads u join payments p on p.id = u.payment_id
        where p.order_id = $1
        order by u.payment_id desc";
    on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))
}

/// Claims due uploads, until the lease ends.
pub async fn claim_due(tx: &mut Tx<'_>, lease: Lease<'_>, limit: i64) -> Result<Vec<DueUpload>, StoreError> {
    const SQL: &str = "
        update shipping_uploads set leased_until = $2, leased_by = $3
        where payment_id in (
            select payment_id from shipping_uploads
            where due_at <= $1 and (leased_until <= $1 or leased_until > $4)
            order by due_at
            limit $5)
            and (leased_until <= $1 or leased_until > $4)
        returning payment_id, n_tries, created_at";
    let rows: Vec<DueRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(lease.now.millis())
        .bind(lease.until.millis())
        .bind(lease.holder)
        .bind(lease.latest().millis())
        .bind(limit))?;
    parse_rows(rows)
}

/// Releases the lease after a try without success, and sets the next one.
pub async fn postpone(
    tx: &mut Tx<'_>,
    payment_id: &PaymentId,
    due_at: Timestamp,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update shipping_uploads
        set due_at = $2, leased_until = 0, leased_by = null, n_tries = n_tries + 1, detail = $3
        where payment_id = $1 and outcome is null";
    execute!(tx, SQL, |query| query
        .bind(payment_id.as_str())
        .bind(due_at.millis())
        .bind(detail))
    .map(drop)
}

/// Ends an upload. One that has ended stays as it is: a server whose lease was over may be late.
pub async fn end(
    tx: &mut Tx<'_>,
    payment_id: &PaymentId,
    end: UploadEnd,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update shipping_uploads
        set due_at = null, leased_until = 0, leased_by = null, n_tries = n_tries + 1, detail = $3, outcome = $2,
            ended_at = $4
        where payment_id = $1 and outcome is null";
    execute!(tx, SQL, |query| query
        .bind(payment_id.as_str())
        .bind(end.as_str())
        .bind(detail)
        .bind(now.millis()))
    .map(drop)
}

/// Releases the leases of one holder, or all.
pub async fn release(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update shipping_uploads set leased_until = 0, leased_by = null
        where due_at is not null and leased_until > 0 and (cast($1 as text) is null or leased_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)
}

/// Makes uploads due that wait longer than any step of the schedule. Returns how many there were.
pub async fn mend_due(tx: &mut Tx<'_>, latest: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "
        update shipping_uploads set due_at = $2
        where due_at > $1";
    execute!(tx, SQL, |query| query.bind(latest.millis()).bind(now.millis()))
}
