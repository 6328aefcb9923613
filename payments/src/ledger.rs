//! Ledger postings: the only place where money moves in the books.
//!
//! A posting belongs to the transaction that records its cause, so that neither exists without the other.

use domain::ledger::{Account, Deal, Transfer};
use domain::{Money, Order, Payment, PaymentId, Refund, RefundState, Refusal, Timestamp};

use crate::Error;
use crate::store::Tx;
use crate::store::ledger::{self, Standing};

/// Posts a transfer. A debited user must have the amount, or the transaction must not be committed.
pub(crate) async fn post(tx: &mut Tx<'_>, transfer: &Transfer<'_>, now: Timestamp) -> Result<(), Error> {
    let giver = take(tx, transfer.from, transfer.amount, now).await?;
    let taker = match transfer.to {
        Account::User(user_id) => Some(ledger::credit(tx, user_id, transfer.amount, now).await?),
        _ => None,
    };
    ledger::insert(tx, transfer, [giver, taker], now).await?;
    Ok(())
}

async fn take(
    tx: &mut Tx<'_>,
    from: Account<'_>,
    amount: Money,
    now: Timestamp,
) -> Result<Option<Standing>, Error> {
    let Account::User(user_id) = from else {
        return Ok(None);
    };
    match ledger::debit(tx, user_id, amount, now).await? {
        Some(standing) => Ok(Some(standing)),
        None => Err(Refusal::InsufficientBalance.into()),
    }
}

/// Posts a payment, to its order or as surplus.
pub(crate) async fn post_payment(
    tx: &mut Tx<'_>,
    payment: &Payment,
    order: &Order,
    settles: bool,
    now: Timestamp,
) -> Result<(), Error> {
    post(tx, &deal(payment, order, settles).paid(payment), now).await
}

/// Refuses a refund of money that its user has spent meanwhile, before anything is written.
pub(crate) async fn require_funds(
    tx: &mut Tx<'_>,
    payment_id: &PaymentId,
    amount: Money,
) -> Result<(), Error> {
    let parties = ledger::find_parties(tx, payment_id).await?;
    if let Account::User(user_id) = parties.deal().owner()
        && ledger::available(tx, user_id).await? < amount
    {
        return Err(Refusal::InsufficientBalance.into());
    }
    Ok(())
}

/// Posts a new refund: takes the amount from the account that holds it. Refused when the user has spent the top-up.
pub(crate) async fn post_refund(tx: &mut Tx<'_>, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    let parties = ledger::find_parties(tx, &refund.payment_id).await?;
    post(tx, &parties.deal().refund_requested(refund), now).await
}

/// Posts the change of a refund from `before` to `after`; one that is still in progress posts nothing.
pub(crate) async fn post_refund_change(
    tx: &mut Tx<'_>,
    before: RefundState,
    after: &Refund,
    now: Timestamp,
) -> Result<(), Error> {
    let is_over = before != after.state && after.state.is_final();
    if !is_over {
        return Ok(());
    }
    let parties = ledger::find_parties(tx, &after.payment_id).await?;
    let deal = parties.deal();
    match (before, after.state) {
        (RefundState::Failed, RefundState::Succeeded) => revive(tx, deal, after, now).await,
        (_, RefundState::Succeeded) => post(tx, &deal.refunded(after), now).await,
        _ => post(tx, &deal.refund_failed(after), now).await,
    }
}

/// Posts a failed refund that succeeded after all. The gateway has paid it, so it cannot be refused: where the user has
/// spent the money meanwhile, it is a loss.
async fn revive(tx: &mut Tx<'_>, deal: Deal<'_>, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    match post(tx, &deal.refund_revived(refund, deal.owner()), now).await {
        Err(Error::Refused(Refusal::InsufficientBalance)) => {
            post(tx, &deal.refund_revived(refund, Account::Losses), now).await
        }
        posted => posted,
    }
}

fn deal<'a>(payment: &Payment, order: &'a Order, settles: bool) -> Deal<'a> {
    Deal {
        method: payment.method(),
        purpose: order.purpose,
        settles,
        user_id: &order.user_id,
    }
}
