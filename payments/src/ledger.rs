//! Postings: the one place where money moves in the books.
//!
//! A posting belongs to the transaction that records its cause, so that the one never lasts without the other.

use domain::ledger::{Account, Deal, Transfer};
use domain::{Money, Order, Payment, Refusal, Timestamp};

use crate::Error;
use crate::store::Tx;
use crate::store::ledger::{self, Standing};

/// Writes a transfer. A user who gives must have it: else nothing may be committed.
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

/// The money of a payment has come, and its order takes it or does not.
pub(crate) async fn post_payment(
    tx: &mut Tx<'_>,
    payment: &Payment,
    order: &Order,
    settles: bool,
    now: Timestamp,
) -> Result<(), Error> {
    post(tx, &deal(payment, order, settles).paid(payment), now).await
}

fn deal<'a>(payment: &Payment, order: &'a Order, settles: bool) -> Deal<'a> {
    Deal {
        method: payment.method(),
        purpose: order.purpose,
        settles,
        user_id: &order.user_id,
    }
}
