//! Reads of orders.

use domain::{Order, OrderId, OrderNo, OrderStatus, Payment, Timestamp};
use futures_util::FutureExt;

use crate::changes::{ChangeFilter, cursor_of};
use crate::pagination::{Page, Span, page};
use crate::store::orders::ChangedOrders;
use crate::store::search::{self, Filter, Found, IdRange};
use crate::store::{StoreError, Tx, orders, payments};
use crate::{Error, Services, epay};

/// One order with all its payments, newest first: what the checkout page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub order: Order,
    pub payments: Vec<Payment>,
    /// Made by the epay protocol: the payer's way back is signed when it is taken.
    pub is_epay: bool,
}

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
        .snapshot(|tx| async move { orders::find(tx, id).await?.ok_or(Error::NotFound) }.boxed())
        .await
}

/// Finds an order by the token of its checkout link.
pub async fn find_checkout(services: &Services, token: &str) -> Result<Checkout, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let order = orders::find_by_token(tx, token).await?;
                read_checkout(tx, order).await
            }
            .boxed()
        })
        .await
}

pub(crate) async fn load_checkout(services: &Services, id: &OrderId) -> Result<Checkout, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let order = orders::find(tx, id).await?;
                read_checkout(tx, order).await
            }
            .boxed()
        })
        .await
}

/// Reads what belongs to an order that was found.
async fn read_checkout(tx: &mut Tx<'_>, order: Option<Order>) -> Result<Checkout, Error> {
    let order = order.ok_or(Error::NotFound)?;
    let payments = payments::of_order(tx, &order.id).await?;
    let is_epay = epay::is_epay_order(tx, &order).await?;
    Ok(Checkout {
        order,
        payments,
        is_epay,
    })
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
        .snapshot(|tx| async move { orders::list_changed(tx, wanted, limit).await }.boxed())
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
        return search::find(tx, wanted, names, i64::from(filter.limit) + 1).await;
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
