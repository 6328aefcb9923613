//! Order search: by any number or its end, an amount, a user, or a part of those and of the subject; with filters that
//! combine.

use std::cmp::{Ordering, Reverse};

use domain::{Method, Money, Order, OrderId, OrderStatus, Timestamp};
use futures_util::FutureExt;

use crate::model::sort::{Age, OrderSort};
use crate::pagination::{Span, page};
use crate::store::search::largest::{self, FoundLargest, Place};
use crate::store::search::{self, Filter, Found};
use crate::store::{StoreError, Tx, orders};
use crate::{Error, Page, Services};

/// Search query. Everything that is set must match.
#[derive(Debug, Clone, Default)]
pub struct OrderQuery {
    /// A number of any kind or its end, an amount of yuan, a user, or a part of a number, of a user or of a subject.
    pub text: Option<String>,
    /// Takes the text as a part, also when it is a user or an amount.
    pub anywhere: bool,
    pub status: Option<OrderStatus>,
    /// Method of one of its payments.
    pub method: Option<Method>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub least: Option<Money>,
    pub most: Option<Money>,
    /// It has an open incident.
    pub needs_attention: bool,
    pub sort: OrderSort,
    /// `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
    pub limit: u32,
}

/// Page of search results.
#[derive(Debug)]
pub struct FoundOrders {
    pub page: Page<Order>,
    /// Meaning that the text was taken in.
    pub taken_as: TakenAs,
    /// The scan was cut off there: there may be more beyond it, and the next page goes on there.
    pub looked_to: Option<LookedTo>,
}

/// Place at which a scan was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookedTo {
    At(Timestamp),
    Amount(Money),
}

/// Meaning that a search text was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenAs {
    /// There is no text.
    Nothing,
    /// A number, or the end of one.
    Number,
    /// A user or an amount.
    UserOrAmount,
    /// A part of a number, of a user or of a subject.
    Part,
}

/// Finds the one order that a number or its end belongs to, so that the list is skipped.
pub async fn find_exact(services: &Services, text: &str) -> Result<Option<OrderId>, Error> {
    let found = services
        .db
        .snapshot(|tx| async move { find_numbered(tx, text).await }.boxed())
        .await?;
    Ok(match &found[..] {
        [only] => Some(only.clone()),
        _ => None,
    })
}

/// Orders with this number; or with its end, unless the text is a user or an amount.
async fn find_numbered(tx: &mut Tx<'_>, text: &str) -> Result<Vec<OrderId>, StoreError> {
    let numbered = search::find_by_any_number(tx, text).await?;
    if !numbered.is_empty() || search::is_user_or_amount(tx, text, amount_in(text).map(Money::fen)).await? {
        return Ok(numbered);
    }
    search::find_by_last_digits(tx, text).await
}

