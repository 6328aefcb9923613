//! Overdue rows: open for longer than anything explains, by age and whatever the cause.
//!
//! Finding and ending are two queries: the number found is limited, so that a large outage does not flood the incidents,
//! and what has ended is looked up from the incidents themselves.

use domain::{Channel, OrderId, Timestamp};

use super::{StoreError, Tx, on};
use crate::model::incident::IncidentKind;

/// Maximum of new incidents of a kind per run; the next run goes on.
const MOST_NEW: i64 = 50;

/// Limits of age, as the instants before which something must have begun.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For the expiry of payments and orders.
    pub ended: Timestamp,
    /// For the first query without an answer.
    pub unanswered: Timestamp,
    pub wechat_refund: Timestamp,
    pub alipay_refund: Timestamp,
    /// Orders created since then are compared with their payments.
    pub recent: Timestamp,
}

#[derive(Debug, sqlx::FromRow)]
pub struct OverdueRow {
    pub subject: String,
    pub payment_id: Option<String>,
    pub payment_no: Option<String>,
    pub since: i64,
}

/// Excludes what has an incident already, open or resolved by a person: it is reported only once.
macro_rules! not_told {
    ($id:literal) => {
        concat!(
            "not exists (select 1 from incidents i where i.kind = $1 and i.subject = ",
            $id,
            " and (i.resolved_at is null or i.resolved_by is not null))"
        )
    };
}

/// Open payments. One that ended in time, or was paid, is none of these.
macro_rules! open_payment {
    () => {
        "p.state in ('created', 'pending') and p.expires_at <= $2"
    };
}

macro_rules! unanswered_payment {
    () => {
        "p.unanswered_since <= $2"
    };
}

/// Open refunds. One that replaces a failed refund waits up to a day. A stuck one has an incident already, unless a person
/// has resolved it.
macro_rules! open_refund {
    () => {
        "r.state in ('requested', 'pending', 'stuck')
            and r.created_at <= (case when p.method = 'wechat' then cast($2 as bigint) else cast($3 as bigint) end)
                - (case when r.replaces is null then 0 else 86400000 end)
            and (r.state <> 'stuck' or not exists (
                select 1 from incidents s
                where s.kind = 'refund_stuck' and s.subject = r.id and s.resolved_at is null))"
    };
}

/// Orders that are open after their expiry or despite a settling payment; or paid without a settling payment, or the
/// reverse.
macro_rules! unexplained_order {
    () => {
        "((o.state = 'open' and o.expires_at <= $2)
            or (o.state = 'paid') <> exists (select 1 from payments s where s.order_id = o.id and s.settles))"
    };
}

pub async fn find_payments(tx: &mut Tx<'_>, bounds: Bounds) -> Result<Vec<OverdueRow>, StoreError> {
    const SQL: &str = concat!(
        "select p.id as subject, p.id as payment_id, p.payment_no, p.expires_at as since
        from payments p
        where ",
        open_payment!(),
        " and ",
        not_told!("p.id"),
        " order by p.expires_at limit $3"
    );
    on!(tx, SQL, fetch_all, |query| query
        .bind(IncidentKind::PaymentOverdue.as_str())
        .bind(bounds.ended.millis())
        .bind(MOST_NEW))
}

pub async fn find_unanswered(
    tx: &mut Tx<'_>,
    channel: Channel,
    bounds: Bounds,
) -> Result<Vec<OverdueRow>, StoreError> {
    const SQL: &str = concat!(
        "select p.id as subject, p.id as payment_id, p.payment_no, p.unanswered_since as since
        from payments p
        where p.method = $4 and ",
        unanswered_payment!(),
        " and ",
        not_told!("p.id"),
        " order by p.unanswered_since limit $3"
    );
    on!(tx, SQL, fetch_all, |query| query
        .bind(IncidentKind::PaymentUnanswered.as_str())
        .bind(bounds.unanswered.millis())
        .bind(MOST_NEW)
        .bind(channel.as_str()))
}

pub async fn find_refunds(tx: &mut Tx<'_>, bounds: Bounds) -> Result<Vec<OverdueRow>, StoreError> {
    const SQL: &str = concat!(
        "select r.id as subject, p.id as payment_id, p.payment_no, r.created_at as since
        from refunds r join payments p on p.id = r.payment_id
        where ",
        open_refund!(),
        " and ",
        not_told!("r.id"),
        " order by r.created_at limit $4"
    );
    on!(tx, SQL, fetch_all, |query| query
        .bind(IncidentKind::RefundOverdue.as_str())
        .bind(bounds.wechat_refund.millis())
        .bind(bounds.alipay_refund.millis())
        .bind(MOST_NEW))
}

