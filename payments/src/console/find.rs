//! Finding an order by whatever somebody has: any number, an amount, a user; with filters that combine.

use domain::{Method, Money, Order, OrderId, OrderState, OrderStatus, Timestamp};
use futures_util::FutureExt;

use crate::order::page;
use crate::store::search::{self, Rest, Way};
use crate::store::{StoreError, Tx, orders};
use crate::{Error, Page, Services};

/// What is looked for. Everything that is set must be true of an order.
#[derive(Debug, Clone, Default)]
pub struct OrderQuery {
    /// A number of any kind, an amount of yuan, or a user.
    pub text: Option<String>,
    pub status: Option<OrderStatus>,
    /// One of its payments went this way.
    pub method: Option<Method>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub least: Option<Money>,
    pub most: Option<Money>,
    /// `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
    pub limit: u32,
}

/// The one order that a number belongs to: whoever has a number wants no list.
pub async fn find_the_one(services: &Services, text: &str) -> Result<Option<OrderId>, Error> {
    let found = services
        .db
        .snapshot(|tx| async move { search::find_by_any_number(tx, text).await }.boxed())
        .await
        .map_err(Error::Internal)?;
    Ok(match &found[..] {
        [only] => Some(only.clone()),
        _ => None,
    })
}

/// Newest first.
pub async fn find_orders(services: &Services, query: &OrderQuery) -> Result<Page<Order>, Error> {
    let limit = i64::from(query.limit) + 1;
    let found = services
        .db
        .snapshot(|tx| async move { search(tx, query, limit).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    Ok(page(found, query.limit, |order: &Order| order.id.to_string()))
}

async fn search(tx: &mut Tx<'_>, query: &OrderQuery, limit: i64) -> Result<Vec<Order>, StoreError> {
    let Some(text) = query.text.as_deref() else {
        return list(tx, query, way_of(query), limit).await;
    };
    let numbered = search::find_by_any_number(tx, text).await?;
    if !numbered.is_empty() {
        return those(tx, query, &numbered).await;
    }
    let mut found = list(tx, query, Way::User(text), limit).await?;
    if let Some(amount) = amount_in(text) {
        found.extend(list(tx, query, Way::Amount(amount.fen()), limit).await?);
        found.sort_by(|left, right| right.id.cmp(&left.id));
        found.dedup_by(|left, right| left.id == right.id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(found)
}

/// The few orders of a number, as far as the filters let them through.
async fn those(tx: &mut Tx<'_>, query: &OrderQuery, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
    let mut found = Vec::new();
    for id in ids {
        let order = orders::find(tx, id).await?.ok_or(StoreError::Stale)?;
        let fits = query.status.is_none_or(|status| order.status() == status)
            && query.from.is_none_or(|from| order.created_at >= from)
            && query.to.is_none_or(|to| order.created_at < to)
            && query.least.is_none_or(|least| order.amount >= least)
            && query.most.is_none_or(|most| order.amount <= most)
            && query
                .cursor
                .as_deref()
                .is_none_or(|cursor| order.id.as_str() < cursor);
        if fits {
            found.push(order);
        }
    }
    Ok(found)
}

fn way_of(query: &OrderQuery) -> Way<'static> {
    match (query.method, query.status) {
        (Some(method), _) => Way::Method(method.as_str()),
        (None, Some(status)) => Way::State(state_of(status).0.as_str()),
        (None, None) => Way::All,
    }
}

async fn list(
    tx: &mut Tx<'_>,
    query: &OrderQuery,
    way: Way<'_>,
    limit: i64,
) -> Result<Vec<Order>, StoreError> {
    let (state, refunds) = query.status.map(state_of).unzip();
    let rest = Rest {
        state: state.map(OrderState::as_str),
        method: query.method.map(Method::as_str),
        refunds: refunds.flatten(),
        least: query.least.map(Money::fen),
        most: query.most.map(Money::fen),
    };
    // Ids carry their time, so a span of time is a span of the primary key.
    let below = query.to.map_or_else(end_of_time, OrderId::floor);
    let below = match &query.cursor {
        Some(cursor) if *cursor < below => cursor.clone(),
        _ => below,
    };
    let from = OrderId::floor(query.from.unwrap_or(Timestamp::from_millis(0)));
    search::list(tx, way, rest, &below, &from, limit).await
}

fn end_of_time() -> String {
    OrderId::floor(Timestamp::from_millis((1 << 50) - 1))
}

/// The stored state behind a derived status, and how much of it went back.
const fn state_of(status: OrderStatus) -> (OrderState, Option<&'static str>) {
    match status {
        OrderStatus::Pending => (OrderState::Open, None),
        OrderStatus::Paid => (OrderState::Paid, Some("none")),
        OrderStatus::PartiallyRefunded => (OrderState::Paid, Some("part")),
        OrderStatus::Refunded => (OrderState::Paid, Some("all")),
        OrderStatus::Cancelled => (OrderState::Cancelled, None),
    }
}

/// `¥1,234.50` and `1234.5` are the same amount to who types them.
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