/// Orders in the order of the query.
pub async fn find_orders(services: &Services, query: &OrderQuery) -> Result<FoundOrders, Error> {
    services
        .db
        .snapshot(|tx| async move { find_in_snapshot(tx, query).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Sums of all orders that a query finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrderTotals {
    pub n_orders: i64,
    pub amount_fen: i64,
    pub refunded_fen: i64,
    /// Only so many of the newest were summed.
    pub only_newest: Option<i64>,
}

impl OrderTotals {
    fn of(orders: &[Order]) -> OrderTotals {
        OrderTotals {
            n_orders: i64::try_from(orders.len()).unwrap_or(i64::MAX),
            amount_fen: orders.iter().map(|order| order.amount.fen()).sum(),
            refunded_fen: orders.iter().map(|order| order.refunded.fen()).sum(),
            only_newest: None,
        }
    }

    /// Sums of both sets, of which `common` is in each.
    fn union(left: OrderTotals, right: OrderTotals, common: OrderTotals) -> OrderTotals {
        OrderTotals {
            n_orders: left.n_orders + right.n_orders - common.n_orders,
            amount_fen: left.amount_fen + right.amount_fen - common.amount_fen,
            refunded_fen: left.refunded_fen + right.refunded_fen - common.refunded_fen,
            only_newest: left.only_newest.or(right.only_newest),
        }
    }
}

/// Sums all orders of a query, whatever its page.
pub async fn find_order_totals(services: &Services, query: &OrderQuery) -> Result<OrderTotals, Error> {
    services
        .db
        .snapshot(|tx| async move { sum_orders(tx, query).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn sum_orders(tx: &mut Tx<'_>, query: &OrderQuery) -> Result<OrderTotals, StoreError> {
    let (from, below) = span_of(query, None).names();
    let names = search::IdRange {
        from: &from,
        below: &below,
    };
    let pattern = query.text.as_deref().map(search::pattern_within);
    let (first, second) = match interpret_text(tx, query, pattern.as_deref(), names).await? {
        Meaning::Numbered(found) => return Ok(OrderTotals::of(&found.orders)),
        Meaning::Filtered(_, first, second) => (first, second),
    };
    let of_first = sum_of(tx, first, names).await?;
    let Some(second) = second else { return Ok(of_first) };
    let of_second = sum_of(tx, second, names).await?;
    let both = Filter {
        user_id: first.user_id,
        ..second
    };
    let of_both = sum_of(tx, both, names).await?;
    Ok(OrderTotals::union(of_first, of_second, of_both))
}

async fn sum_of(
    tx: &mut Tx<'_>,
    filter: Filter<'_>,
    range: search::IdRange<'_>,
) -> Result<OrderTotals, StoreError> {
    let sums = search::sum(tx, filter, range).await?;
    Ok(OrderTotals {
        n_orders: sums.n,
        amount_fen: sums.amount,
        refunded_fen: sums.refunded,
        only_newest: sums.is_cut_off.then_some(if filter.pattern.is_some() {
            search::DEPTH
        } else {
            search::TOTALS_DEPTH
        }),
    })
}

fn filter_of(query: &OrderQuery) -> Filter<'_> {
    Filter {
        user_id: None,
        status: query.status.map(OrderStatus::as_str),
        method: query.method.map(Method::as_str),
        least: query.least.map(Money::fen),
        most: query.most.map(Money::fen),
        needs_attention: query.needs_attention,
        pattern: None,
    }
}

/// The filter for the amount that a text means.
fn narrowed_to<'a>(text: &str, filter: Filter<'a>) -> Option<Filter<'a>> {
    let amount = amount_in(text).map(Money::fen)?;
    Some(Filter {
        least: Some(filter.least.map_or(amount, |least| least.max(amount))),
        most: Some(filter.most.map_or(amount, |most| most.min(amount))),
        ..filter
    })
}

async fn find_in_snapshot(tx: &mut Tx<'_>, query: &OrderQuery) -> Result<FoundOrders, StoreError> {
    let limit = i64::from(query.limit) + 1;
    let (taken_as, found) = match query.sort {
        OrderSort::Newest => search_by_age(tx, query, Age::Newest, limit).await?,
        OrderSort::Oldest => search_by_age(tx, query, Age::Oldest, limit).await?,
        OrderSort::Largest => search_largest(tx, query, limit).await?,
    };
    let mut page = page(found.orders, query.limit, |order: &Order| order.id.to_string());
    let mut looked_to = None;
    if let (None, Some(last)) = (&page.next_cursor, found.looked_to) {
        let id = OrderId::parse(&last).ok_or(StoreError::Corrupt("orders.id"))?;
        looked_to = orders::find(tx, &id).await?.map(|order| match query.sort {
            OrderSort::Newest | OrderSort::Oldest => LookedTo::At(order.created_at),
            OrderSort::Largest => LookedTo::Amount(order.amount),
        });
        page.next_cursor = Some(last);
    }
    Ok(FoundOrders {
        page,
        taken_as,
        looked_to,
    })
}

async fn search_by_age(
    tx: &mut Tx<'_>,
    query: &OrderQuery,
    age: Age,
    limit: i64,
) -> Result<(TakenAs, Found), StoreError> {
    let (from, below) = &span_of(query, query.cursor.as_deref()).names_in(age, OrderId::floor);
    let names = search::IdRange { from, below };
    let pattern = query.text.as_deref().map(search::pattern_within);
    let (taken_as, first, second) = match interpret_text(tx, query, pattern.as_deref(), names).await? {
        Meaning::Numbered(found) => {
            return Ok((TakenAs::Number, merge_found(age, found, Found::default(), limit)));
        }
        Meaning::Filtered(taken_as, first, second) => (taken_as, first, second),
    };
    let found = search::find(tx, first, names, age, limit).await?;
    let Some(second) = second else {
        return Ok((taken_as, found));
    };
    let others = search::find(tx, second, names, age, limit).await?;
    Ok((taken_as, merge_found(age, found, others, limit)))
}

/// Searches by amount. The cursor is an order too: the next page begins after its place.
async fn search_largest(
    tx: &mut Tx<'_>,
    query: &OrderQuery,
    limit: i64,
) -> Result<(TakenAs, Found), StoreError> {
    let (from, below) = &span_of(query, None).names();
    let names = search::IdRange { from, below };
    let after = match query.cursor.as_deref() {
        Some(id) => largest::find_place(tx, id).await?,
        None => None,
    };
    let after = after.as_ref();
    let pattern = query.text.as_deref().map(search::pattern_within);
    let (taken_as, first, second) = match interpret_text(tx, query, pattern.as_deref(), names).await? {
        // A number is the end of twenty orders at most, which are one page.
        Meaning::Numbered(mut found) => {
            found
                .orders
                .sort_by_key(|order| Reverse((order.amount, order.id.clone())));
            return Ok((TakenAs::Number, found));
        }
        Meaning::Filtered(taken_as, first, second) => (taken_as, first, second),
    };
    let mut found = largest::find_largest(tx, first, names, after, limit).await?;
    if let Some(second) = second {
        let others = largest::find_largest(tx, second, names, after, limit).await?;
        found = merge_largest(found, others, limit);
    }
    let found = Found {
        orders: found.orders,
        looked_to: found.looked_to.map(|place| place.id.to_string()),
    };
    Ok((taken_as, found))
}

/// Merges both lists, as far as both were scanned.
fn merge_largest(left: FoundLargest, right: FoundLargest, limit: i64) -> FoundLargest {
    let key = |place: &Place| (place.amount, place.id.clone());
    let looked_to = [left.looked_to, right.looked_to]
        .into_iter()
        .flatten()
        .max_by_key(key);
    let is_scanned = |order: &Order| {
        let last = looked_to.as_ref();
        last.is_none_or(|last| key(&Place::of(order)) >= key(last))
    };
    let compare = |left: &Order, right: &Order| key(&Place::of(right)).cmp(&key(&Place::of(left)));
    let orders = merge_orders(left.orders, right.orders, is_scanned, compare, limit);
    FoundLargest { orders, looked_to }
}

fn span_of<'a>(query: &OrderQuery, cursor: Option<&'a str>) -> Span<'a> {
    Span {
        from: query.from,
        to: query.to,
        cursor,
    }
}

/// Orders that a query means.
enum Meaning<'a> {
    /// Orders with the number that was typed, or with its end.
    Numbered(Found),
    /// Orders of a filter, and of a second one: a text may be a user or an amount.
    Filtered(TakenAs, Filter<'a>, Option<Filter<'a>>),
}

