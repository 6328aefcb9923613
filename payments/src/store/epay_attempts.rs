//! Attempts of the epay protocol as rows: an order of ours for the number of a merchant.

use domain::{Method, Money, OrderId, OrderNo, OrderState, Timestamp};

use super::{StoreError, Tx, execute, on, parse_rows};
use crate::model::epay::{Attempt, NewAttempt, Pid, Version};

macro_rules! select_attempt {
    ($tail:literal) => {
        concat!(
            "select a.order_id, a.pid, a.merchant_no as out_trade_no, a.attempt, a.version, a.asked_type, a.notify_url, a.return_url,
                a.name, a.param, a.client_ip, o.order_no, o.token, o.amount, o.state, o.refunded, o.cancel_cause,
                o.expires_at, o.paid_at, o.created_at, p.method, p.transaction_id
            from epay_attempts a
            join orders o on o.id = a.order_id
            left join payments p on p.order_id = o.id and p.settles ",
            $tail
        )
    };
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    order_id: String,
    pid: i64,
    out_trade_no: String,
    attempt: i64,
    version: i64,
    asked_type: String,
    notify_url: String,
    return_url: Option<String>,
    name: String,
    param: String,
    client_ip: Option<String>,
    order_no: String,
    token: String,
    amount: i64,
    state: String,
    refunded: i64,
    cancel_cause: Option<String>,
    expires_at: i64,
    paid_at: Option<i64>,
    created_at: i64,
    method: Option<String>,
    transaction_id: Option<String>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Attempt, StoreError> {
        Ok(Attempt {
            order_id: OrderId::parse(&row.order_id).ok_or(StoreError::Corrupt("epay_attempts.order_id"))?,
            pid: Pid::from_row(row.pid).ok_or(StoreError::Corrupt("epay_attempts.pid"))?,
            out_trade_no: row.out_trade_no,
            number: u32::try_from(row.attempt).map_err(|_| StoreError::Corrupt("epay_attempts.attempt"))?,
            version: Version::from_row(row.version).ok_or(StoreError::Corrupt("epay_attempts.version"))?,
            asked_type: row.asked_type,
            notify_url: row.notify_url,
            return_url: row.return_url,
            name: row.name,
            param: row.param,
            client_ip: row.client_ip,
            trade_no: OrderNo::parse(&row.order_no).ok_or(StoreError::Corrupt("orders.order_no"))?,
            token: row.token,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("orders.amount"))?,
            state: OrderState::parse(&row.state).ok_or(StoreError::Corrupt("orders.state"))?,
            refunded: Money::from_sum(row.refunded).map_err(|_| StoreError::Corrupt("orders.refunded"))?,
            is_expired: row.cancel_cause.is_some(),
            expires_at: Timestamp::from_millis(row.expires_at),
            paid_at: row.paid_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            method: row.method.as_deref().and_then(Method::parse),
            transaction_id: row.transaction_id,
        })
    }
}

/// `false`: another request was faster.
pub async fn insert(
    tx: &mut Tx<'_>,
    order_id: &OrderId,
    pid: Pid,
    number: u32,
    new: &NewAttempt,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into epay_attempts (order_id, pid, merchant_no, attempt, version, asked_type, notify_url, return_url,
            name, param, client_ip)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(order_id.as_str())
        .bind(pid.to_row())
        .bind(new.out_trade_no.as_str())
        .bind(i64::from(number))
        .bind(new.version.to_row())
        .bind(new.asked_type.as_str())
        .bind(new.notify_url.as_str())
        .bind(new.return_url.as_deref())
        .bind(new.name.as_str())
        .bind(new.param.as_str())
        .bind(new.client_ip.map(|address| address.to_string())))?;
    Ok(n_inserted == 1)
}

/// Every attempt of a merchant's number, newest first.
pub async fn list_of_number(
    tx: &mut Tx<'_>,
    pid: Pid,
    out_trade_no: &str,
) -> Result<Vec<Attempt>, StoreError> {
    const SQL: &str = select_attempt!("where a.pid = $1 and a.merchant_no = $2 order by a.attempt desc");
    let rows: Vec<AttemptRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(pid.to_row())
        .bind(out_trade_no))?;
    parse_rows(rows)
}

