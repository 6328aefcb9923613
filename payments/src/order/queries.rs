//! Reads of orders.

use domain::{Order, OrderId, OrderNo, OrderStatus, Timestamp};
use futures_util::FutureExt;

use crate::changes::{ChangeFilter, cursor_of};
pub use crate::model::checkout::Checkout;
use crate::model::sort::Age;
use crate::pagination::{Page, Span, page};
use crate::store::orders::ChangedOrders;
use crate::store::payments::facts;
use crate::store::search::{self, Filter, Found, IdRange};
use crate::store::{StoreError, Tx, orders};
use crate::{Error, Services};

#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub status: Option<OrderStatus>,
    pub user_id: Option<String>,
    pub order_no: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    pub changes: ChangeFilter,
    pub limit: u32,
    /// Id after which to go on (newest first): `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
}

pub async fn find_order(services: &Services, id: &OrderId) -> Result<Order, Error> {
    services
        .db
        .read_one(|tx| async move { orders::find(tx, id).await }.boxed())
        .await?
        .ok_or(Error::NotFound)
}

/// Finds an order by the token of its checkout link.
pub async fn find_checkout(services: &Services, token: &str) -> Result<Checkout, Error> {
    services
        .db
        .read_one(|tx| async move { facts::find_checkout(tx, token).await }.boxed())
        .await?
        .ok_or(Error::NotFound)
}

pub(crate) async fn load_checkout(services: &Services, id: &OrderId) -> Result<Checkout, Error> {
    services
        .db
        .read_one(|tx| async move { facts::find_checkout_of(tx, id).await }.boxed())
        .await?
        .ok_or(Error::NotFound)
}

/// Lists orders for a merchant's program. A page that is not full may still have a next one.
pub async fn list_orders(services: &Services, filter: OrderFilter) -> Result<Page<Order>, Error> {
    let filter = &filter;
    if filter.changes.is_set() {
        return list_changed_orders(services, filter).await;
    }
    let found = services
        .db
        .snapshot(|tx| async move { find_listed(tx, filter).await }.boxed())
        .await?;
    let mut page = page(found.orders, filter.limit, |order: &Order| order.id.to_string());
    page.next_cursor = page.next_cursor.or(found.looked_to);
    Ok(page)
}

async fn list_changed_orders(services: &Services, filter: &OrderFilter) -> Result<Page<Order>, Error> {
    let millis = |at: Option<Timestamp>| at.map(Timestamp::millis);
    let wanted = &ChangedOrders {
        user_id: filter.user_id.as_deref(),
        status: filter.status.map(OrderStatus::as_str),
        order_no: filter.order_no.as_deref(),
        created_from: millis(filter.created_from).unwrap_or(0),
        created_to: millis(filter.created_to).unwrap_or(i64::MAX),
        changes: filter.changes,
        cursor: filter.cursor.as_deref(),
    };
    let limit = i64::from(filter.limit) + 1;
    let rows = services
        .db
        .read_one(|tx| async move { orders::list_changed(tx, wanted, limit).await }.boxed())
        .await?;
    Ok(page(rows, filter.limit, |order: &Order| {
        cursor_of(filter.changes, order.updated_at, order.id.as_str())
    }))
}

async fn find_listed(tx: &mut Tx<'_>, filter: &OrderFilter) -> Result<Found, StoreError> {
    let span = Span {
        from: filter.created_from,
        to: filter.created_to,
        cursor: filter.cursor.as_deref(),
    };
    let (from, below) = span.names();
    let names = IdRange {
        from: &from,
        below: &below,
    };
    let wanted = Filter {
        user_id: filter.user_id.as_deref(),
        status: filter.status.map(OrderStatus::as_str),
        ..Filter::default()
    };
    let Some(number) = &filter.order_no else {
        return search::find(tx, wanted, names, Age::Newest, i64::from(filter.limit) + 1).await;
    };
    let ids: Vec<OrderId> = match OrderNo::parse(number) {
        Some(number) => orders::find_by_number(tx, &number).await?,
        None => None,
    }
    .map(|order| order.id)
    .into_iter()
    .collect();
    search::find_among(tx, &ids, wanted, names).await
}