pub async fn find_orders(tx: &mut Tx<'_>, bounds: Bounds) -> Result<Vec<OverdueRow>, StoreError> {
    // Two selects, because each has its own index.
    const SQL: &str = concat!(
        "select o.id as subject, (select max(p.id) from payments p where p.order_id = o.id) as payment_id,
            (select max(p.payment_no) from payments p where p.order_id = o.id) as payment_no, o.expires_at as since
        from orders o
        where o.id in (
            select id from orders where state = 'open' and expires_at > 0
            union
            select id from orders where id >= $4)
            and ",
        unexplained_order!(),
        " and ",
        not_told!("o.id"),
        " order by o.id limit $3"
    );
    on!(tx, SQL, fetch_all, |query| query
        .bind(IncidentKind::OrderOverdue.as_str())
        .bind(bounds.ended.millis())
        .bind(MOST_NEW)
        .bind(OrderId::floor(bounds.recent)))
}

#[derive(Debug, sqlx::FromRow)]
pub struct EndedRow {
    pub kind: String,
    pub subject: String,
}

/// Open incidents whose subject is no longer overdue.
pub async fn find_ended(tx: &mut Tx<'_>, bounds: Bounds) -> Result<Vec<EndedRow>, StoreError> {
    const PAYMENTS: &str = concat!(
        "select i.kind, i.subject from incidents i
        where i.kind = $1 and i.resolved_at is null
            and not exists (select 1 from payments p where p.id = i.subject and ",
        open_payment!(),
        ")"
    );
    const UNANSWERED: &str = concat!(
        "select i.kind, i.subject from incidents i
        where i.kind = $1 and i.resolved_at is null
            and not exists (select 1 from payments p where p.id = i.subject and ",
        unanswered_payment!(),
        ")"
    );
    const REFUNDS: &str = concat!(
        "select i.kind, i.subject from incidents i
        where i.kind = $1 and i.resolved_at is null
            and not exists (
                select 1 from refunds r join payments p on p.id = r.payment_id
                where r.id = i.subject and ",
        open_refund!(),
        ")"
    );
    const ORDERS: &str = concat!(
        "select i.kind, i.subject from incidents i
        where i.kind = $1 and i.resolved_at is null
            and not exists (select 1 from orders o where o.id = i.subject and ",
        unexplained_order!(),
        ")"
    );
    let mut ended: Vec<EndedRow> = Vec::new();
    for (sql, kind, bound) in [
        (PAYMENTS, IncidentKind::PaymentOverdue, bounds.ended),
        (UNANSWERED, IncidentKind::PaymentUnanswered, bounds.unanswered),
        (ORDERS, IncidentKind::OrderOverdue, bounds.ended),
    ] {
        let rows: Vec<EndedRow> = on!(tx, sql, fetch_all, |query| query
            .bind(kind.as_str())
            .bind(bound.millis()))?;
        ended.extend(rows);
    }
    let rows: Vec<EndedRow> = on!(tx, REFUNDS, fetch_all, |query| query
        .bind(IncidentKind::RefundOverdue.as_str())
        .bind(bounds.wechat_refund.millis())
        .bind(bounds.alipay_refund.millis()))?;
    ended.extend(rows);
    Ok(ended)
}

/// Since when the oldest row of each queue is due.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct OldestRow {
    pub payments: Option<i64>,
    pub refunds: Option<i64>,
    pub orders: Option<i64>,
    pub events: Option<i64>,
}

pub async fn find_oldest_due(tx: &mut Tx<'_>) -> Result<OldestRow, StoreError> {
    const SQL: &str = "
        select
            (select min(due_at) from (
                select min(due_at) as due_at from payments where method = 'wechat' and due_at is not null
                union all
                select min(due_at) from payments where method = 'alipay' and due_at is not null) as d) as payments,
            (select min(due_at) from refunds where due_at is not null) as refunds,
            (select min(expires_at) from orders where state = 'open') as orders,
            (select min(created_at) from events where position is null and endpoint_id is null) as events";
    on!(tx, SQL, fetch_one, |query| query)
}
