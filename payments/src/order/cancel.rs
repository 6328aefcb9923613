//! Cancellation of orders, by request and by expiry.

use std::time::Duration;

use domain::{Order, OrderId, OrderState, Payment, Refusal};
use futures_util::FutureExt;

use crate::idempotency::{Claim, Idempotency, Keyed, Outcome, claim, keep_answer, write_under_key};
use crate::payment::end_payment;
use crate::store::{StoreError, orders, payments};
use crate::validate::{invalid, is_line};
use crate::{Error, Requester, Services};

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
    let ending = Cancellation {
        reason: reason.as_deref(),
        is_expired: false,
    };
    end_order(services, id, ending, by, idempotency.as_ref()).await
}

/// Reason of a cancellation. That its time was over is a fact of its own: a person can type the same words.
#[derive(Debug, Clone, Copy)]
struct Cancellation<'a> {
    reason: Option<&'a str>,
    is_expired: bool,
}

async fn end_order(
    services: &Services,
    id: &OrderId,
    ending: Cancellation<'_>,
    by: &Requester,
    idempotency: Option<&Idempotency<Order>>,
) -> Result<Outcome<Order>, Error> {
    // Each round closes the open payment; a payer may open new ones meanwhile.
    for _ in 0..MAX_ROUNDS {
        match try_cancel(services, id, ending, by, idempotency).await? {
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
    ending: Cancellation<'_>,
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
            orders::mark_cancelled(tx, &order, ending.reason, ending.is_expired, now).await?;
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
    let ending = Cancellation {
        reason: Some(EXPIRED_REASON),
        is_expired: true,
    };
    match end_order(services, id, ending, &Requester::Rule, None).await {
        // Paid at the last second, or ended by another request: the reason why expiry queries first.
        Ok(_) | Err(Error::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Cancel reason of an expired order.
pub const EXPIRED_REASON: &str = "订单超时自动取消";
