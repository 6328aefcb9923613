//! Orders: create, find, list, cancel.

use std::time::Duration;

use domain::{
    Method, Money, Order, OrderId, OrderNo, OrderState, OrderStatus, Payment, PaymentId, PaymentNo,
    PaymentStatus, Purpose, Refusal, Timestamp,
};
use futures_util::FutureExt;

use crate::idempotency::{
    Claim, Idempotency, Keyed, Outcome, claim, keep_answer, write_once, write_under_key,
};
use crate::pagination::{Page, Span, page};
use crate::payment::end_payment;
use crate::store::search::{self, Filter, Found, IdRange};
use crate::store::{StoreError, Tx, orders, payments};
use crate::validate::{invalid, is_line};
use crate::{Error, Requester, Services};

/// Draft of a new order. Lengths and characters are checked by [`create_order`].
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub order_no: Option<String>,
    pub user_id: String,
    pub subject: String,
    pub amount: Money,
    pub return_url: Option<String>,
    /// A JSON object as text.
    pub metadata: Option<String>,
    /// Any holder of the checkout link may pay with the user's balance.
    pub allows_balance: bool,
    /// `None`: the operator's default.
    pub expires_in: Option<Duration>,
}

/// One order with all its payments, newest first: what the checkout page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub order: Order,
    pub payments: Vec<Payment>,
}

#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub status: Option<OrderStatus>,
    pub user_id: Option<String>,
    pub order_no: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    pub limit: u32,
    /// Id after which to go on (newest first): `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Creates an order. The same number with the same content is the same order.
pub async fn create_order(
    services: &Services,
    new: NewOrder,
    idempotency: Option<Idempotency<Order>>,
) -> Result<Outcome<Order>, Error> {
    write_order(services, &new, Purpose::Sale, idempotency).await
}

pub(crate) async fn write_order(
    services: &Services,
    new: &NewOrder,
    purpose: Purpose,
    idempotency: Option<Idempotency<Order>>,
) -> Result<Outcome<Order>, Error> {
    let order = &draft(services, new, purpose)?;
    write_once(services, idempotency.as_ref(), order.created_at, &|tx| {
        async move {
            if orders::insert(tx, order).await? {
                return Ok(Outcome::New(order.clone()));
            }
            let existing = orders::find_by_number(tx, &order.order_no)
                .await?
                .ok_or(StoreError::Stale)?;
            if has_same_content(&existing, order) {
                Ok(Outcome::Existing(existing))
            } else {
                Err(Refusal::OrderNoReused.into())
            }
        }
        .boxed()
    })
    .await
}

pub(crate) fn draft(services: &Services, new: &NewOrder, purpose: Purpose) -> Result<Order, Error> {
    let now = services.clock.now();
    let order_no = match &new.order_no {
        None => OrderNo::new(now, services.clock.entropy()),
        Some(text) if text.len() <= 32 => OrderNo::parse(text).ok_or(invalid(
            "orderNo",
            "must be 1 to 32 characters of A-Z a-z 0-9 _ -",
        ))?,
        Some(_) => {
            return Err(invalid(
                "orderNo",
                "must be 1 to 32 characters of A-Z a-z 0-9 _ -",
            ));
        }
    };
    if !is_line(&new.subject, 127) {
        return Err(invalid(
            "subject",
            "must be 1 to 127 characters without control characters",
        ));
    }
    if !is_line(&new.user_id, 64) {
        return Err(invalid(
            "userId",
            "must be 1 to 64 characters without control characters",
        ));
    }
    let ttl = new.expires_in.unwrap_or(services.policy.order_ttl);
    Ok(Order {
        id: OrderId::new(now, services.clock.entropy()),
        order_no,
        token: domain::id::secret_token(services.clock.entropy()),
        user_id: new.user_id.clone(),
        purpose,
        allows_balance: new.allows_balance,
        subject: new.subject.clone(),
        amount: new.amount,
        state: OrderState::Open,
        return_url: new.return_url.clone(),
        metadata: new.metadata.clone(),
        expires_at: now + ttl,
        paid_at: None,
        cancel_reason: None,
        refunded: Money::ZERO,
        refund_reason: None,
        created_at: now,
        updated_at: now,
        version: 0,
    })
}

fn has_same_content(existing: &Order, new: &Order) -> bool {
    let lifetime = |order: &Order| order.expires_at.duration_since(order.created_at);
    existing.user_id == new.user_id
        && existing.purpose == new.purpose
        && existing.allows_balance == new.allows_balance
        && existing.subject == new.subject
        && existing.amount == new.amount
        && existing.return_url == new.return_url
        && is_same_json(existing.metadata.as_deref(), new.metadata.as_deref())
        && lifetime(existing) == lifetime(new)
}

