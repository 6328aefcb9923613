//! Orders table.

use domain::{Money, Order, OrderId, OrderNo, OrderState, PaymentId, Purpose, Timestamp};

use super::batch::Write;
use super::servers::Lease;
use super::{StoreError, Tx, ensure_one_row, execute, on, parse_rows};
use crate::changes::{ChangeFilter, ListOrder};
use crate::event;

/// Displayed status, spelled as in the index of the lists by status.
macro_rules! status_of {
    ($order:literal) => {
        concat!(
            "(case when ",
            $order,
            ".state = 'open' then 'pending' when ",
            $order,
            ".state = 'cancelled' then 'cancelled' when ",
            $order,
            ".refunded = 0 then 'paid' when ",
            $order,
            ".refunded < ",
            $order,
            ".amount then 'partially_refunded' else 'refunded' end)"
        )
    };
}

/// All columns of an order, with the reason of its latest refund that has not failed. Their names differ from those of a
/// payment, so that both fit in one row.
macro_rules! order_columns {
    () => {
        "o.id as o_id, o.order_no as o_order_no, o.token as o_token, o.user_id as o_user_id, o.purpose as o_purpose,
            o.allows_balance as o_allows_balance, o.subject as o_subject, o.amount as o_amount, o.state as o_state,
            o.return_url as o_return_url, o.metadata as o_metadata, o.expires_at as o_expires_at, o.paid_at as o_paid_at,
            o.cancel_reason as o_cancel_reason, o.created_at as o_created_at, o.updated_at as o_updated_at,
            o.version as o_version, o.refunded as o_refunded,
            (select r.reason from refunds r join payments p on p.id = r.payment_id
                where p.order_id = o.id and p.settles and r.state <> 'failed'
                order by r.id desc limit 1) as o_refund_reason"
    };
}

macro_rules! select_order {
    ($($tail:tt)*) => {
        concat!("select ", $crate::store::orders::order_columns!(), " from orders o ", $($tail)*)
    };
}

pub(super) use {order_columns, select_order, status_of};

#[derive(sqlx::FromRow)]
pub(super) struct OrderRow {
    #[sqlx(rename = "o_id")]
    id: String,
    #[sqlx(rename = "o_order_no")]
    order_no: String,
    #[sqlx(rename = "o_token")]
    token: String,
    #[sqlx(rename = "o_user_id")]
    user_id: String,
    #[sqlx(rename = "o_purpose")]
    purpose: String,
    #[sqlx(rename = "o_allows_balance")]
    allows_balance: bool,
    #[sqlx(rename = "o_subject")]
    subject: String,
    #[sqlx(rename = "o_amount")]
    amount: i64,
    #[sqlx(rename = "o_state")]
    state: String,
    #[sqlx(rename = "o_return_url")]
    return_url: Option<String>,
    #[sqlx(rename = "o_metadata")]
    metadata: Option<String>,
    #[sqlx(rename = "o_expires_at")]
    expires_at: i64,
    #[sqlx(rename = "o_paid_at")]
    paid_at: Option<i64>,
    #[sqlx(rename = "o_cancel_reason")]
    cancel_reason: Option<String>,
    #[sqlx(rename = "o_created_at")]
    created_at: i64,
    #[sqlx(rename = "o_updated_at")]
    updated_at: i64,
    #[sqlx(rename = "o_version")]
    version: i64,
    #[sqlx(rename = "o_refunded")]
    refunded: i64,
    #[sqlx(rename = "o_refund_reason")]
    refund_reason: Option<String>,
}

impl TryFrom<OrderRow> for Order {
    type Error = StoreError;

    fn try_from(row: OrderRow) -> Result<Order, StoreError> {
        Ok(Order {
            id: OrderId::parse(&row.id).ok_or(StoreError::Corrupt("orders.id"))?,
            order_no: OrderNo::parse(&row.order_no).ok_or(StoreError::Corrupt("orders.order_no"))?,
            token: row.token,
            user_id: row.user_id,
            purpose: Purpose::parse(&row.purpose).ok_or(StoreError::Corrupt("orders.purpose"))?,
            allows_balance: row.allows_balance,
            subject: row.subject,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("orders.amount"))?,
            state: OrderState::parse(&row.state).ok_or(StoreError::Corrupt("orders.state"))?,
            return_url: row.return_url,
            metadata: row.metadata,
            expires_at: Timestamp::from_millis(row.expires_at),
            paid_at: row.paid_at.map(Timestamp::from_millis),
            cancel_reason: row.cancel_reason,
            refunded: Money::from_sum(row.refunded).map_err(|_| StoreError::Corrupt("orders.refunded"))?,
            refund_reason: row.refund_reason,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            version: row.version,
        })
    }
}

