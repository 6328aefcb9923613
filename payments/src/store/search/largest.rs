//! Orders by their amount, the largest first: read from the index of amounts, of which a limited number is scanned.

use domain::{Money, Order, OrderId};

use super::super::orders::{OrderRow, select_order};
use super::super::{StoreError, Tx, on, parse_rows};
use super::{DEPTH, Filter, IdRange, matching};

/// Orders that were found, the largest first.
#[derive(Debug)]
pub struct FoundLargest {
    pub orders: Vec<Order>,
    /// Last order that was scanned, when the scan was cut off there.
    pub looked_to: Option<Place>,
}

/// Place of an order in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub amount: Money,
    pub id: OrderId,
}

impl Place {
    pub fn of(order: &Order) -> Place {
        Place {
            amount: order.amount,
            id: order.id.clone(),
        }
    }
}

/// Bounds of a scan that begins at the largest amount.
const NO_PLACE: (i64, &str) = (i64::MAX, "");

/// Matching orders after a place, up to the requested number, as far as [`DEPTH`] reaches.
pub async fn find_largest(
    tx: &mut Tx<'_>,
    filter: Filter<'_>,
    range: IdRange<'_>,
    after: Option<&Place>,
    limit: i64,
) -> Result<FoundLargest, StoreError> {
    const SQL: &str = select_order!(
        "join (select i.id ",
        matching!(
            "from (
                select s.id, s.order_no, s.user_id, s.subject, s.amount, s.state, s.refunded
                from orders s
                where (s.amount, s.id) < ($11, $12)
                order by s.amount desc, s.id desc
                limit $13) as i",
            "i.id",
            " order by i.amount desc, i.id desc"
        ),
        ") as hit on hit.id = o.id
        order by o.amount desc, o.id desc"
    );
    // Larger amounts than the greatest that is wanted are not scanned.
    let top = filter.most.map(|most| (most.saturating_add(1), ""));
    let place = after.map(|place| (place.amount.fen(), place.id.as_str()));
    let (amount, id) = place.into_iter().chain(top).min().unwrap_or(NO_PLACE);
    let rows: Vec<OrderRow> = on!(tx, SQL, fetch_all, |query| query
        .persistent(false)
        .bind(range.below)
        .bind(range.from)
        .bind(filter.user_id)
        .bind(filter.status)
        .bind(filter.method)
        .bind(filter.least)
        .bind(filter.most)
        .bind(limit)
        .bind(filter.needs_attention.then_some(1_i64))
        .bind(filter.pattern)
        .bind(amount)
        .bind(id)
        .bind(DEPTH))?;
    Ok(FoundLargest {
        orders: parse_rows(rows)?,
        looked_to: find_cut_off(tx, (amount, id), filter.least).await?,
    })
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    amount: i64,
    id: String,
}

impl TryFrom<PlaceRow> for Place {
    type Error = StoreError;

    fn try_from(row: PlaceRow) -> Result<Place, StoreError> {
        Ok(Place {
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("orders.amount"))?,
            id: OrderId::parse(&row.id).ok_or(StoreError::Corrupt("orders.id"))?,
        })
    }
}

/// Last order of a scan; `None`: it ends before, or below the least amount that is wanted.
async fn find_cut_off(
    tx: &mut Tx<'_>,
    (amount, id): (i64, &str),
    least: Option<i64>,
) -> Result<Option<Place>, StoreError> {
    const SQL: &str = "
        select s.amount, s.id
        from orders s
        where (s.amount, s.id) < ($1, $2) and s.amount >= $3
        order by s.amount desc, s.id desc
        limit 1 offset $4";
    let row: Option<PlaceRow> = on!(tx, SQL, fetch_optional, |query| query
        .persistent(false)
        .bind(amount)
        .bind(id)
        .bind(least.unwrap_or(0))
        .bind(DEPTH - 1))?;
    row.map(Place::try_from).transpose()
}

/// Place of an order; `None`: there is none.
pub async fn find_place(tx: &mut Tx<'_>, id: &str) -> Result<Option<Place>, StoreError> {
    const SQL: &str = "select amount, id from orders where id = $1";
    let row: Option<PlaceRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id))?;
    row.map(Place::try_from).transpose()
}