pub async fn find_by_trade(tx: &mut Tx<'_>, pid: Pid, trade_no: &str) -> Result<Option<Attempt>, StoreError> {
    const SQL: &str = select_attempt!("where o.order_no = $2 and a.pid = $1");
    let row: Option<AttemptRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(pid.to_row())
        .bind(trade_no))?;
    row.map(Attempt::try_from).transpose()
}

pub async fn find_by_order(tx: &mut Tx<'_>, id: &OrderId) -> Result<Option<Attempt>, StoreError> {
    const SQL: &str = select_attempt!("where a.order_id = $1");
    let row: Option<AttemptRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    row.map(Attempt::try_from).transpose()
}

/// Filter of a merchant's list of its orders.
#[derive(Debug, Clone, Copy)]
pub struct AttemptFilter {
    /// 0 unpaid, 1 paid, 2 paid and something of it returned.
    pub status: Option<i64>,
    pub limit: i64,
    pub offset: i64,
}

/// A merchant's attempts, newest first.
pub async fn list_of_merchant(
    tx: &mut Tx<'_>,
    pid: Pid,
    filter: AttemptFilter,
) -> Result<Vec<Attempt>, StoreError> {
    const SQL: &str = select_attempt!(
        "where a.pid = $1 and (cast($2 as bigint) is null
            or $2 = case when o.state <> 'paid' then 0 when o.refunded = 0 then 1 else 2 end)
        order by a.order_id desc
        limit $3 offset $4"
    );
    let rows: Vec<AttemptRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(pid.to_row())
        .bind(filter.status)
        .bind(filter.limit)
        .bind(filter.offset))?;
    parse_rows(rows)
}

/// Orders of a merchant between two instants, and the sum of those that are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turnover {
    pub n_orders: i64,
    pub paid: Money,
}

/// Ids carry their time: `from` and `below` are the floors of two instants.
pub async fn sum_of_merchant(
    tx: &mut Tx<'_>,
    pid: Pid,
    from: &str,
    below: &str,
) -> Result<Turnover, StoreError> {
    const SQL: &str = "
        select count(*) as n_orders,
            cast(coalesce(sum(case when o.state = 'paid' then o.amount else 0 end), 0) as bigint) as paid
        from epay_attempts a
        join orders o on o.id = a.order_id
        where a.pid = $1 and a.order_id >= $2 and a.order_id < $3";
    let (n_orders, paid): (i64, i64) = on!(tx, SQL, fetch_one, |query| query
        .bind(pid.to_row())
        .bind(from)
        .bind(below))?;
    let paid = Money::from_sum(paid).map_err(|_| StoreError::Corrupt("orders.amount"))?;
    Ok(Turnover { n_orders, paid })
}

/// Holds every attempt of a number until the commit, so that of two that are paid at once only one is credited.
pub async fn hold_number(tx: &mut Tx<'_>, pid: Pid, out_trade_no: &str) -> Result<(), StoreError> {
    const SQL: &str = "update epay_attempts set attempt = attempt where pid = $1 and merchant_no = $2";
    // SQLite has one writer.
    if !tx.has_rivals() {
        return Ok(());
    }
    execute!(tx, SQL, |query| query.bind(pid.to_row()).bind(out_trade_no)).map(drop)
}

/// A notification as the console lists it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NotificationRow {
    pub order_id: String,
    pub pid: i64,
    pub out_trade_no: String,
    pub notify_url: String,
    pub status: String,
    pub attempt: i64,
    pub due_at: Option<i64>,
    pub response_status: Option<i64>,
    pub response_body: Option<String>,
    pub error: Option<String>,
    pub attempted_at: Option<i64>,
}

/// The notifications of the newest orders.
pub async fn list_notifications(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<NotificationRow>, StoreError> {
    const SQL: &str = "
        select a.order_id, a.pid, a.merchant_no as out_trade_no, a.notify_url, d.status, d.attempt, d.due_at, d.response_status,
            d.response_body, d.error, d.attempted_at
        from epay_attempts a
        join deliveries d on d.subject = a.order_id and d.kind = 'epay'
        order by a.order_id desc
        limit $1";
    on!(tx, SQL, fetch_all, |query| query.bind(limit))
}
