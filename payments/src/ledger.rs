//! Ledger postings: the only place where money moves in the books.
//!
//! A posting belongs to the transaction that records its cause, so that neither exists without the other.

use domain::ledger::{Account, Deal, Transfer};
use domain::{Money, Order, Payment, Refund, RefundState, Refusal, Timestamp};

use crate::Error;
use crate::store::Tx;
use crate::store::batch::Write;
use crate::store::ledger::{self, Standing};
use crate::store::payments::facts::RefundFacts;

/// Posts a transfer. A debited user must have the amount, or the transaction must not be committed.
pub(crate) async fn post(tx: &mut Tx<'_>, transfer: &Transfer<'_>, now: Timestamp) -> Result<(), Error> {
    post_with(tx, Vec::new(), transfer, now).await
}

/// Writes a transfer with its causes, in one round trip where no user's balance is moved.
pub(crate) async fn post_with(
    tx: &mut Tx<'_>,
    mut causes: Vec<Write>,
    transfer: &Transfer<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let moves_balance = [transfer.from, transfer.to]
        .iter()
        .any(|account| matches!(account, Account::User(_)));
    if !moves_balance {
        causes.push(ledger::insert(tx, transfer, [None, None], now)?);
        return Ok(tx.run_batch(causes).await?);
    }
    // Last, because a user's balance is a row that other transactions wait for.
    tx.run_batch(causes).await?;
    let giver = take_money(tx, transfer.from, transfer.amount, now).await?;
    let taker = match transfer.to {
        Account::User(user_id) => Some(ledger::credit(tx, user_id, transfer.amount, now).await?),
        _ => None,
    };
    let insert = ledger::insert(tx, transfer, [giver, taker], now)?;
    Ok(tx.run_batch([insert]).await?)
}

async fn take_money(
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

/// Posts a payment, to its order or as surplus, with `causes`, which record it.
pub(crate) async fn post_payment(
    tx: &mut Tx<'_>,
    causes: Vec<Write>,
    payment: &Payment,
    order: &Order,
    settles: bool,
    now: Timestamp,
) -> Result<(), Error> {
    post_with(
        tx,
        causes,
        &deal_of_payment(payment, order, settles).paid(payment),
        now,
    )
    .await
}

/// Refuses a refund of money that its user has spent meanwhile, before anything is written.
pub(crate) fn require_funds(facts: &RefundFacts, amount: Money) -> Result<(), Error> {
    let (payment, order) = (&facts.payment, &facts.order);
    let is_users = matches!(
        deal_of_payment(payment, order, payment.settles).owner(),
        Account::User(_)
    );
    if is_users && facts.available < amount {
        return Err(Refusal::InsufficientBalance.into());
    }
    Ok(())
}

/// Posts a new refund with `causes`, which insert it: takes the amount from the account that holds it. Refused when the user
/// has spent the top-up.
pub(crate) async fn post_refund(
    tx: &mut Tx<'_>,
    causes: Vec<Write>,
    (payment, order): (&Payment, &Order),
    refund: &Refund,
    now: Timestamp,
) -> Result<(), Error> {
    let transfer = deal_of_payment(payment, order, payment.settles).refund_requested(refund);
    post_with(tx, causes, &transfer, now).await
}

/// Posts the change of a refund from `before` to `after` with `causes`, which record it; one that is still in progress posts
/// nothing.
pub(crate) async fn post_refund_change(
    tx: &mut Tx<'_>,
    causes: Vec<Write>,
    before: RefundState,
    after: &Refund,
    now: Timestamp,
) -> Result<(), Error> {
    let is_over = before != after.state && after.state.is_final();
    if !is_over {
        return Ok(tx.run_batch(causes).await?);
    }
    let parties = ledger::find_parties(tx, &after.payment_id).await?;
    let deal = parties.deal();
    match (before, after.state) {
        (RefundState::Failed, RefundState::Succeeded) => {
            tx.run_batch(causes).await?;
            reverse_refund(tx, deal, after, now).await?;
        }
        (_, RefundState::Succeeded) => post_with(tx, causes, &deal.refunded(after), now).await?,
        _ => post_with(tx, causes, &deal.refund_failed(after), now).await?,
    }
    Ok(())
}

/// Posts a failed refund that succeeded after all. The gateway has paid it, so it cannot be refused: where the user has
/// spent the money meanwhile, it is a loss.
async fn reverse_refund(
    tx: &mut Tx<'_>,
    deal: Deal<'_>,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), Error> {
    match post(tx, &deal.refund_revived(refund, deal.owner()), now).await {
        Err(Error::Refused(Refusal::InsufficientBalance)) => {
            post(tx, &deal.refund_revived(refund, Account::Losses), now).await
        }
        posted => posted,
    }
}

fn deal_of_payment<'a>(payment: &Payment, order: &'a Order, settles: bool) -> Deal<'a> {
    Deal {
        method: payment.method(),
        purpose: order.purpose,
        settles,
        user_id: &order.user_id,
    }
}
