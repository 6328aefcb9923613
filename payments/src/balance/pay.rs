//! Pays an order from its user's balance.

use domain::{
    Method, Opening, Order, Payment, Receipt, Refusal, Report, Settlement, Timestamp, open_payment,
};
use futures_util::FutureExt;

use crate::idempotency::{Claim, Idempotency, Keyed, Outcome, claim, keep_answer, write_under_key};
use crate::order::{CONTENDED, MAX_ROUNDS};
use crate::payment::{Rule, StartPayment, announce, apply_report, end_payment, new_payment};
use crate::store::{StoreError, Tx, ledger, orders, payments};
use crate::{Error, Services, epay};

enum Paying {
    Done(Outcome<Payment>),
    CloseFirst(Payment),
}

/// A balance has no gateway: everything happens in one transaction, and a balance payment is never open.
pub(crate) async fn pay_by_balance(
    services: &Services,
    start: &StartPayment,
    idempotency: Option<Idempotency<Payment>>,
) -> Result<Outcome<Payment>, Error> {
    for _ in 0..MAX_ROUNDS {
        match try_pay(services, start, idempotency.as_ref()).await? {
            Paying::Done(made) => return Ok(made),
            Paying::CloseFirst(payment) => end_payment(services, &payment).await?,
        }
    }
    Err(Error::RateLimited { wait: CONTENDED })
}

async fn try_pay(
    services: &Services,
    start: &StartPayment,
    idempotency: Option<&Idempotency<Payment>>,
) -> Result<Paying, Error> {
    let keyed = write_under_key(services, idempotency, &|tx, claimed| {
        settle_by_balance(services, tx, start, idempotency, claimed).boxed()
    })
    .await?;
    let paying = match keyed {
        Keyed::Ran(paying) => paying,
        Keyed::Replayed(answer) => return Ok(Paying::Done(Outcome::Replayed(answer))),
    };
    if let Paying::Done(Outcome::New(payment)) = &paying {
        announce(services, payment, Settlement::Paid);
    }
    Ok(paying)
}

async fn settle_by_balance(
    services: &Services,
    tx: &mut Tx<'_>,
    start: &StartPayment,
    idempotency: Option<&Idempotency<Payment>>,
    claimed: Option<Claim>,
) -> Result<Paying, Error> {
    let now = services.clock.now();
    let order = orders::find(tx, &start.order_id).await?.ok_or(Error::NotFound)?;
    if start.amount.is_some_and(|amount| amount != order.amount) {
        return Err(Refusal::AmountMismatch.into());
    }
    // Orders of the epay protocol are paid through a gateway only (docs/epay.md).
    if epay::is_epay_order(tx, &order).await? {
        return Err(Error::MethodUnavailable(Method::Balance));
    }
    let open = payments::open_of_order(tx, &order.id).await?;
    let opening = open_payment(&order, open.as_ref(), start.product, now)?;
    // Checked before the open payment is closed, so that a refused balance payment keeps the code that can still be paid.
    // The debit checks again.
    if ledger::available(tx, &order.user_id).await? < order.amount {
        return Err(refuse_as_poor(tx, &order).await);
    }
    match (opening, open) {
        (Opening::New, _) => {
            // Locks the order: a concurrent cancellation or payment of it wins.
            let payment = move_money(services, tx, &order, start, now).await?;
            keep_answer(tx, idempotency, &payment, true, now).await?;
            Ok(Paying::Done(Outcome::New(payment)))
        }
        (Opening::CloseFirst(_), Some(open)) => {
            if claimed.is_none() {
                claim(tx, idempotency, None, &Claim::MAKING_ROOM, now).await?;
            }
            Ok(Paying::CloseFirst(open))
        }
        (Opening::Reuse(_) | Opening::CloseFirst(_), _) => Err(StoreError::Corrupt("payments.state").into()),
    }
}

/// Refuses for lack of funds, unless the balance was just spent on this very order: then the answer is that it is paid.
async fn refuse_as_poor(tx: &mut Tx<'_>, order: &Order) -> Error {
    match orders::find(tx, &order.id).await {
        Ok(Some(now)) if now.version == order.version => Refusal::InsufficientBalance.into(),
        Ok(_) => StoreError::Stale.into(),
        Err(error) => error.into(),
    }
}

/// Settles the payment like any other; its posting debits the balance, or refuses.
async fn move_money(
    services: &Services,
    tx: &mut Tx<'_>,
    order: &Order,
    start: &StartPayment,
    now: Timestamp,
) -> Result<Payment, Error> {
    let payment = new_payment(services, order, start, now);
    let insert = payments::insert(&payment, now, None);
    tx.run_batch([orders::bump_version(order), insert]).await?;
    let receipt = Receipt {
        transaction_id: payment.payment_no.to_string(),
        amount: payment.amount,
        paid_at: now,
    };
    apply_report(
        services,
        tx,
        &payment.payment_no,
        &Report::Paid(receipt),
        Rule::Settle,
    )
    .await?;
    let paid = payments::find(tx, &payment.id)
        .await?
        .ok_or(StoreError::Corrupt("payments.id"))?;
    // A payment that does not settle its order would take money for nothing.
    if paid.settles {
        Ok(paid)
    } else {
        Err(StoreError::Stale.into())
    }
}
