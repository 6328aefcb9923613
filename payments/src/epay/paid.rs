//! Effects of the payment of an epay order: its notification, the end of other attempts, and the payer's way back.

use domain::{Order, OrderState};
use futures_util::FutureExt;

use super::merchants::find_any_merchant;
use super::notification::enqueue_notification;
use super::paid_fields::{append_fields, sign_paid};
use super::{Attempt, USER_PREFIX};
use crate::store::{StoreError, Tx, epay_attempts, orders, payments};
use crate::{Error, Services};

/// An order of an epay merchant that money came for, with the other attempts of its number.
#[derive(Debug)]
pub(crate) struct Siblings {
    attempt: Attempt,
    others: Vec<Attempt>,
}

impl Siblings {
    /// Whether the number is paid already: more money for it goes back.
    pub(crate) fn has_paid(&self) -> bool {
        self.others.iter().any(|other| other.state == OrderState::Paid)
    }
}

/// Holds the number of an epay order, so that of two of its attempts only one is credited. `None`: it is none.
pub(crate) async fn find_siblings(tx: &mut Tx<'_>, order: &Order) -> Result<Option<Siblings>, StoreError> {
    // Nearly every order ends here, without a question to the database.
    if !order.user_id.starts_with(USER_PREFIX) {
        return Ok(None);
    }
    let Some(attempt) = epay_attempts::find_by_order(tx, &order.id).await? else {
        return Ok(None);
    };
    epay_attempts::hold_number(tx, attempt.pid, &attempt.out_trade_no).await?;
    let mut others = epay_attempts::list_of_number(tx, attempt.pid, &attempt.out_trade_no).await?;
    others.retain(|other| other.order_id != attempt.order_id);
    Ok(Some(Siblings { attempt, others }))
}

/// Whether an order was made by the epay protocol.
pub(crate) async fn is_epay_order(tx: &mut Tx<'_>, order: &Order) -> Result<bool, StoreError> {
    Ok(
        order.user_id.starts_with(USER_PREFIX)
            && epay_attempts::find_by_order(tx, &order.id).await?.is_some(),
    )
}

/// Writes the notification in the transaction that marks the order paid, and ends the time of other attempts: their open
/// payments are closed, and money that still comes for them goes back.
pub(crate) async fn record_paid(
    services: &Services,
    tx: &mut Tx<'_>,
    siblings: &Siblings,
) -> Result<(), StoreError> {
    let now = services.clock.now();
    let open = siblings
        .others
        .iter()
        .filter(|other| other.state == OrderState::Open);
    for other in open {
        orders::end_time(tx, &other.order_id, now).await?;
        payments::expire_now(tx, &other.order_id, now).await?;
    }
    enqueue_notification(tx, &siblings.attempt, now).await
}

/// Address that the payer goes to from the page of a paid order, signed now; the bare address while nothing may be told.
///
/// `None`: not an epay order, or its merchant gave no address.
pub async fn find_return_address(services: &Services, token: &str) -> Result<Option<String>, Error> {
    let attempt = services
        .db
        .snapshot(|tx| {
            async move {
                match orders::find_by_token(tx, token).await? {
                    Some(order) => epay_attempts::find_by_order(tx, &order.id).await,
                    None => Ok(None),
                }
            }
            .boxed()
        })
        .await?;
    let Some(attempt) = attempt else { return Ok(None) };
    let Some(address) = attempt.return_url.clone() else {
        return Ok(None);
    };
    if !attempt.may_tell_paid() {
        return Ok(Some(address));
    }
    let merchant = find_any_merchant(services, attempt.pid).await?;
    let fields = sign_paid(&merchant, &attempt, services.clock.now())?;
    Ok(Some(append_fields(&address, &fields)))
}
