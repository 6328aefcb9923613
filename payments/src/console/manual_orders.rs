//! Orders by hand: made and closed by a person of the console.

use std::time::Duration;

use domain::{Money, Order, OrderId, Purpose};
use futures_util::FutureExt;

use super::{Act, Action, Actor, ConsoleError, note_act, perform};
use crate::order::{NewOrder, cancel_order, draft};
use crate::store::orders;
use crate::validate::invalid;
use crate::{Error, Requester, Services};

/// Longest time to pay: a week, as the settings allow.
const MAX_MINUTES: u64 = 10_080;

/// Order to make by hand.
#[derive(Debug, Clone)]
pub struct ManualOrder {
    pub subject: String,
    pub amount: Money,
    /// Customer, in the merchant's words.
    pub user_id: String,
    /// `None`: the operator's default.
    pub minutes: Option<u64>,
}

/// Makes an order; its checkout link is on its page.
pub async fn make_order(
    services: &Services,
    actor: &Actor,
    new: &ManualOrder,
) -> Result<Order, ConsoleError> {
    if new.amount.is_zero() {
        return Err(invalid("amount", "must be more than nothing").into());
    }
    if new
        .minutes
        .is_some_and(|minutes| !(1..=MAX_MINUTES).contains(&minutes))
    {
        return Err(invalid("minutes", "must be 1 to 10080").into());
    }
    let order = &draft(
        services,
        &NewOrder {
            order_no: None,
            user_id: new.user_id.clone(),
            subject: new.subject.clone(),
            amount: new.amount,
            return_url: None,
            metadata: None,
            allows_balance: false,
            expires_in: new.minutes.map(Duration::from_mins),
        },
        Purpose::Sale,
    )?;
    let act = Act {
        action: Action::CreateOrder,
        subject: order.id.as_str(),
        detail: &format!("{} {}", order.subject, order.amount.to_yuan()),
    };
    perform(services, actor, act, &|tx| {
        async move {
            let insert = orders::insert(tx, order);
            tx.run_batch([insert]).await?;
            Ok::<_, ConsoleError>(())
        }
        .boxed()
    })
    .await?;
    Ok(order.clone())
}

/// Closes an unpaid order. Its open payment is closed at the gateway first; one that was paid meanwhile stays paid, and this
/// is refused.
pub async fn close_order(
    services: &Services,
    actor: &Actor,
    id: &OrderId,
    reason: &str,
) -> Result<(), Error> {
    let act = Act {
        action: Action::CloseOrder,
        subject: id.as_str(),
        detail: reason,
    };
    // Before the gateway is asked: what a person wanted is known, whatever becomes of it.
    note_act(services, actor, act).await?;
    let by = Requester::Person(actor.email.clone());
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    cancel_order(services, id, reason, &by, None).await.map(drop)
}
