//! Incidents: one row per thing that is wrong, however often it is reported.

use domain::{IncidentId, OrderId, PaymentId, Timestamp};

use super::{StoreError, Tx, execute, on};
use crate::event;
use crate::model::incident::{IncidentKind, OpenedIncident};

/// One incident, with the order it belongs to.
#[derive(Debug, sqlx::FromRow)]
pub struct IncidentRow {
    pub id: String,
    pub kind: String,
    pub subject: String,
    pub order_id: Option<String>,
    pub order_no: Option<String>,
    pub user_id: Option<String>,
    /// Amount of the refund that it is about, otherwise of the payment.
    pub amount: Option<i64>,
    pub detail: String,
    pub created_at: i64,
    pub assigned_to: Option<String>,
    pub resolved_at: Option<i64>,
    pub resolved_by: Option<String>,
    pub resolution: Option<String>,
}

macro_rules! select_incident {
    ($tail:literal) => {
        concat!(
            "select i.id, i.kind, i.subject, p.order_id, o.order_no, o.user_id, coalesce(r.amount, p.amount) as amount,
                i.detail, i.created_at, i.assigned_to, i.resolved_at, i.resolved_by, i.resolution
            from incidents i
            left join payments p on p.id = i.payment_id
            left join orders o on o.id = p.order_id
            left join refunds r on r.id = i.subject ",
            $tail
        )
    };
}

/// An incident that was opened just now.
#[derive(sqlx::FromRow)]
struct OpenedRow {
    id: String,
    payment_id: Option<String>,
    order_id: Option<String>,
    created_at: i64,
}

/// Records the event of an incident that opens now, if one does.
fn record_opened(
    tx: &mut Tx<'_>,
    row: Option<&OpenedRow>,
    kind: IncidentKind,
    detail: &str,
    now: Timestamp,
) -> bool {
    let Some(row) = row else { return false };
    let opened = OpenedIncident {
        id: &row.id,
        kind,
        detail,
        order_id: row.order_id.as_deref(),
        payment_id: row.payment_id.as_deref(),
        created_at: Timestamp::from_millis(row.created_at),
    };
    tx.record_event(event::incident_opened(&opened, now));
    true
}

/// Inserts an incident; `false`: there is one of this kind and subject.
pub async fn insert(
    tx: &mut Tx<'_>,
    id: &IncidentId,
    kind: IncidentKind,
    subject: &str,
    payment_id: Option<&PaymentId>,
    detail: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into incidents (id, kind, subject, payment_id, detail, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        returning id, payment_id, (select p.order_id from payments p where p.id = $4) as order_id, created_at";
    let row: Option<OpenedRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(id.as_str())
        .bind(kind.as_str())
        .bind(subject)
        .bind(payment_id.map(PaymentId::as_str))
        .bind(detail)
        .bind(now.millis()))?;
    Ok(record_opened(tx, row.as_ref(), kind, detail, now))
}

/// Incident that was raised before, by its kind and subject.
#[derive(Debug, sqlx::FromRow)]
pub struct RaisedRow {
    pub kind: String,
    pub subject: String,
    pub resolved_at: Option<i64>,
    pub resolved_by: Option<String>,
}

pub async fn subjects_of(tx: &mut Tx<'_>, kinds: [IncidentKind; 4]) -> Result<Vec<RaisedRow>, StoreError> {
    const SQL: &str = "
        select kind, subject, resolved_at, resolved_by from incidents where kind in ($1, $2, $3, $4)";
    let [first, second, third, fourth] = kinds.map(IncidentKind::as_str);
    on!(tx, SQL, fetch_all, |query| query
        .bind(first)
        .bind(second)
        .bind(third)
        .bind(fourth))
}

/// Subjects of the open incidents of one kind.
pub async fn open_subjects(tx: &mut Tx<'_>, kind: IncidentKind) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "select subject from incidents where kind = $1 and resolved_at is null";
    let rows: Vec<(String,)> = on!(tx, SQL, fetch_all, |query| query.bind(kind.as_str()))?;
    Ok(rows.into_iter().map(|(subject,)| subject).collect())
}

pub async fn count_open(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    const SQL: &str = "select count(*) from incidents where resolved_at is null";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query)?;
    Ok(n)
}

/// Counts the open incidents of each kind; a kind without any is left out.
pub async fn count_open_by_kind(tx: &mut Tx<'_>) -> Result<Vec<(IncidentKind, i64)>, StoreError> {
    const SQL: &str = "select kind, count(*) from incidents where resolved_at is null group by kind";
    let rows: Vec<(String, i64)> = on!(tx, SQL, fetch_all, |query| query)?;
    let known = |(kind, n): (String, i64)| Some((IncidentKind::parse(&kind)?, n));
    Ok(rows.into_iter().filter_map(known).collect())
}

