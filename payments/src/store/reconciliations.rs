//! Reconciliations, one row for each day and gateway: the row is the job, and the record of the day's close.

use chrono::NaiveDate;
use domain::{Channel, Timestamp};

use super::servers::Lease;
use super::{StoreError, Tx, ensure_one_row, execute, on, parse_rows};
use crate::model::reconciliation::{DayClose, DayFigures, DaySums, Reconciliation, ReconciliationStatus};

macro_rules! select_reconciliation {
    ($tail:literal) => {
        concat!(
            "select day, channel, status, note, statement_payments, statement_refunds, statement_fees, n_payments,
                n_refunds, discounts, book_payments, book_refunds, book_fees, n_foreign, foreign_net, fund_net, rate,
                attempts, due_at, planned_at, finished_at, closed_at, closed_by, close_reason, changed_at, version
            from reconciliations ",
            $tail
        )
    };
}

#[derive(sqlx::FromRow)]
struct ReconciliationRow {
    day: String,
    channel: String,
    status: String,
    note: Option<String>,
    statement_payments: i64,
    statement_refunds: i64,
    statement_fees: i64,
    n_payments: i64,
    n_refunds: i64,
    discounts: i64,
    book_payments: i64,
    book_refunds: i64,
    book_fees: i64,
    n_foreign: i64,
    foreign_net: i64,
    fund_net: Option<i64>,
    rate: Option<i64>,
    attempts: i64,
    due_at: Option<i64>,
    planned_at: i64,
    finished_at: Option<i64>,
    closed_at: Option<i64>,
    closed_by: Option<String>,
    close_reason: Option<String>,
    changed_at: Option<i64>,
    version: i64,
}

impl TryFrom<ReconciliationRow> for Reconciliation {
    type Error = StoreError;

    fn try_from(row: ReconciliationRow) -> Result<Reconciliation, StoreError> {
        let (by, reason) = (row.closed_by, row.close_reason);
        Ok(Reconciliation {
            day: parse_day(&row.day)?,
            channel: Channel::parse(&row.channel).ok_or(StoreError::Corrupt("reconciliations.channel"))?,
            status: ReconciliationStatus::parse(&row.status)
                .ok_or(StoreError::Corrupt("reconciliations.status"))?,
            note: row.note,
            figures: DayFigures {
                statement: DaySums {
                    payments: row.statement_payments,
                    refunds: row.statement_refunds,
                    fees: row.statement_fees,
                },
                books: DaySums {
                    payments: row.book_payments,
                    refunds: row.book_refunds,
                    fees: row.book_fees,
                },
                n_payments: row.n_payments,
                n_refunds: row.n_refunds,
                discounts: row.discounts,
                n_foreign: row.n_foreign,
                foreign_net: row.foreign_net,
                fund_net: row.fund_net,
                rate: row.rate,
            },
            attempts: row.attempts,
            due_at: row.due_at.map(Timestamp::from_millis),
            planned_at: Timestamp::from_millis(row.planned_at),
            finished_at: row.finished_at.map(Timestamp::from_millis),
            close: row.closed_at.map(|at| DayClose {
                at: Timestamp::from_millis(at),
                by,
                reason,
            }),
            changed_at: row.changed_at.map(Timestamp::from_millis),
            version: row.version,
        })
    }
}

pub(super) fn parse_day(text: &str) -> Result<NaiveDate, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Corrupt("reconciliations.day"))
}

pub async fn find(
    tx: &mut Tx<'_>,
    day: NaiveDate,
    channel: Channel,
) -> Result<Option<Reconciliation>, StoreError> {
    const SQL: &str = select_reconciliation!("where day = $1 and channel = $2");
    let row: Option<ReconciliationRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(day.to_string())
        .bind(channel.as_str()))?;
    row.map(Reconciliation::try_from).transpose()
}

/// Newest day first, below `before`: a day, a space and a gateway, which is the order of the list.
pub async fn list(
    tx: &mut Tx<'_>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Reconciliation>, StoreError> {
    const SQL: &str = select_reconciliation!(
        "where cast($1 as text) is null or day || ' ' || channel < $1
        order by day desc, channel desc
        limit $2"
    );
    let rows: Vec<ReconciliationRow> = on!(tx, SQL, fetch_all, |query| query.bind(before).bind(limit))?;
    parse_rows(rows)
}

/// Reconciliations of a span of days, both inclusive.
pub async fn list_between(
    tx: &mut Tx<'_>,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Reconciliation>, StoreError> {
    const SQL: &str = select_reconciliation!("where day >= $1 and day <= $2 order by day desc, channel");
    let rows: Vec<ReconciliationRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(from.to_string())
        .bind(to.to_string()))?;
    parse_rows(rows)
}

/// Rate of fees of the last day before this one that shows it.
pub async fn find_rate(tx: &mut Tx<'_>, day: NaiveDate, channel: Channel) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "
        select rate from reconciliations
        where channel = $1 and day < $2 and rate is not null
        order by day desc
        limit 1";
    let row: Option<(i64,)> = on!(tx, SQL, fetch_optional, |query| query
        .bind(channel.as_str())
        .bind(day.to_string()))?;
    Ok(row.map(|(rate,)| rate))
}

