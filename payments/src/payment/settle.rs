//! Applies a gateway's report to a payment. The only place that writes a payment's state.
//!
//! Notifications, queries and create calls all end in [`apply_report`]; nothing else writes a payment's state.

use domain::{
    LatePolicy, Order, OrderState, Payment, PaymentNo, PaymentState, Receipt, Report, Settlement, Timestamp,
};
use futures_util::FutureExt;

use crate::incident::{Incident, raise};
use crate::ledger::post_payment;
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::refund::{Draft, write_refund};
use crate::shipping_upload::insert_upload;
use crate::store::batch::Write;
use crate::store::payments::facts::{self, PaymentFacts};
use crate::store::{Tx, orders, payments};
use crate::{Ending, Error, Requester, Services, epay};

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
    let found = facts::find(tx, number, trade_of(report), None).await?;
    let news = PaymentNews {
        facts: &found.ok_or(Error::NotFound)?,
        report,
        rule,
    };
    apply_news(services, tx, news, Vec::new()).await
}

/// Report with the facts of its payment. Facts that were read before the transaction are as good as those of its own:
/// whatever they decide is written as a compare-and-set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PaymentNews<'a> {
    pub facts: &'a PaymentFacts,
    pub report: &'a Report,
    pub rule: Rule,
}

impl PaymentNews<'_> {
    /// Decides what the report changes, and whether its trade pays another payment already. An order of which another attempt
    /// is paid needs no money.
    pub(crate) fn decide(&self, services: &Services, has_paid_sibling: bool) -> (Settlement, bool) {
        let PaymentFacts { payment, order, .. } = self.facts;
        let decide = match self.rule {
            Rule::Settle => domain::settle,
            Rule::Lapse => domain::lapse,
        };
        // Money of a balance is never under way, so there is no late one: an order that is cancelled takes none.
        let late_payment = match payment.method().channel() {
            Some(_) => services.policy.late_payment,
            None => LatePolicy::Refund,
        };
        let order_state = if has_paid_sibling {
            OrderState::Paid
        } else {
            order.state
        };
        let settlement = decide(
            order_state,
            payment.state,
            payment.amount,
            late_payment,
            self.report,
        );
        let holder = self.facts.trade_holder.as_ref();
        if is_paying(settlement) && holder.is_some_and(|holder| *holder != payment.id) {
            return (Settlement::Unchanged, true);
        }
        (settlement, false)
    }
}

/// Trade that a report names as paid.
pub(crate) fn trade_of(report: &Report) -> Option<&str> {
    match report {
        Report::Paid(receipt) => Some(&receipt.transaction_id),
        Report::Absent | Report::Unpaid | Report::Closed | Report::Declined(_) => None,
    }
}

/// Like [`apply_report`], on facts that were read already. The writes of the caller go in the same round trip.
pub(crate) async fn apply_news(
    services: &Services,
    tx: &mut Tx<'_>,
    news: PaymentNews<'_>,
    writes: Vec<Write>,
) -> Result<Settlement, Error> {
    let PaymentFacts { payment, order, .. } = news.facts;
    // At most one attempt of an epay number is credited, also with `LATE_PAYMENT=accept`.
    let siblings = match news.report {
        Report::Paid(_) => epay::find_siblings(tx, order).await?,
        _ => None,
    };
    let has_paid_sibling = siblings.as_ref().is_some_and(|siblings| siblings.has_paid());
    let (settlement, is_trade_taken) = news.decide(services, has_paid_sibling);
    act_on_settlement(services, tx, news, settlement, writes).await?;
    if let (true, Report::Paid(receipt)) = (is_trade_taken, news.report) {
        let detail = Sentence::TradeReused.with(&[&receipt.transaction_id]);
        let incident = Incident::of_payment(IncidentKind::TradeReused, payment, &detail);
        raise(services, tx, incident).await?;
    }
    if let (Settlement::Paid, Some(siblings)) = (settlement, &siblings) {
        epay::record_paid(services, tx, siblings).await?;
    }
    if settlement != Settlement::Unchanged {
        tracing::info!(payment.id = %payment.id, order.id = %order.id, "payment {} settled as {settlement:?}", payment.id);
    }
    Ok(settlement)
}

