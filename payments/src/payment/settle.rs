//! Applies a gateway's report to a payment. The only place that writes a payment's state.
//!
//! Notifications, queries and create calls all end in [`apply_report`]; nothing else writes a payment's state.

use domain::{
    IncidentId, LatePolicy, Order, OrderState, Payment, PaymentNo, PaymentState, Receipt, Report, Settlement,
    Timestamp, schedule,
};
use futures_util::FutureExt;

use crate::ledger::post_payment;
use crate::model::incident::IncidentKind;
use crate::refund::{Draft, write_refund};
use crate::store::incidents;
use crate::store::{StoreError, Tx, orders, payments};
use crate::{Ending, Error, Services, epay};

/// Rule that a report is settled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Settle,
    /// At the deadline, after the close call.
    Lapse,
}

/// Applies one report in the caller's transaction. The caller announces it after the commit: [`announce`].
pub(crate) async fn apply_report(
    services: &Services,
    tx: &mut Tx<'_>,
    number: &PaymentNo,
    report: &Report,
    rule: Rule,
) -> Result<Settlement, Error> {
    let (payment, _) = payments::find_by_number(tx, number)
        .await?
        .ok_or(Error::NotFound)?;
    let order = orders::find(tx, &payment.order_id)
        .await?
        .ok_or(StoreError::Corrupt("payments.order_id"))?;
    let decide = match rule {
        Rule::Settle => domain::settle,
        Rule::Lapse => domain::lapse,
    };
    // A balance payment is never in progress, so it is never late: a cancelled order accepts none.
    let late_payment = match payment.method().channel() {
        Some(_) => services.policy.late_payment,
        None => LatePolicy::Refund,
    };
    let siblings = match report {
        Report::Paid(_) => epay::find_siblings(tx, &order).await?,
        _ => None,
    };
    // At most one attempt of an epay number is credited, also with `LATE_PAYMENT=accept`.
    let order_state = match &siblings {
        Some(siblings) if siblings.has_paid() => OrderState::Paid,
        _ => order.state,
    };
    let settlement = decide(order_state, payment.state, payment.amount, late_payment, report);
    let settlement = match report {
        Report::Paid(receipt) if pays(settlement) && is_trade_taken(tx, &payment, receipt).await? => {
            let detail = format!("trade {} already pays another payment", receipt.transaction_id);
            raise(services, tx, IncidentKind::TradeReused, &payment, &detail).await?;
            Settlement::Unchanged
        }
        _ => settlement,
    };
    if planted!("late money ignored")
        && settlement == Settlement::Surplus
        && order.state == OrderState::Cancelled
    {
        return Ok(Settlement::Unchanged);
    }
    where_planted!("duplicate notification credited again", {
        crate::faults::mistakes::credit_again(services, tx, &payment, &order).await?;
    });
    act(services, tx, &payment, &order, report, settlement).await?;
    if let (Settlement::Paid, Some(siblings)) = (settlement, &siblings) {
        epay::record_paid(services, tx, siblings).await?;
    }
    if settlement != Settlement::Unchanged {
        tracing::info!(payment.id = %payment.id, order.id = %order.id, "payment {} settled as {settlement:?}", payment.id);
    }
    Ok(settlement)
}

fn pays(settlement: Settlement) -> bool {
    matches!(settlement, Settlement::Paid | Settlement::Surplus)
}

async fn is_trade_taken(tx: &mut Tx<'_>, payment: &Payment, receipt: &Receipt) -> Result<bool, Error> {
    let Some(channel) = payment.method().channel() else {
        return Ok(false);
    };
    let holder = payments::find_by_trade(tx, channel, &receipt.transaction_id).await?;
    Ok(holder.is_some_and(|holder| holder.id != payment.id))
}