fn insert_statement(order: &Order) -> Write {
    const SQL: &str = "
        insert into orders (id, order_no, token, user_id, subject, amount, state, return_url, metadata,
            expires_at, created_at, updated_at, purpose, allows_balance)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)
        on conflict do nothing";
    Write::exactly(1, SQL)
        .bind(order.id.as_str())
        .bind(order.order_no.as_str())
        .bind(order.token.as_str())
        .bind(order.user_id.as_str())
        .bind(order.subject.as_str())
        .bind(order.amount.fen())
        .bind(order.state.as_str())
        .bind(order.return_url.as_deref())
        .bind(order.metadata.as_deref())
        .bind(order.expires_at.millis())
        .bind(order.created_at.millis())
        .bind(order.purpose.as_str())
        .bind(order.allows_balance)
}

/// Inserts an order; a number that is taken is a lost race.
pub fn insert(tx: &mut Tx<'_>, order: &Order) -> Write {
    tx.record_event(event::order_created(order));
    insert_statement(order)
}

/// Inserts an order; `false` when its number is taken.
pub async fn try_to_insert(tx: &mut Tx<'_>, order: &Order) -> Result<bool, StoreError> {
    let is_inserted = tx.run_write(insert_statement(order)).await? == 1;
    if is_inserted {
        tx.record_event(event::order_created(order));
    }
    Ok(is_inserted)
}

pub async fn find(tx: &mut Tx<'_>, id: &OrderId) -> Result<Option<Order>, StoreError> {
    const SQL: &str = select_order!("where o.id = $1");
    let row: Option<OrderRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    row.map(Order::try_from).transpose()
}

pub async fn find_by_number(tx: &mut Tx<'_>, number: &OrderNo) -> Result<Option<Order>, StoreError> {
    const SQL: &str = select_order!("where o.order_no = $1");
    let row: Option<OrderRow> = on!(tx, SQL, fetch_optional, |query| query.bind(number.as_str()))?;
    row.map(Order::try_from).transpose()
}

pub async fn find_by_token(tx: &mut Tx<'_>, token: &str) -> Result<Option<Order>, StoreError> {
    const SQL: &str = select_order!("where o.token = $1");
    let row: Option<OrderRow> = on!(tx, SQL, fetch_optional, |query| query.bind(token))?;
    row.map(Order::try_from).transpose()
}

/// Newest open top-up of the same user, amount and return page that is open until `valid_until`.
pub async fn find_open_topup(
    tx: &mut Tx<'_>,
    like: &Order,
    valid_until: Timestamp,
) -> Result<Option<Order>, StoreError> {
    const SQL: &str = select_order!(
        "where o.user_id = $1 and o.purpose = 'topup' and o.state = 'open' and o.amount = $2 and o.return_url = $3
            and o.expires_at > $4
        order by o.id desc
        limit 1"
    );
    let row: Option<OrderRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(like.user_id.as_str())
        .bind(like.amount.fen())
        .bind(like.return_url.as_deref())
        .bind(valid_until.millis()))?;
    row.map(Order::try_from).transpose()
}

/// Compare-and-set to paid, from any state.
pub fn mark_paid(tx: &mut Tx<'_>, order: &Order, paid_at: Timestamp, now: Timestamp) -> Write {
    const SQL: &str = "
        update orders
        set state = 'paid', paid_at = $3, cancel_reason = null, cancel_cause = null, updated_at = $4, version = version + 1
        where id = $1 and version = $2";
    let write = Write::exactly(1, SQL)
        .bind(order.id.as_str())
        .bind(order.version)
        .bind(paid_at.millis())
        .bind(now.millis());
    let paid = Order {
        state: OrderState::Paid,
        paid_at: Some(paid_at),
        cancel_reason: None,
        updated_at: now,
        version: order.version + 1,
        ..order.clone()
    };
    tx.record_events(event::order_changed(&paid));
    write
}

/// Compare-and-set from open to cancelled.
pub async fn mark_cancelled(
    tx: &mut Tx<'_>,
    order: &Order,
    reason: Option<&str>,
    is_expired: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update orders
        set state = 'cancelled', cancel_reason = $3, cancel_cause = $5, updated_at = $4, version = version + 1
        where id = $1 and version = $2 and state = 'open'";
    execute!(tx, SQL, |query| query
        .bind(order.id.as_str())
        .bind(order.version)
        .bind(reason)
        .bind(now.millis())
        .bind(is_expired.then_some("expired")))
    .and_then(ensure_one_row)?;
    let cancelled = Order {
        state: OrderState::Cancelled,
        cancel_reason: reason.map(str::to_owned),
        updated_at: now,
        version: order.version + 1,
        ..order.clone()
    };
    tx.record_events(event::order_changed(&cancelled));
    Ok(())
}

/// Ends the time of an open order now: expiry closes its open payment and cancels it.
pub async fn end_time(tx: &mut Tx<'_>, id: &OrderId, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update orders set expires_at = $2, version = version + 1
        where id = $1 and state = 'open' and expires_at > $2";
    execute!(tx, SQL, |query| query.bind(id.as_str()).bind(now.millis())).map(drop)
}

/// Moves the version, so that a payment opened now and a cancellation decided on the old version cannot both succeed.
pub fn bump_version(order: &Order) -> Write {
    const SQL: &str = "update orders set version = version + 1 where id = $1 and version = $2";
    Write::exactly(1, SQL).bind(order.id.as_str()).bind(order.version)
}

