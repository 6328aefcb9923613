//! Order search: any number leads to its order, and a list is read from the index that fits it best.
//!
//! A list has one SQL text per access path. One text with every filter optional would leave both engines without a usable
//! index, and a million rows to scan. The shortest path is found by counting first; the scan of the chosen path is limited,
//! and the next page goes on there. No statement here is prepared persistently: after some uses PostgreSQL would keep one
//! plan for all values, which is a bad one for rare values.

pub mod depth;
pub mod largest;
mod shortest;

use domain::{Order, OrderId};

use self::depth::narrow;
use self::shortest::choose_path;
use super::orders::{OrderRow, select_order, status_of};
use super::{StoreError, Tx, on, parse_rows};
use crate::model::sort::{Age, next_id};

/// Maximum of orders that a list scans before it answers, however few of them match.
pub const DEPTH: i64 = 5_000;
/// The same for the totals of a list.
pub const TOTALS_DEPTH: i64 = 20_000;

/// Filter of orders. `None`: anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub user_id: Option<&'a str>,
    pub status: Option<&'a str>,
    /// Method of one of its payments.
    pub method: Option<&'a str>,
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// One of its payments has an open incident.
    pub needs_attention: bool,
    /// Pattern of [`pattern_within`] that its number, its subject, its user or a number of its payments has.
    pub pattern: Option<&'a str>,
}

impl Filter<'_> {
    /// Whether every order on this one path matches, so that nothing has to be scanned for others.
    fn is_all_of(&self, path: AccessPath<'_>) -> bool {
        path.is_in_order() && self.pattern.is_none()
    }
}

/// Pattern of `like` for a text anywhere in another, with `~` before signs that have a meaning.
pub fn pattern_within(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for sign in text.to_lowercase().chars() {
        if matches!(sign, '%' | '_' | '~') {
            pattern.push('~');
        }
        pattern.push(sign);
    }
    pattern.push('%');
    pattern
}

/// Result of a search.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of the list.
    pub orders: Vec<Order>,
    /// Id of the last order that was scanned, when the scan was cut off there.
    pub looked_to: Option<String>,
}

/// Sums of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    pub n: i64,
    pub amount: i64,
    pub refunded: i64,
    /// There are more than [`TOTALS_DEPTH`] on the way, and only the newest were summed.
    pub is_cut_off: bool,
}

/// Access path of a list. All but the last two use an index in the list's own order.
#[derive(Debug, Clone, Copy)]
enum AccessPath<'a> {
    All,
    User(&'a str),
    Status(&'a str),
    Method(&'a str),
    Amount(i64),
    Amounts(i64, i64),
    Attention,
}

/// Span of ids: from the first on, below the second.
#[derive(Debug, Clone, Copy)]
pub struct IdRange<'a> {
    pub from: &'a str,
    pub below: &'a str,
}

impl<'a> Filter<'a> {
    /// Every path that contains all matching orders.
    fn access_paths(&self) -> Vec<AccessPath<'a>> {
        let amounts = match (self.least, self.most) {
            (None, None) => None,
            (Some(least), Some(most)) if least == most => Some(AccessPath::Amount(least)),
            (least, most) => Some(AccessPath::Amounts(least.unwrap_or(0), most.unwrap_or(i64::MAX))),
        };
        let access_paths = [
            self.user_id.map(AccessPath::User),
            self.status.map(AccessPath::Status),
            self.method.map(AccessPath::Method),
            amounts,
            self.needs_attention.then_some(AccessPath::Attention),
        ];
        let mut access_paths: Vec<AccessPath> = access_paths.into_iter().flatten().collect();
        if access_paths.iter().all(|path| !path.is_in_order()) {
            access_paths.push(AccessPath::All);
        }
        access_paths
    }
}

impl AccessPath<'_> {
    const fn is_in_order(self) -> bool {
        !matches!(self, AccessPath::Amounts(..) | AccessPath::Attention)
    }
}

/// First matching orders by age, up to the requested number, as far as [`DEPTH`] reaches.
pub async fn find(
    tx: &mut Tx<'_>,
    filter: Filter<'_>,
    range: IdRange<'_>,
    age: Age,
    limit: i64,
) -> Result<Found, StoreError> {
    let (path, looked_to) = match filter.access_paths()[..] {
        [path] if filter.is_all_of(path) => (path, None),
        ref access_paths => choose_path(tx, access_paths, range, age, DEPTH).await?,
    };
    let (from, below) = &narrow(age, range, looked_to.as_deref());
    Ok(Found {
        orders: list_by_path(tx, path, filter, IdRange { from, below }, age, limit).await?,
        looked_to,
    })
}

