//! Creation of orders.

use std::time::Duration;

use domain::{Money, Order, OrderId, OrderNo, OrderState, Purpose, Refusal};
use futures_util::FutureExt;

use crate::idempotency::{Idempotency, Outcome, write_once};
use crate::store::{FirstRun, orders};
use crate::validate::{invalid, is_line};
use crate::{Error, Services};

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
    // A number is nearly always free: only a run that lost the race for it looks at what is there.
    let first_run = &FirstRun::new(Some(()));
    write_once(services, idempotency.as_ref(), order.created_at, &|tx| {
        async move {
            if first_run.take().is_none()
                && let Some(existing) = orders::find_by_number(tx, &order.order_no).await?
            {
                return if has_same_content(&existing, order) {
                    Ok(Outcome::Existing(existing))
                } else {
                    Err(Refusal::OrderNoReused.into())
                };
            }
            let insert = orders::insert(tx, order);
            tx.run_batch([insert]).await?;
            Ok(Outcome::New(order.clone()))
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