fn is_paying(settlement: Settlement) -> bool {
    matches!(settlement, Settlement::Paid | Settlement::Surplus)
}

async fn act_on_settlement(
    services: &Services,
    tx: &mut Tx<'_>,
    news: PaymentNews<'_>,
    settlement: Settlement,
    mut writes: Vec<Write>,
) -> Result<(), Error> {
    let PaymentFacts { payment, order, .. } = news.facts;
    let now = services.clock.now();
    match (settlement, news.report) {
        (Settlement::Unchanged, _) => tx.run_batch(writes).await?,
        (Settlement::Acknowledged, _) => {
            let advance = payments::advance(tx, payment, order, PaymentState::Pending, None, now);
            writes.push(advance);
            tx.run_batch(writes).await?;
        }
        (Settlement::Closed, _) => {
            let advance = payments::advance(tx, payment, order, PaymentState::Closed, None, now);
            writes.push(advance);
            tx.run_batch(writes).await?;
            count_ending(services, tx, payment, Ending::Cancelled);
        }
        (Settlement::Declined, Report::Declined(reason)) => {
            let advance = payments::advance(tx, payment, order, PaymentState::Declined, Some(reason), now);
            writes.push(advance);
            tx.run_batch(writes).await?;
            count_ending(services, tx, payment, Ending::Failed);
        }
        (Settlement::Paid, Report::Paid(receipt)) => {
            writes.push(payments::mark_paid(tx, payment, order, receipt, true, now));
            writes.push(orders::mark_paid(tx, order, receipt.paid_at, now));
            // An order has one open payment at most, and a new one moves the order's version.
            if !payment.state.is_open() {
                writes.push(payments::expire_others(payment, now));
            }
            writes.extend(insert_upload(services, payment, now));
            post_payment(tx, writes, payment, order, true, now).await?;
            count_success(services, tx, payment, receipt);
        }
        (Settlement::Surplus, Report::Paid(receipt)) => {
            writes.push(payments::mark_paid(tx, payment, order, receipt, false, now));
            writes.extend(insert_upload(services, payment, now));
            post_payment(tx, writes, payment, order, false, now).await?;
            return_surplus(services, tx, payment, order, now).await?;
            count_success(services, tx, payment, receipt);
        }
        (Settlement::WrongAmount, Report::Paid(receipt)) => {
            tx.run_batch(writes).await?;
            let detail = Sentence::WrongAmount.with(&[&payment.amount.fen(), &receipt.amount.fen()]);
            let incident = Incident::of_payment(IncidentKind::WrongAmount, payment, &detail);
            raise(services, tx, incident).await?;
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
    order: &Order,
    now: Timestamp,
) -> Result<(), Error> {
    let draft = Draft {
        payment,
        order,
        amount: payment.amount,
        reason: "重复或逾期付款，原路退回",
        number: None,
        takes_rest: false,
        replaces: None,
        cause: format!("surplus {}", payment.id),
        by: &Requester::Rule,
        due_at: now,
    };
    // Its version was moved when it was marked as paid.
    let version = payment.version + 1;
    let paid = Payment {
        version,
        ..payment.clone()
    };
    let touch = payments::record_refund(&paid, now);
    write_refund(services, tx, draft, vec![touch]).await?;
    let detail = Sentence::Surplus.as_str();
    let incident = Incident::of_payment(IncidentKind::Surplus, payment, detail);
    Ok(raise(services, tx, incident).await?)
}

/// Notifies open pages, and wakes the jobs when something became due, after the commit.
pub(crate) fn announce(services: &Services, payment: &Payment, settlement: Settlement) {
    if settlement != Settlement::Unchanged {
        services.watchers.changed(&payment.order_id);
    }
    if is_paying(settlement) {
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
