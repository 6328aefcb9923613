//! Questions of people: any number leads to its order, and a list is read from the index that fits it best.
//!
//! A list is one text for each way into it. A text with every filter optional would leave both engines with no index to
//! use, and a million rows to look at.

use domain::{Order, OrderId};

use super::orders::{OrderRow, select_order};
use super::{StoreError, Tx, on};

/// The way into a list: the filter that leaves the fewest rows.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    All,
    State(&'a str),
    Method(&'a str),
    User(&'a str),
    Amount(i64),
}

/// What is left to check of each row. `None`: anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rest<'a> {
    pub state: Option<&'a str>,
    pub method: Option<&'a str>,
    /// `none`, `part` or `all`: how much of it went back.
    pub refunds: Option<&'a str>,
    pub least: Option<i64>,
    pub most: Option<i64>,
}

/// Newest first between two ids.
macro_rules! list_orders {
    ($from:literal, $way:literal) => {
        select_order!(concat!(
            "join (select i.id ",
            $from,
            " where i.id < $1 and i.id >= $2
                    and (cast($3 as text) is null or i.state = $3)
                    and (cast($4 as text) is null
                        or exists (select 1 from payments p where p.order_id = i.id and p.method = $4))
                    and (cast($5 as text) is null or $5 = (
                        select case when coalesce(sum(r.amount), 0) = 0 then 'none'
                            when coalesce(sum(r.amount), 0) < i.amount then 'part' else 'all' end
                        from refunds r join payments p on p.id = r.payment_id
                        where p.order_id = i.id and p.settles and r.state = 'succeeded'))
                    and (cast($6 as bigint) is null or i.amount >= $6)
                    and (cast($7 as bigint) is null or i.amount <= $7)",
            $way,
            "
                limit $8) as hit on hit.id = o.id
            order by o.id desc"
        ))
    };
}

pub async fn list(
    tx: &mut Tx<'_>,
    way: Way<'_>,
    rest: Rest<'_>,
    below: &str,
    from: &str,
    limit: i64,
) -> Result<Vec<Order>, StoreError> {
    const ALL: &str = list_orders!("from orders i", " order by i.id desc");
    const STATE: &str = list_orders!(
        "from orders i",
        " and i.state = $9 order by i.state desc, i.id desc"
    );
    const USER: &str = list_orders!(
        "from orders i",
        " and i.user_id = $9 order by i.user_id desc, i.id desc"
    );
    const AMOUNT: &str = list_orders!(
        "from orders i",
        " and i.amount = $9 order by i.amount desc, i.id desc"
    );
    // The last payment of its method speaks for its order, so that no order is there twice.
    const METHOD: &str = list_orders!(
        "from payments m join orders i on i.id = m.order_id",
        " and m.method = $9 and m.order_id < $1 and m.order_id >= $2
            and not exists (select 1 from payments n
                where n.method = m.method and n.order_id = m.order_id and n.id > m.id)
            order by m.method desc, m.order_id desc"
    );
    macro_rules! rows {
        ($sql:expr $(, $driver:expr)?) => {
            on!(tx, $sql, fetch_all, |query| query
                .bind(below)
                .bind(from)
                .bind(rest.state)
                .bind(rest.method)
                .bind(rest.refunds)
                .bind(rest.least)
                .bind(rest.most)
                .bind(limit)
                $(.bind($driver))?)
        };
    }
    let rows: Vec<OrderRow> = match way {
        Way::All => rows!(ALL)?,
        Way::State(state) => rows!(STATE, state)?,
        Way::Method(method) => rows!(METHOD, method)?,
        Way::User(user_id) => rows!(USER, user_id)?,
        Way::Amount(fen) => rows!(AMOUNT, fen)?,
    };
    rows.into_iter().map(Order::try_from).collect()
}

/// The orders that carry this number, or whose payments or refunds carry it, here or at a gateway.
pub async fn find_by_any_number(tx: &mut Tx<'_>, number: &str) -> Result<Vec<OrderId>, StoreError> {
    const SQL: &str = "
        select o.id as id from orders o where o.id = $1
        union
        select o.id from orders o where o.order_no = $1
        union
        select p.order_id from payments p where p.id = $1
        union
        select p.order_id from payments p where p.payment_no = $1
        union
        select p.order_id from payments p where p.transaction_id = $1
        union
        select p.order_id from refunds r join payments p on p.id = r.payment_id where r.id = $1
        union
        select p.order_id from refunds r join payments p on p.id = r.payment_id where r.refund_no = $1
        union
        select p.order_id from refunds r join payments p on p.id = r.payment_id where r.gateway_refund_id = $1
        order by id desc
        limit 20";
    let rows: Vec<(String,)> = on!(tx, SQL, fetch_all, |query| query.bind(number))?;
    rows.iter()
        .map(|(id,)| OrderId::parse(id).ok_or(StoreError::Corrupt("orders.id")))
        .collect()
}
