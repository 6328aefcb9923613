//! Questions of people: any number leads to its order, and a list is read from the index that fits it best.
//!
//! A list is one text for each way into it. A text with every filter optional would leave both engines with no index to
//! use, and a million rows to look at. Which way is the shortest is counted before; what even that way leads past is
//! looked at up to a limit, and the next page goes on there. Nothing here is a prepared statement that persists: after some
//! uses PostgreSQL would keep one plan for all values, which is a bad one for those that are rare.

use domain::{Order, OrderId};

use super::orders::{OrderRow, select_order, status_of};
use super::{StoreError, Tx, on};

/// No list looks at more orders than this before it answers, however few of them fit.
pub const DEPTH: i64 = 5_000;

/// What must be true of an order. `None`: anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub user_id: Option<&'a str>,
    pub status: Option<&'a str>,
    /// One of its payments went this way.
    pub method: Option<&'a str>,
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// Something is wrong with one of its payments, and nobody has settled it yet.
    pub needs_attention: bool,
}

/// What was found of a list.
#[derive(Debug)]
pub struct Found {
    /// Newest first.
    pub orders: Vec<Order>,
    /// Nothing older than the order of this name was looked at.
    pub looked_to: Option<String>,
}

/// A way into a list. All but the last two lead through an index in the list's own order.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    All,
    User(&'a str),
    Status(&'a str),
    Method(&'a str),
    Amount(i64),
    Amounts(i64, i64),
    Attention,
}

/// The names of a list: from the first on, below the second.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    pub from: &'a str,
    pub below: &'a str,
}

/// How many orders a way leads past, counted up to [`DEPTH`], and the oldest of those.
#[derive(PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
struct Reach {
    n: i64,
    oldest: Option<String>,
}

impl<'a> Filter<'a> {
    /// Every way that leads past all orders that fit.
    fn ways(&self) -> Vec<Way<'a>> {
        let amounts = match (self.least, self.most) {
            (None, None) => None,
            (Some(least), Some(most)) if least == most => Some(Way::Amount(least)),
            (least, most) => Some(Way::Amounts(least.unwrap_or(0), most.unwrap_or(i64::MAX))),
        };
        let ways = [
            self.user_id.map(Way::User),
            self.status.map(Way::Status),
            self.method.map(Way::Method),
            amounts,
            self.needs_attention.then_some(Way::Attention),
        ];
        let mut ways: Vec<Way> = ways.into_iter().flatten().collect();
        if ways.iter().all(|way| !way.is_in_order()) {
            ways.push(Way::All);
        }
        ways
    }
}

impl Way<'_> {
    const fn is_in_order(self) -> bool {
        !matches!(self, Way::Amounts(..) | Way::Attention)
    }
}

/// The newest orders that fit, as many as asked for, as far back as [`DEPTH`] reaches.
pub async fn find(
    tx: &mut Tx<'_>,
    filter: Filter<'_>,
    names: Names<'_>,
    limit: i64,
) -> Result<Found, StoreError> {
    let (way, looked_to) = match filter.ways()[..] {
        // Whatever it leads past fits.
        [way] if way.is_in_order() => (way, None),
        ref ways => choose(tx, ways, names).await?,
    };
    let from = looked_to.as_deref().unwrap_or(names.from);
    Ok(Found {
        orders: list(tx, way, filter, Names { from, ..names }, limit).await?,
        looked_to,
    })
}

/// Which of these few orders fit, newest first.
pub async fn find_among(
    tx: &mut Tx<'_>,
    ids: &[OrderId],
    filter: Filter<'_>,
    names: Names<'_>,
) -> Result<Found, StoreError> {
    let mut orders = Vec::new();
    for id in ids {
        let next = format!("{id}0");
        let alone = Names {
            from: names.from.max(id.as_str()),
            below: names.below.min(&next),
        };
        orders.extend(list(tx, Way::All, filter, alone, 1).await?);
    }
    Ok(Found {
        orders,
        looked_to: None,
    })
}

/// The shortest way, or of those that are too long the one that leads back farthest; and how far, if not to the end.
async fn choose<'a>(
    tx: &mut Tx<'_>,
    ways: &[Way<'a>],
    names: Names<'_>,
) -> Result<(Way<'a>, Option<String>), StoreError> {
    let mut best: Option<(Way, Reach)> = None;
    for way in ways {
        let reach = reach(tx, *way, names).await?;
        // Cut off, it would miss the newest as likely as the oldest.
        let is_usable = way.is_in_order() || reach.n < DEPTH;
        if is_usable && best.as_ref().is_none_or(|(_, shortest)| reach < *shortest) {
            best = Some((*way, reach));
        }
    }
    let (way, reach) = best.expect("one way at least is in order");
    Ok((way, reach.oldest.filter(|_| reach.n == DEPTH)))
}