/// Records a new refund of a payment of the order, which is part of its outside view.
pub fn note_refund(payment_id: &PaymentId, now: Timestamp) -> Write {
    const SQL: &str = "
        update orders set updated_at = $2
        where id = (select order_id from payments where id = $1 and settles)";
    Write::at_most(SQL).bind(payment_id.as_str()).bind(now.millis())
}

/// Records a change of an order's refunds, which are part of its outside view, and adds to the refunded sum.
pub async fn record_change(
    tx: &mut Tx<'_>,
    payment_id: &PaymentId,
    returned: Money,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update orders set refunded = refunded + $2, updated_at = $3
        where id = (select order_id from payments where id = $1 and settles)
        returning id as o_id, order_no as o_order_no, token as o_token, user_id as o_user_id, purpose as o_purpose,
            allows_balance as o_allows_balance, subject as o_subject, amount as o_amount, state as o_state,
            return_url as o_return_url, metadata as o_metadata, expires_at as o_expires_at, paid_at as o_paid_at,
            cancel_reason as o_cancel_reason, created_at as o_created_at, updated_at as o_updated_at,
            version as o_version, refunded as o_refunded,
            (select r.reason from refunds r
                where r.payment_id = $1 and r.state <> 'failed' order by r.id desc limit 1) as o_refund_reason";
    let row: Option<OrderRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(payment_id.as_str())
        .bind(returned.fen())
        .bind(now.millis()))?;
    if let Some(row) = row.filter(|_| !returned.is_zero()) {
        tx.record_events(event::order_changed(&Order::try_from(row)?));
    }
    Ok(())
}

/// Claims open orders that have expired, until the lease ends.
pub async fn claim_expired(
    tx: &mut Tx<'_>,
    lease: Lease<'_>,
    limit: i64,
) -> Result<Vec<OrderId>, StoreError> {
    const SQL: &str = "
        update orders set leased_until = $2, leased_by = $3
        where id in (
            select id from orders
            where state = 'open' and expires_at <= $1 and (leased_until <= $1 or leased_until > $4)
            order by leased_until, expires_at
            limit $5)
            and (leased_until <= $1 or leased_until > $4)
        returning id";
    let rows: Vec<(String,)> = on!(tx, SQL, fetch_all, |query| query
        .bind(lease.now.millis())
        .bind(lease.until.millis())
        .bind(lease.holder)
        .bind(lease.latest().millis())
        .bind(limit))?;
    rows.iter()
        .map(|(id,)| OrderId::parse(id).ok_or(StoreError::Corrupt("orders.id")))
        .collect()
}

/// Releases the leases of one holder, or all.
pub async fn release(tx: &mut Tx<'_>, holder: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "
        update orders set leased_until = 0, leased_by = null
        where state = 'open' and expires_at > 0 and leased_until > 0
            and (cast($1 as text) is null or leased_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder)).map(drop)
}

/// Filter of a list of changed orders.
#[derive(Debug)]
pub struct ChangedOrders<'a> {
    pub user_id: Option<&'a str>,
    pub status: Option<&'a str>,
    pub order_no: Option<&'a str>,
    pub created_from: i64,
    pub created_to: i64,
    pub changes: ChangeFilter,
    pub cursor: Option<&'a str>,
}

macro_rules! list_changed {
    ($place:literal, $order:literal) => {
        select_order!(
            "where o.updated_at >= $1 and o.updated_at < $2
                and (cast($4 as text) is null or o.user_id = $4)
                and (cast($5 as text) is null or ",
            status_of!("o"),
            " = $5)
                and (cast($6 as text) is null or o.order_no = $6)
                and o.created_at >= $7 and o.created_at < $8 and ",
            $place,
            $order,
            " limit $9"
        )
    };
}

/// Orders that changed in a span of time: the newest first, or in the order of change.
pub async fn list_changed(
    tx: &mut Tx<'_>,
    wanted: &ChangedOrders<'_>,
    limit: i64,
) -> Result<Vec<Order>, StoreError> {
    const NEWEST: &str = list_changed!("(cast($3 as text) is null or o.id < $3)", " order by o.id desc");
    const UPDATED: &str = list_changed!("(o.updated_at > $1 or o.id > $3)", " order by o.updated_at, o.id");
    let is_newest = wanted.changes.order == ListOrder::Newest;
    let span = wanted.changes.span(wanted.cursor.filter(|_| !is_newest));
    let (sql, place) = if is_newest {
        (NEWEST, wanted.cursor)
    } else {
        (UPDATED, Some(span.after_id.as_str()))
    };
    let rows: Vec<OrderRow> = on!(tx, sql, fetch_all, |query| query
        .persistent(false)
        .bind(span.from)
        .bind(span.to)
        .bind(place)
        .bind(wanted.user_id)
        .bind(wanted.status)
        .bind(wanted.order_no)
        .bind(wanted.created_from)
        .bind(wanted.created_to)
        .bind(limit))?;
    parse_rows(rows)
}