async fn act(
    services: &Services,
    tx: &mut Tx<'_>,
    payment: &Payment,
    order: &Order,
    report: &Report,
    settlement: Settlement,
) -> Result<(), Error> {
    let now = services.clock.now();
    match (settlement, report) {
        (Settlement::Unchanged, _) => {}
        (Settlement::Acknowledged, _) => {
            payments::advance(tx, payment, order, PaymentState::Pending, None, None, now).await?;
        }
        (Settlement::Closed, _) => {
            let due_at = schedule::next_after_end(now, 0, now, payment.expires_at);
            payments::advance(tx, payment, order, PaymentState::Closed, None, due_at, now).await?;
            count_ending(services, tx, payment, Ending::Cancelled);
        }
        (Settlement::Declined, Report::Declined(reason)) => {
            let due_at = schedule::next_after_end(now, 0, now, payment.expires_at);
            payments::advance(
                tx,
                payment,
                order,
                PaymentState::Declined,
                Some(reason),
                due_at,
                now,
            )
            .await?;
            count_ending(services, tx, payment, Ending::Failed);
        }
        (Settlement::Paid, Report::Paid(receipt)) => {
            payments::mark_paid(tx, payment, order, receipt, true, now).await?;
            orders::mark_paid(tx, order, receipt.paid_at, now).await?;
            payments::expire_now(tx, &order.id, now).await?;
            // Last, because a user's balance is a row that other transactions wait for.
            post_payment(tx, payment, order, true, now).await?;
            count_success(services, tx, payment, receipt);
        }
        (Settlement::Surplus, Report::Paid(receipt)) => {
            payments::mark_paid(tx, payment, order, receipt, false, now).await?;
            post_payment(tx, payment, order, false, now).await?;
            return_surplus(services, tx, payment, now).await?;
            count_success(services, tx, payment, receipt);
        }
        (Settlement::WrongAmount, Report::Paid(receipt)) => {
            let detail = format!(
                "asked {} fen, the gateway reports {}",
                payment.amount.fen(),
                receipt.amount.fen()
            );
            raise(services, tx, IncidentKind::WrongAmount, payment, &detail).await?;
        }
        (Settlement::Declined | Settlement::Paid | Settlement::Surplus | Settlement::WrongAmount, _) => {
            unreachable!("{settlement:?} follows from its own report only")
        }
    }
    Ok(())
}

/// Counts a payment that ends now. One that ended before and is paid all the same was counted then.
fn count_ending(services: &Services, tx: &mut Tx<'_>, payment: &Payment, ending: Ending) {
    if matches!(payment.state, PaymentState::Created | PaymentState::Pending) {
        let (metrics, product) = (services.metrics.clone(), payment.product);
        tx.after_commit(move || metrics.count_payment(product, ending));
    }
}

fn count_success(services: &Services, tx: &mut Tx<'_>, payment: &Payment, receipt: &Receipt) {
    count_ending(services, tx, payment, Ending::Succeeded);
    let (metrics, method) = (services.metrics.clone(), payment.method());
    let took = receipt.paid_at.duration_since(payment.created_at);
    tx.after_commit(move || metrics.observe_payment(method, took));
}

/// Requests the refund of surplus money in the transaction that records it.
async fn return_surplus(
    services: &Services,
    tx: &mut Tx<'_>,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Error> {
    let draft = Draft {
        payment,
        amount: payment.amount,
        reason: "重复或逾期付款，原路退回",
        number: None,
        takes_rest: false,
        replaces: None,
        cause: format!("surplus {}", payment.id),
        due_at: now,
    };
    write_refund(services, tx, draft).await?;
    raise(
        services,
        tx,
        IncidentKind::Surplus,
        payment,
        "money for an order that does not need it",
    )
    .await
}

pub(crate) async fn raise(
    services: &Services,
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    payment: &Payment,
    detail: &str,
) -> Result<(), Error> {
    let now = services.clock.now();
    let id = IncidentId::new(now, services.clock.entropy());
    tracing::warn!(payment.id = %payment.id, incident = kind.as_str(), "payment {} needs attention: {detail}", payment.id);
    incidents::raise(tx, &id, kind, payment.id.as_str(), Some(&payment.id), detail, now).await?;
    Ok(())
}

/// Notifies open pages, and wakes the jobs when something became due, after the commit.
pub(crate) fn announce(services: &Services, payment: &Payment, settlement: Settlement) {
    if settlement != Settlement::Unchanged {
        services.wake.ring_for_events();
        services.watchers.changed(&payment.order_id);
    }
    if pays(settlement) {
        services.wake.ring();
    }
}

/// Like [`apply_report`], in a transaction of its own.
pub(crate) async fn record_report(
    services: &Services,
    payment: &Payment,
    report: &Report,
    rule: Rule,
) -> Result<Settlement, Error> {
    let settlement = services
        .db
        .write(|tx| {
            async move { apply_report(services, tx, &payment.payment_no, report, rule).await }.boxed()
        })
        .await?;
    announce(services, payment, settlement);
    Ok(settlement)
}