/// Compares JSON without regard to the order of keys and spacing.
fn is_same_json(left: Option<&str>, right: Option<&str>) -> bool {
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    left == right
        || left
            .zip(right)
            .is_some_and(|(left, right)| value(left).is_some() && value(left) == value(right))
}

/// Cancels an order. Open payments are closed at the gateway first; if the gateway says paid, the order is paid and this is
/// refused.
pub async fn cancel_order(
    services: &Services,
    id: &OrderId,
    reason: Option<String>,
    by: &Requester,
    idempotency: Option<Idempotency<Order>>,
) -> Result<Outcome<Order>, Error> {
    if reason.as_deref().is_some_and(|reason| !is_line(reason, 256)) {
        return Err(invalid(
            "reason",
            "must be 1 to 256 characters without control characters",
        ));
    }
    // Each round closes the open payment; a payer may open new ones meanwhile.
    for _ in 0..MAX_ROUNDS {
        match try_cancel(services, id, reason.as_deref(), by, idempotency.as_ref()).await? {
            Cancelling::Done(made) => {
                services.watchers.changed(id);
                return Ok(made);
            }
            Cancelling::CloseFirst(payment) => end_payment(services, &payment).await?,
        }
    }
    Err(Error::RateLimited { wait: CONTENDED })
}

/// Limits rounds: each ends one open payment; more than this means endless switching of methods.
pub(crate) const MAX_ROUNDS: u32 = 6;
/// Pause after which a verb that lost every round to others may be retried.
pub(crate) const CONTENDED: Duration = Duration::from_secs(1);

enum Cancelling {
    Done(Outcome<Order>),
    CloseFirst(Payment),
}

async fn try_cancel(
    services: &Services,
    id: &OrderId,
    reason: Option<&str>,
    by: &Requester,
    idempotency: Option<&Idempotency<Order>>,
) -> Result<Cancelling, Error> {
    let now = services.clock.now();
    let keyed = write_under_key(services, idempotency, &|tx, claimed| {
        async move {
            let order = orders::find(tx, id).await?.ok_or(Error::NotFound)?;
            match order.state {
                OrderState::Paid => return Err(Refusal::OrderNotCancellable.into()),
                OrderState::Cancelled => {
                    keep_answer(tx, idempotency, &order, false, now).await?;
                    return Ok(Cancelling::Done(Outcome::Existing(order)));
                }
                OrderState::Open => {}
            }
            if let Some(open) = payments::open_of_order(tx, id).await? {
                claim(tx, idempotency, claimed.as_ref(), &Claim::MAKING_ROOM, now).await?;
                return Ok(Cancelling::CloseFirst(open));
            }
            orders::mark_cancelled(tx, &order, reason, now).await?;
            by.record_cancellation(tx, id, now).await?;
            let order = orders::find(tx, id).await?.ok_or(StoreError::Stale)?;
            keep_answer(tx, idempotency, &order, true, now).await?;
            Ok(Cancelling::Done(Outcome::New(order)))
        }
        .boxed()
    })
    .await?;
    Ok(match keyed {
        Keyed::Ran(cancelling) => cancelling,
        Keyed::Replayed(answer) => Cancelling::Done(Outcome::Replayed(answer)),
    })
}

/// Cancels an expired open order, once none of its payments is open any more.
pub(crate) async fn cancel_expired(services: &Services, id: &OrderId) -> Result<(), Error> {
    match cancel_order(
        services,
        id,
        Some(EXPIRED_REASON.to_owned()),
        &Requester::Rule,
        None,
    )
    .await
    {
        // Paid at the last second, or ended by another request: the reason why expiry queries first.
        Ok(_) | Err(Error::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Cancel reason of an expired order.
pub const EXPIRED_REASON: &str = "订单超时自动取消";

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
                let order = orders::find_by_token(tx, token).await?.ok_or(Error::NotFound)?;
                let payments = payments::of_order(tx, &order.id).await?;
                Ok(Checkout { order, payments })
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
                let order = orders::find(tx, id).await?.ok_or(Error::NotFound)?;
                let payments = payments::of_order(tx, id).await?;
                Ok(Checkout { order, payments })
            }
            .boxed()
        })
        .await
}

/// Lists orders for a merchant's program. A page that is not full may still have a next one.
pub async fn list_orders(services: &Services, filter: OrderFilter) -> Result<Page<Order>, Error> {
    let filter = &filter;
    let found = services
        .db
        .snapshot(|tx| async move { find_listed(tx, filter).await }.boxed())
        .await?;
    let mut page = page(found.orders, filter.limit, |order: &Order| order.id.to_string());
    page.next_cursor = page.next_cursor.or(found.looked_to);
    Ok(page)
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