/// Plans a day, unless it is planned already. `due_at` is `None` for a day that a person runs now.
pub async fn plan(
    tx: &mut Tx<'_>,
    day: NaiveDate,
    channel: Channel,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into reconciliations (day, channel, status, due_at, planned_at, updated_at)
        values ($1, $2, 'pending', $3, $4, $4)
        on conflict do nothing";
    execute!(tx, SQL, |query| query
        .bind(day.to_string())
        .bind(channel.as_str())
        .bind(due_at.map(Timestamp::millis))
        .bind(now.millis()))
    .map(drop)
}

/// Claims the due day that waits longest, until the lease ends. `None` also when another server claims it at this moment.
pub async fn claim_due(
    tx: &mut Tx<'_>,
    lease: Lease<'_>,
) -> Result<Option<(NaiveDate, Channel)>, StoreError> {
    const SQL: &str = "
        update reconciliations set leased_until = $2, leased_by = $3
        where (day, channel) in (
            select day, channel from reconciliations
            where due_at <= $1 and (leased_until <= $1 or leased_until > $4)
            order by due_at, day, channel
            limit 1)
            and due_at <= $1 and (leased_until <= $1 or leased_until > $4)
        returning day, channel";
    let claimed: Option<(String, String)> = on!(tx, SQL, fetch_optional, |query| query
        .bind(lease.now.millis())
        .bind(lease.until.millis())
        .bind(lease.holder)
        .bind(lease.latest().millis()))?;
    let parse = |(day, channel): (String, String)| {
        let channel = Channel::parse(&channel).ok_or(StoreError::Corrupt("reconciliations.channel"))?;
        Ok((parse_day(&day)?, channel))
    };
    claimed.map(parse).transpose()
}

/// Releases the leases of one holder, or all.
pub async fn release(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update reconciliations set leased_until = 0, leased_by = null
        where due_at is not null and leased_until > 0 and (cast($1 as text) is null or leased_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)
}

/// Records that there is no usable statement, and when to ask again. A day that was compared before keeps its result.
pub async fn postpone(
    tx: &mut Tx<'_>,
    (day, channel): (NaiveDate, Channel),
    note: &str,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update reconciliations
        set note = $3, due_at = $4, attempts = attempts + 1, leased_until = 0, leased_by = null, updated_at = $5
        where day = $1 and channel = $2";
    execute!(tx, SQL, |query| query
        .bind(day.to_string())
        .bind(channel.as_str())
        .bind(note)
        .bind(due_at.map(Timestamp::millis))
        .bind(now.millis()))
    .map(drop)
}

/// Writes the result of a comparison over the version that was read.
pub async fn record(tx: &mut Tx<'_>, row: &Reconciliation, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update reconciliations
        set status = $3, note = $4, statement_payments = $5, statement_refunds = $6, statement_fees = $7,
            n_payments = $8, n_refunds = $9, discounts = $10, book_payments = $11, book_refunds = $12,
            book_fees = $13, n_foreign = $14, foreign_net = $15, fund_net = $16, rate = $17, due_at = $18,
            finished_at = $19, closed_at = $20, closed_by = $21, close_reason = $22, changed_at = $23,
            leased_until = 0, leased_by = null, updated_at = $24, version = version + 1
        where day = $1 and channel = $2 and version = $25";
    let figures = &row.figures;
    let close = row.close.as_ref();
    execute!(tx, SQL, |query| query
        .bind(row.day.to_string())
        .bind(row.channel.as_str())
        .bind(row.status.as_str())
        .bind(row.note.as_deref())
        .bind(figures.statement.payments)
        .bind(figures.statement.refunds)
        .bind(figures.statement.fees)
        .bind(figures.n_payments)
        .bind(figures.n_refunds)
        .bind(figures.discounts)
        .bind(figures.books.payments)
        .bind(figures.books.refunds)
        .bind(figures.books.fees)
        .bind(figures.n_foreign)
        .bind(figures.foreign_net)
        .bind(figures.fund_net)
        .bind(figures.rate)
        .bind(row.due_at.map(Timestamp::millis))
        .bind(row.finished_at.map(Timestamp::millis))
        .bind(close.map(|close| close.at.millis()))
        .bind(close.and_then(|close| close.by.as_deref()))
        .bind(close.and_then(|close| close.reason.as_deref()))
        .bind(row.changed_at.map(Timestamp::millis))
        .bind(now.millis())
        .bind(row.version))
    .and_then(ensure_one_row)
}

/// Gives the lease back; the result of the day stands as it is.
pub async fn end_turn(tx: &mut Tx<'_>, day: NaiveDate, channel: Channel) -> Result<(), StoreError> {
    const SQL: &str = "
        update reconciliations
        set note = null, due_at = null, leased_until = 0, leased_by = null
        where day = $1 and channel = $2 and (note is not null or due_at is not null or leased_until > 0)";
    execute!(tx, SQL, |query| query
        .bind(day.to_string())
        .bind(channel.as_str()))
    .map(drop)
}

pub async fn oldest_due(tx: &mut Tx<'_>) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "select min(due_at) from reconciliations where due_at is not null";
    let (due_at,): (Option<i64>,) = on!(tx, SQL, fetch_one, |query| query)?;
    Ok(due_at)
}

/// Time of the first payment through a gateway.
pub async fn first_payment_at(tx: &mut Tx<'_>, channel: Channel) -> Result<Option<Timestamp>, StoreError> {
    const SQL: &str = "select created_at from payments where method = $1 order by id limit 1";
    let row: Option<(i64,)> = on!(tx, SQL, fetch_optional, |query| query.bind(channel.as_str()))?;
    Ok(row.map(|(at,)| Timestamp::from_millis(at)))
}