async fn reach(tx: &mut Tx<'_>, way: Way<'_>, names: Names<'_>) -> Result<Reach, StoreError> {
    macro_rules! reach {
        ($name:literal, $rows:expr) => {
            concat!(
                "select count(*) as n, min(passed.id) as oldest from (select ",
                $name,
                " as id ",
                $rows,
                " limit $3) as passed"
            )
        };
    }
    const ALL: &str = reach!(
        "i.id",
        "from orders i where i.id < $1 and i.id >= $2 order by i.id desc"
    );
    const USER: &str = reach!(
        "i.id",
        "from orders i where i.user_id = $4 and i.id < $1 and i.id >= $2 order by i.id desc"
    );
    const STATUS: &str = reach!(
        "i.id",
        concat!(
            "from orders i where ",
            status_of!("i"),
            " = $4 and i.id < $1 and i.id >= $2 order by i.id desc"
        )
    );
    const METHOD: &str = reach!(
        "m.order_id",
        "from payments m where m.method = $4 and m.order_id < $1 and m.order_id >= $2 order by m.order_id desc"
    );
    const AMOUNT: &str = reach!(
        "i.id",
        "from orders i where i.amount = $4 and i.id < $1 and i.id >= $2 order by i.id desc"
    );
    // Without its names, or a span of time that holds none of the amounts would be looked for to the end.
    const AMOUNTS: &str = reach!("i.id", "from orders i where i.amount >= $1 and i.amount <= $2");
    // `cross`: SQLite takes the incidents first, and not all payments.
    const ATTENTION: &str = reach!(
        "p.order_id",
        "from incidents i cross join payments p
            where p.id = i.payment_id and i.resolved_at is null and p.order_id < $1 and p.order_id >= $2"
    );
    macro_rules! row {
        ($sql:expr $(, $value:expr)?) => {
            on!(tx, $sql, fetch_one, |query| query
                .persistent(false)
                .bind(names.below)
                .bind(names.from)
                .bind(DEPTH)
                $(.bind($value))?)
        };
    }
    let reach = match way {
        Way::All => row!(ALL)?,
        Way::User(user_id) => row!(USER, user_id)?,
        Way::Status(status) => row!(STATUS, status)?,
        Way::Method(method) => row!(METHOD, method)?,
        Way::Amount(fen) => row!(AMOUNT, fen)?,
        Way::Attention => row!(ATTENTION)?,
        Way::Amounts(least, most) => on!(tx, AMOUNTS, fetch_one, |query| query
            .persistent(false)
            .bind(least)
            .bind(most)
            .bind(DEPTH))?,
    };
    Ok(reach)
}

/// Newest first between two names. The method is no `exists`, for which PostgreSQL may gather all payments of a method.
macro_rules! list_orders {
    ($from:literal, $id:literal, $way:expr) => {
        select_order!(
            "join (select i.id ",
            $from,
            " where ",
            $id,
            " < $1 and ",
            $id,
            " >= $2
                    and (cast($3 as text) is null or i.user_id = $3)
                    and (cast($4 as text) is null or ",
            status_of!("i"),
            " = $4)
                    and (cast($5 as text) is null
                        or $5 = (select p.method from payments p where p.order_id = i.id and p.method = $5 limit 1))
                    and (cast($6 as bigint) is null or i.amount >= $6)
                    and (cast($7 as bigint) is null or i.amount <= $7)
                    and (cast($9 as bigint) is null or exists (select 1
                        from incidents a join payments p on p.id = a.payment_id
                        where p.order_id = i.id and a.resolved_at is null))",
            $way,
            " limit $8) as hit on hit.id = o.id
            order by o.id desc"
        )
    };
}

async fn list(
    tx: &mut Tx<'_>,
    way: Way<'_>,
    filter: Filter<'_>,
    names: Names<'_>,
    limit: i64,
) -> Result<Vec<Order>, StoreError> {
    const ALL: &str = list_orders!("from orders i", "i.id", " order by i.id desc");
    const USER: &str = list_orders!(
        "from orders i",
        "i.id",
        " and i.user_id = $3 order by i.user_id desc, i.id desc"
    );
    // By name alone: SQLite does not see that what equals an expression is in its order.
    const STATUS: &str = list_orders!(
        "from orders i",
        "i.id",
        concat!(" and ", status_of!("i"), " = $4 order by i.id desc")
    );
    const AMOUNT: &str = list_orders!(
        "from orders i",
        "i.id",
        " and i.amount = $6 order by i.amount desc, i.id desc"
    );
    // `|| ''` keeps an engine from going through all orders by name instead.
    const AMOUNTS: &str = list_orders!(
        "from orders i",
        "i.id || ''",
        " and i.amount >= $6 and i.amount <= $7 order by i.id || '' desc"
    );
    const ATTENTION: &str = list_orders!(
        "from orders i",
        "i.id || ''",
        " and i.id in (select p.order_id
                from incidents a join payments p on p.id = a.payment_id where a.resolved_at is null)
            order by i.id || '' desc"
    );
    // The last payment of its method speaks for its order, so that no order is there twice.
    const METHOD: &str = list_orders!(
        "from payments m join orders i on i.id = m.order_id",
        "m.order_id",
        " and m.method = $5
            and not exists (select 1 from payments n
                where n.method = m.method and n.order_id = m.order_id and n.id > m.id)
            order by m.method desc, m.order_id desc"
    );
    let (least, most) = match way {
        Way::Amounts(least, most) => (Some(least), Some(most)),
        _ => (filter.least, filter.most),
    };
    let sql = match way {
        Way::All => ALL,
        Way::User(_) => USER,
        Way::Status(_) => STATUS,
        Way::Method(_) => METHOD,
        Way::Amount(_) => AMOUNT,
        Way::Amounts(..) => AMOUNTS,
        Way::Attention => ATTENTION,
    };
    let rows: Vec<OrderRow> = on!(tx, sql, fetch_all, |query| query
        .persistent(false)
        .bind(names.below)
        .bind(names.from)
        .bind(filter.user_id)
        .bind(filter.status)
        .bind(filter.method)
        .bind(least)
        .bind(most)
        .bind(limit)
        .bind(filter.needs_attention.then_some(1_i64)))?;
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
