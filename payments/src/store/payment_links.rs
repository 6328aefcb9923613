//! Payment links, and the orders that were opened behind them.

use domain::{LinkId, Money, Order, OrderId, Timestamp};

use super::orders::{OrderRow, select_order};
use super::{StoreError, Tx, execute, on, parse_rows};

/// A payment link with the counts of its orders.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LinkRow {
    pub id: String,
    pub token: String,
    pub subject: String,
    pub amount: Option<i64>,
    pub stock: Option<i64>,
    pub expires_at: Option<i64>,
    pub created_by: String,
    pub created_at: i64,
    pub closed_at: Option<i64>,
    /// Orders that can still be paid.
    pub n_open: i64,
    /// Orders that are paid. [`find_by_token`] counts them only where there is a stock, and reads 0 otherwise.
    pub n_paid: i64,
}

/// Link to insert.
#[derive(Debug)]
pub struct NewLinkRow<'a> {
    pub id: &'a LinkId,
    pub token: &'a str,
    pub subject: &'a str,
    pub amount: Option<Money>,
    pub stock: Option<i64>,
    pub expires_at: Option<Timestamp>,
    pub created_by: &'a str,
    pub created_at: Timestamp,
}

macro_rules! select_link {
    ($tail:literal) => {
        select_link!(
            "(select count(*) from payment_link_orders l join orders o on o.id = l.order_id
                    where l.link_id = k.id and o.state = 'open') as n_open,
                (select count(*) from payment_link_orders l join orders o on o.id = l.order_id
                    where l.link_id = k.id and o.state = 'paid') as n_paid",
            $tail
        )
    };
    ($counts:literal, $tail:literal) => {
        concat!(
            "select k.id, k.token, k.subject, k.amount, k.stock, k.expires_at, k.created_by, k.created_at, k.closed_at, ",
            $counts,
            " from payment_links k ",
            $tail
        )
    };
}

pub async fn insert(tx: &mut Tx<'_>, new: &NewLinkRow<'_>) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into payment_links (id, token, subject, amount, stock, expires_at, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    execute!(tx, SQL, |query| query
        .bind(new.id.as_str())
        .bind(new.token)
        .bind(new.subject)
        .bind(new.amount.map(Money::fen))
        .bind(new.stock)
        .bind(new.expires_at.map(Timestamp::millis))
        .bind(new.created_by)
        .bind(new.created_at.millis()))
    .map(drop)
}

pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<LinkRow>, StoreError> {
    const SQL: &str = select_link!("where k.id = $1");
    on!(tx, SQL, fetch_optional, |query| query.bind(id))
}

/// Finds a link for a payer. It counts from the open orders, which are few: a link that is years old has many paid ones.
pub async fn find_by_token(tx: &mut Tx<'_>, token: &str) -> Result<Option<LinkRow>, StoreError> {
    const SQL: &str = select_link!(
        "(select count(*) from orders o
            where o.state = 'open' and exists (
                select 1 from payment_link_orders l where l.order_id = o.id and l.link_id = k.id)) as n_open,
        (case when k.stock is null then 0 else (
            select count(*) from payment_link_orders l join orders o on o.id = l.order_id
            where l.link_id = k.id and o.state = 'paid') end) as n_paid",
        "where k.token = $1"
    );
    on!(tx, SQL, fetch_optional, |query| query.bind(token))
}

/// Newest first.
pub async fn list(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<LinkRow>, StoreError> {
    const SQL: &str = select_link!("order by k.id desc limit $1");
    on!(tx, SQL, fetch_all, |query| query.bind(limit))
}

/// Counts a tap, and holds the link until the commit: of payers who press together each sees the orders of the others.
/// `false`: there is no such link.
pub async fn hold(tx: &mut Tx<'_>, token: &str) -> Result<bool, StoreError> {
    const SQL: &str = "update payment_links set n_taps = n_taps + 1 where token = $1";
    let n_held = execute!(tx, SQL, |query| query.bind(token))?;
    Ok(n_held == 1)
}

pub async fn add_order(
    tx: &mut Tx<'_>,
    link_id: &LinkId,
    order_id: &OrderId,
    visitor_hash: Option<&str>,
) -> Result<(), StoreError> {
    const SQL: &str = "insert into payment_link_orders (order_id, link_id, visitor_hash) values ($1, $2, $3)";
    execute!(tx, SQL, |query| query
        .bind(order_id.as_str())
        .bind(link_id.as_str())
        .bind(visitor_hash))
    .map(drop)
}

/// Finds the order that a visitor has opened over this amount and can still pay at an instant.
pub async fn find_open_order(
    tx: &mut Tx<'_>,
    link_id: &LinkId,
    visitor_hash: &str,
    amount: Money,
    payable_at: Timestamp,
) -> Result<Option<Order>, StoreError> {
    const SQL: &str = select_order!(
        "where o.id in (select order_id from payment_link_orders where link_id = $1 and visitor_hash = $2)
            and o.state = 'open' and o.amount = $3 and o.expires_at > $4
        order by o.id desc
        limit 1"
    );
    let row: Option<OrderRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(link_id.as_str())
        .bind(visitor_hash)
        .bind(amount.fen())
        .bind(payable_at.millis()))?;
    row.map(Order::try_from).transpose()
}

/// Lists the orders behind a link, the newest first.
pub async fn list_orders(tx: &mut Tx<'_>, link_id: &str, limit: i64) -> Result<Vec<Order>, StoreError> {
    const SQL: &str = select_order!(
        "where o.id in (select order_id from payment_link_orders where link_id = $1)
        order by o.id desc
        limit $2"
    );
    let rows: Vec<OrderRow> = on!(tx, SQL, fetch_all, |query| query.bind(link_id).bind(limit))?;
    parse_rows(rows)
}

/// Ends a link; its open orders can still be paid. `false`: it had ended before.
pub async fn close(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "update payment_links set closed_at = $2 where id = $1 and closed_at is null";
    let n_closed = execute!(tx, SQL, |query| query.bind(id).bind(now.millis()))?;
    Ok(n_closed == 1)
}