/// Sums the matching orders, as far back as [`TOTALS_DEPTH`] reaches.
pub async fn sum(tx: &mut Tx<'_>, filter: Filter<'_>, range: IdRange<'_>) -> Result<Sums, StoreError> {
    // A pattern is compared with more than the order's own row.
    let depth = if filter.pattern.is_some() {
        DEPTH
    } else {
        TOTALS_DEPTH
    };
    let (path, looked_to) = match filter.access_paths()[..] {
        [path] if filter.is_all_of(path) => (path, None),
        ref access_paths => choose_path(tx, access_paths, range, Age::Newest, depth).await?,
    };
    let from = looked_to.as_deref().unwrap_or(range.from);
    let row: SumsRow = sum_path(tx, path, filter, IdRange { from, ..range }).await?;
    Ok(Sums {
        n: row.n,
        amount: row.amount,
        refunded: row.refunded,
        is_cut_off: looked_to.is_some() || row.n == TOTALS_DEPTH,
    })
}

/// Filters these few orders, newest first.
pub async fn find_among(
    tx: &mut Tx<'_>,
    ids: &[OrderId],
    filter: Filter<'_>,
    range: IdRange<'_>,
) -> Result<Found, StoreError> {
    let mut orders = Vec::new();
    for id in ids {
        let next = next_id(id.as_str());
        let alone = IdRange {
            from: range.from.max(id.as_str()),
            below: range.below.min(&next),
        };
        orders.extend(list_by_path(tx, AccessPath::All, filter, alone, Age::Newest, 1).await?);
    }
    Ok(Found {
        orders,
        looked_to: None,
    })
}

#[derive(sqlx::FromRow)]
struct SumsRow {
    n: i64,
    amount: i64,
    refunded: i64,
}