async fn interpret_text<'a>(
    tx: &mut Tx<'_>,
    query: &'a OrderQuery,
    pattern: Option<&'a str>,
    names: search::IdRange<'_>,
) -> Result<Meaning<'a>, StoreError> {
    let filter = filter_of(query);
    let Some(text) = query.text.as_deref() else {
        return Ok(Meaning::Filtered(TakenAs::Nothing, filter, None));
    };
    let of_part = Filter { pattern, ..filter };
    if query.anywhere {
        return Ok(Meaning::Filtered(TakenAs::Part, of_part, None));
    }
    let numbered = find_numbered(tx, text).await?;
    if !numbered.is_empty() {
        let found = search::find_among(tx, &numbered, filter, names).await?;
        return Ok(Meaning::Numbered(found));
    }
    if !search::is_user_or_amount(tx, text, amount_in(text).map(Money::fen)).await? {
        return Ok(Meaning::Filtered(TakenAs::Part, of_part, None));
    }
    let of_user = Filter {
        user_id: Some(text),
        ..filter
    };
    Ok(Meaning::Filtered(
        TakenAs::UserOrAmount,
        of_user,
        narrowed_to(text, filter),
    ))
}

/// Merges both lists, as far as both were scanned.
fn merge_found(age: Age, left: Found, right: Found, limit: i64) -> Found {
    let looked_to = match age {
        Age::Newest => left.looked_to.max(right.looked_to),
        Age::Oldest => [left.looked_to, right.looked_to].into_iter().flatten().min(),
    };
    let is_scanned = |order: &Order| {
        looked_to.as_deref().is_none_or(|last| match age {
            Age::Newest => order.id.as_str() >= last,
            Age::Oldest => order.id.as_str() <= last,
        })
    };
    let compare = |left: &Order, right: &Order| match age {
        Age::Newest => right.id.cmp(&left.id),
        Age::Oldest => left.id.cmp(&right.id),
    };
    let orders = merge_orders(left.orders, right.orders, is_scanned, compare, limit);
    Found { orders, looked_to }
}

/// Merges the scanned orders of two lists into one order, each once.
fn merge_orders(
    left: Vec<Order>,
    right: Vec<Order>,
    is_scanned: impl Fn(&Order) -> bool,
    compare: impl Fn(&Order, &Order) -> Ordering,
    limit: i64,
) -> Vec<Order> {
    let mut orders = left;
    orders.extend(right);
    orders.retain(is_scanned);
    orders.sort_by(compare);
    orders.dedup_by(|left, right| left.id == right.id);
    orders.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    orders
}

/// Parses an amount: `¥1,234.50` and `1234.5` are the same.
fn amount_in(text: &str) -> Option<Money> {
    let plain: String = text
        .trim_start_matches(['¥', '￥'])
        .chars()
        .filter(|c| !matches!(c, ',' | ' '))
        .collect();
    Money::parse_yuan(&plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for text in ["¥1,234.50", "1234.5", "￥1,234.50", "1 234.50"] {
            assert_eq!(amount_in(text).map(Money::fen), Some(123_450), "{text}");
        }
        assert_eq!(amount_in("u1"), None);
    }
}
