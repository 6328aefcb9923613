//! Alarms as rows: one message to operators, and the incidents of which they have yet to be told.

use domain::{AlarmId, Timestamp};

use super::{StoreError, Tx, execute, on};
use crate::model::alarm::{Alarm, Occasion};
use crate::model::incident::IncidentKind;

/// Incidents of one kind that have opened, or closed, without a message.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UntoldRow {
    pub kind: String,
    pub occasion: String,
}

pub async fn list_untold(tx: &mut Tx<'_>) -> Result<Vec<UntoldRow>, StoreError> {
    const SQL: &str = "
        select distinct kind, 'opened' as occasion from incidents where resolved_at is null and not is_told
        union all
        select distinct kind, 'resolved' as occasion from incidents where resolved_at is not null and is_told";
    on!(tx, SQL, fetch_all, |query| query)
}

/// An incident that a message tells of.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ToldRow {
    pub created_at: i64,
    pub order_id: Option<String>,
    /// Amount of its payment.
    pub amount: Option<i64>,
}

/// Marks the incidents of a kind as told of, and returns them. A server that comes second finds none.
pub async fn mark_told(
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    occasion: Occasion,
) -> Result<Vec<ToldRow>, StoreError> {
    const OPENED: &str = "
        update incidents set is_told = true
        where kind = $1 and resolved_at is null and not is_told
        returning created_at,
            (select p.order_id from payments p where p.id = incidents.payment_id) as order_id,
            (select p.amount from payments p where p.id = incidents.payment_id) as amount";
    const RESOLVED: &str = "
        update incidents set is_told = false
        where kind = $1 and resolved_at is not null and is_told
        returning created_at,
            (select p.order_id from payments p where p.id = incidents.payment_id) as order_id,
            (select p.amount from payments p where p.id = incidents.payment_id) as amount";
    Ok(match occasion {
        Occasion::Opened => on!(tx, OPENED, fetch_all, |query| query.bind(kind.as_str()))?,
        Occasion::Resolved => on!(tx, RESOLVED, fetch_all, |query| query.bind(kind.as_str()))?,
        Occasion::Test => Vec::new(),
    })
}

pub async fn insert(tx: &mut Tx<'_>, id: &AlarmId, alarm: &Alarm) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into alarms (id, occasion, kind, n_incidents, amount, order_id, oldest_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    execute!(tx, SQL, |query| query
        .bind(id.as_str())
        .bind(alarm.occasion.as_str())
        .bind(alarm.kind.map(IncidentKind::as_str))
        .bind(alarm.n_incidents)
        .bind(alarm.amount.map(domain::Money::fen))
        .bind(alarm.order_id.as_ref().map(domain::OrderId::as_str))
        .bind(alarm.oldest_at.millis())
        .bind(alarm.created_at.millis()))
    .map(drop)
}

#[derive(sqlx::FromRow)]
struct AlarmRow {
    occasion: String,
    kind: Option<String>,
    n_incidents: i64,
    amount: Option<i64>,
    order_id: Option<String>,
    oldest_at: i64,
    created_at: i64,
}

impl TryFrom<AlarmRow> for Alarm {
    type Error = StoreError;

    fn try_from(row: AlarmRow) -> Result<Alarm, StoreError> {
        let amount = row.amount.map(domain::Money::from_sum).transpose();
        Ok(Alarm {
            occasion: Occasion::parse(&row.occasion).ok_or(StoreError::Corrupt("alarms.occasion"))?,
            // A kind of a later version has no name here.
            kind: row.kind.as_deref().and_then(IncidentKind::parse),
            n_incidents: row.n_incidents,
            amount: amount.map_err(|_| StoreError::Corrupt("alarms.amount"))?,
            order_id: row.order_id.as_deref().and_then(domain::OrderId::parse),
            oldest_at: Timestamp::from_millis(row.oldest_at),
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Alarm>, StoreError> {
    const SQL: &str = "
        select occasion, kind, n_incidents, amount, order_id, oldest_at, created_at
        from alarms
        where id = $1";
    let row: Option<AlarmRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id))?;
    row.map(Alarm::try_from).transpose()
}

/// A recent message.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RecentRow {
    pub occasion: String,
    pub kind: Option<String>,
    pub created_at: i64,
}

/// Messages that were made after a moment.
pub async fn list_recent(tx: &mut Tx<'_>, after: Timestamp) -> Result<Vec<RecentRow>, StoreError> {
    const SQL: &str = "
        select occasion, kind, created_at
        from alarms
        where created_at > $1";
    on!(tx, SQL, fetch_all, |query| query.bind(after.millis()))
}