/// The orders between two ids that match. The method is no `exists`, for which PostgreSQL may gather all payments of a method.
macro_rules! matching {
    ($from:literal, $id:literal, $path:expr) => {
        concat!(
            $from,
            " where ",
            $id,
            " < $1 and ",
            $id,
            " >= $2
                    and (cast($3 as text) is null or i.user_id = $3)
                    and (cast($4 as text) is null or ",
            $crate::store::orders::status_of!("i"),
            " = $4)
                    and (cast($5 as text) is null
                        or $5 = (select p.method from payments p where p.order_id = i.id and p.method = $5 limit 1))
                    and (cast($6 as bigint) is null or i.amount >= $6)
                    and (cast($7 as bigint) is null or i.amount <= $7)
                    and (cast($9 as bigint) is null or exists (select 1
                        from incidents a join payments p on p.id = a.payment_id
                        where p.order_id = i.id and a.resolved_at is null))
                    and (cast($10 as text) is null
                        or lower(i.order_no) like $10 escape '~'
                        or lower(i.user_id) like $10 escape '~'
                        or lower(i.subject) like $10 escape '~'
                        or 0 < (select count(*) from payments p where p.order_id = i.id
                            and (lower(p.payment_no) like $10 escape '~'
                                or lower(p.transaction_id) like $10 escape '~')))",
            $path,
            " limit $8"
        )
    };
}

use matching;

macro_rules! list_newest {
    ($from:literal, $id:literal, $path:expr) => {
        list_orders!($from, $id, $path, "order by o.id desc")
    };
}

macro_rules! list_oldest {
    ($from:literal, $id:literal, $path:expr) => {
        list_orders!($from, $id, $path, "order by o.id asc")
    };
}

macro_rules! list_orders {
    ($from:literal, $id:literal, $path:expr, $order:literal) => {
        select_order!(
            "join (select i.id ",
            matching!($from, $id, $path),
            ") as hit on hit.id = o.id ",
            $order
        )
    };
}

macro_rules! sum_orders {
    ($from:literal, $id:literal, $path:expr) => {
        concat!(
            "select count(*) as n, cast(coalesce(sum(hit.amount), 0) as bigint) as amount,
                cast(coalesce(sum(hit.refunded), 0) as bigint) as refunded
            from (select i.amount, i.refunded ",
            matching!($from, $id, $path),
            ") as hit"
        )
    };
}

/// The SQL text of an access path in one direction: `$make` writes the statement around it.
macro_rules! sql_of {
    ($make:ident, $way:literal, $path:expr) => {{
        const ALL: &str = $make!("from orders i", "i.id", concat!(" order by i.id ", $way));
        const USER: &str = $make!(
            "from orders i",
            "i.id",
            concat!(" and i.user_id = $3 order by i.user_id ", $way, ", i.id ", $way)
        );
        // By id alone: SQLite does not see that rows equal in an expression are in index order.
        const STATUS: &str = $make!(
            "from orders i",
            "i.id",
            concat!(" and ", status_of!("i"), " = $4 order by i.id ", $way)
        );
        const AMOUNT: &str = $make!(
            "from orders i",
            "i.id",
            concat!(" and i.amount = $6 order by i.amount ", $way, ", i.id ", $way)
        );
        // `|| ''` keeps an engine from scanning all orders by id instead.
        const AMOUNTS: &str = $make!(
            "from orders i",
            "i.id || ''",
            concat!(
                " and i.amount >= $6 and i.amount <= $7 order by i.id || '' ",
                $way
            )
        );
        const ATTENTION: &str = $make!(
            "from orders i",
            "i.id || ''",
            concat!(
                " and i.id in (select p.order_id
                from incidents a join payments p on p.id = a.payment_id where a.resolved_at is null)
            order by i.id || '' ",
                $way
            )
        );
        // Only the last payment of its method represents its order, so that no order is listed twice.
        const METHOD: &str = $make!(
            "from payments m join orders i on i.id = m.order_id",
            "m.order_id",
            concat!(
                " and m.method = $5
            and not exists (select 1 from payments n
                where n.method = m.method and n.order_id = m.order_id and n.id > m.id)
            order by m.method ",
                $way,
                ", m.order_id ",
                $way
            )
        );
        match $path {
            AccessPath::All => ALL,
            AccessPath::User(_) => USER,
            AccessPath::Status(_) => STATUS,
            AccessPath::Method(_) => METHOD,
            AccessPath::Amount(_) => AMOUNT,
            AccessPath::Amounts(..) => AMOUNTS,
            AccessPath::Attention => ATTENTION,
        }
    }};
}

/// Runs the statement of a path with the values of its filter.
macro_rules! run_path {
    ($tx:expr, $sql:expr, $path:expr, $filter:expr, $range:expr, $limit:expr, $fetch:ident) => {{
        let (least, most) = match $path {
            AccessPath::Amounts(least, most) => (Some(least), Some(most)),
            _ => ($filter.least, $filter.most),
        };
        let sql: &'static str = $sql;
        on!($tx, sql, $fetch, |query| query
            .persistent(false)
            .bind($range.below)
            .bind($range.from)
            .bind($filter.user_id)
            .bind($filter.status)
            .bind($filter.method)
            .bind(least)
            .bind(most)
            .bind($limit)
            .bind($filter.needs_attention.then_some(1_i64))
            .bind($filter.pattern))
    }};
}

async fn list_by_path(
    tx: &mut Tx<'_>,
    path: AccessPath<'_>,
    filter: Filter<'_>,
    range: IdRange<'_>,
    age: Age,
    limit: i64,
) -> Result<Vec<Order>, StoreError> {
    let sql = match age {
        Age::Newest => sql_of!(list_newest, "desc", path),
        Age::Oldest => sql_of!(list_oldest, "asc", path),
    };
    let rows: Vec<OrderRow> = run_path!(tx, sql, path, filter, range, limit, fetch_all)?;
    parse_rows(rows)
}

async fn sum_path(
    tx: &mut Tx<'_>,
    path: AccessPath<'_>,
    filter: Filter<'_>,
    range: IdRange<'_>,
) -> Result<SumsRow, StoreError> {
    Ok(run_path!(
        tx,
        sql_of!(sum_orders, "desc", path),
        path,
        filter,
        range,
        TOTALS_DEPTH,
        fetch_one
    )?)
}

/// Orders with this number, or whose payments or refunds have it, here or at a gateway.
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

/// Shortest end of a number that is looked up: bills of the gateways and of payers' banks show no fewer digits.
pub const LAST_DIGITS: usize = 6;

/// Orders with a number that ends with this one, or whose payments have such a number, newest first.
pub async fn find_by_last_digits(tx: &mut Tx<'_>, end: &str) -> Result<Vec<OrderId>, StoreError> {
    // The first condition of each is an index; the second compares the rest of a longer end.
    const SQL: &str = "
        select o.id as id from orders o
        where substr(o.order_no, length(o.order_no) - 5) = $1 and o.order_no like $2 escape '~'
        union
        select p.order_id from payments p
        where substr(p.payment_no, length(p.payment_no) - 5) = $1 and p.payment_no like $2 escape '~'
        union
        select p.order_id from payments p
        where p.transaction_id is not null and substr(p.transaction_id, length(p.transaction_id) - 5) = $1
            and p.transaction_id like $2 escape '~'
        order by id desc
        limit 20";
    let Some(digits) = last_digits(end) else {
        return Ok(Vec::new());
    };
    let pattern = format!("%{end}");
    let rows: Vec<(String,)> = on!(tx, SQL, fetch_all, |query| query
        .bind(digits)
        .bind(pattern.as_str()))?;
    rows.iter()
        .map(|(id,)| OrderId::parse(id).ok_or(StoreError::Corrupt("orders.id")))
        .collect()
}

/// The last six signs of an end of a number.
fn last_digits(end: &str) -> Option<&str> {
    let is_end = end.len() >= LAST_DIGITS && end.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_end.then(|| &end[end.len() - LAST_DIGITS..])
}

/// Whether any order has this user, or this amount.
pub async fn is_user_or_amount(
    tx: &mut Tx<'_>,
    user_id: &str,
    amount: Option<i64>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        select (select count(*) from (select 1 from orders where user_id = $1 limit 1) as of_user)
            + (select count(*) from (select 1 from orders where amount = $2 limit 1) as of_amount)";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query.bind(user_id).bind(amount))?;
    Ok(n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_with_a_meaning_are_searched_as_they_are() {
        assert_eq!(pattern_within("100%_A~"), "%100~%~_a~~%");
        assert_eq!(last_digits("1234567"), Some("234567"));
        assert_eq!((last_digits("12345"), last_digits("1234_6")), (None, None));
    }
}