/// Oldest first, after an id.
pub async fn list_open(tx: &mut Tx<'_>, after: &str, limit: i64) -> Result<Vec<IncidentRow>, StoreError> {
    const SQL: &str = select_incident!("where i.resolved_at is null and i.id > $1 order by i.id limit $2");
    on!(tx, SQL, fetch_all, |query| query.bind(after).bind(limit))
}

/// Newest first.
pub async fn list_resolved(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<IncidentRow>, StoreError> {
    const SQL: &str =
        select_incident!("where i.resolved_at is not null order by i.resolved_at desc, i.id desc limit $1");
    on!(tx, SQL, fetch_all, |query| query.bind(limit))
}

pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<IncidentRow>, StoreError> {
    const SQL: &str = select_incident!("where p.order_id = $1 order by i.id limit 200");
    on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))
}

pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<IncidentRow>, StoreError> {
    const SQL: &str = select_incident!("where i.id = $1");
    on!(tx, SQL, fetch_optional, |query| query.bind(id))
}

/// Assigns an incident; `None` unassigns it. `false`: it was resolved before.
pub async fn assign(tx: &mut Tx<'_>, id: &str, to: Option<&str>) -> Result<bool, StoreError> {
    const SQL: &str = "
        update incidents
        set assigned_to = $2
        where id = $1 and resolved_at is null";
    let n_changed = execute!(tx, SQL, |query| query.bind(id).bind(to))?;
    Ok(n_changed == 1)
}

/// `false`: it was resolved before.
pub async fn resolve(
    tx: &mut Tx<'_>,
    id: &str,
    by: &str,
    resolution: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update incidents
        set resolved_at = $4, resolved_by = $2, resolution = $3
        where id = $1 and resolved_at is null";
    let n_changed = execute!(tx, SQL, |query| query
        .bind(id)
        .bind(by)
        .bind(resolution)
        .bind(now.millis()))?;
    Ok(n_changed == 1)
}

/// Reopens an incident that is over; `false`: it is open, or there is none.
pub async fn reopen(
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    subject: &str,
    detail: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update incidents set resolved_at = null, resolved_by = null, resolution = null, detail = $3
        where kind = $1 and subject = $2 and resolved_at is not null
        returning id, payment_id,
            (select p.order_id from payments p where p.id = incidents.payment_id) as order_id, created_at";
    reopen_by(tx, SQL, kind, subject, detail, now).await
}

/// Like [`reopen`], unless a person resolved it.
pub async fn reopen_settled(
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    subject: &str,
    detail: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update incidents set resolved_at = null, detail = $3
        where kind = $1 and subject = $2 and resolved_at is not null and resolved_by is null
        returning id, payment_id,
            (select p.order_id from payments p where p.id = incidents.payment_id) as order_id, created_at";
    reopen_by(tx, SQL, kind, subject, detail, now).await
}

async fn reopen_by(
    tx: &mut Tx<'_>,
    sql: &'static str,
    kind: IncidentKind,
    subject: &str,
    detail: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row: Option<OpenedRow> = on!(tx, sql, fetch_optional, |query| query
        .bind(kind.as_str())
        .bind(subject)
        .bind(detail))?;
    Ok(record_opened(tx, row.as_ref(), kind, detail, now))
}

/// Settles incidents that a server raised about itself: `signature` is the suffix of their subjects. `None`: of every
/// server.
pub async fn settle_of_server(
    tx: &mut Tx<'_>,
    signature: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update incidents set resolved_at = $2
        where kind in ('clock_off', 'job_overdue') and resolved_at is null
            and (cast($1 as text) is null or subject like '%' || $1)";
    execute!(tx, SQL, |query| query.bind(signature).bind(now.millis())).map(drop)
}

/// Settles an incident that no longer applies, without a person.
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
    .map(drop)
}

/// Settles the incident of a surplus payment of which all is refunded.
pub async fn settle_surplus(
    tx: &mut Tx<'_>,
    payment_id: &PaymentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update incidents set resolved_at = $2
        where kind = 'surplus' and subject = $1 and resolved_at is null
            and (select p.amount from payments p where p.id = $1)
                <= (select coalesce(sum(r.amount), 0) from refunds r
                    where r.payment_id = $1 and r.state = 'succeeded')";
    execute!(tx, SQL, |query| query
        .bind(payment_id.as_str())
        .bind(now.millis()))
    .map(drop)
}
