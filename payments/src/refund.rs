//! Refunds: the only place that creates them and changes their state.
//!
//! [`write_refund`] is the only way to create a refund. Notifications, answers and queries all end in
//! [`apply_refund_report`]; nothing else writes a refund's state.

mod execute;
mod list;
mod request;
mod retry;
#[cfg(test)]
mod tests;

use domain::refund::{advance, left};
use domain::{
    Method, Money, Order, OrderId, Payment, PaymentId, PaymentState, Refund, RefundId, RefundNo,
    RefundReport, RefundState, Timestamp, schedule,
};
use futures_util::FutureExt;

pub(crate) use self::execute::question_refund;
pub use self::execute::{reconcile_refunds, reconcile_refunds_of};
pub use self::list::list_all_refunds;
pub(crate) use self::request::accept;
pub use self::request::{RefundRequest, request_refund};
pub use self::retry::retry_refund;

use crate::incident::{Incident, Recurrence, raise};
use crate::ledger::{post_refund, post_refund_change};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::store::batch::Write;
use crate::store::incidents;
use crate::store::payments::facts;
use crate::store::refunds::{NewRefund, claims};
use crate::store::{StoreError, Tx, orders, payments, refunds};
use crate::{Ending, Error, Requester, Services};

/// Draft of a refund; that it is allowed is decided before.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub payment: &'a Payment,
    pub order: &'a Order,
    pub amount: Money,
    pub reason: &'a str,
    /// The merchant's number, which the gateway gets too; without one a number is generated.
    pub number: Option<RefundNo>,
    /// The request named no amount.
    pub takes_rest: bool,
    /// Failed refund that this one replaces.
    pub replaces: Option<&'a RefundId>,
    /// The one call, form, payment or refund that caused it.
    pub cause: String,
    pub by: &'a Requester,
    pub due_at: Timestamp,
}

/// Writes a refund in the caller's transaction, together with `writes`, of which one moves the payment's version. The job
/// sends it when it is due.
pub(crate) async fn write_refund(
    services: &Services,
    tx: &mut Tx<'_>,
    draft: Draft<'_>,
    mut writes: Vec<Write>,
) -> Result<Refund, Error> {
    let now = services.clock.now();
    let refund = Refund {
        id: RefundId::new(now, services.clock.entropy()),
        refund_no: draft
            .number
            .unwrap_or_else(|| RefundNo::new(now, services.clock.entropy())),
        payment_id: draft.payment.id.clone(),
        amount: draft.amount,
        reason: draft.reason.to_owned(),
        state: RefundState::Requested,
        gateway_refund_id: None,
        failure_reason: None,
        created_at: now,
        updated_at: now,
        finished_at: None,
        version: 0,
    };
    let new = NewRefund {
        refund: &refund,
        order_id: &draft.payment.order_id,
        takes_rest: draft.takes_rest,
        replaces: draft.replaces,
        cause: &draft.cause,
        due_at: draft.due_at,
    };
    writes.push(orders::note_refund(&refund.payment_id, now));
    writes.push(refunds::insert(tx, &new));
    writes.extend(draft.by.note_refund(&refund, now));
    post_refund(tx, writes, (draft.payment, draft.order), &refund, now).await?;
    tracing::info!(
        refund.id = %refund.id,
        payment.id = %refund.payment_id,
        "refund {} of {} fen is to be sent",
        refund.id,
        refund.amount.fen()
    );
    Ok(refund)
}

/// Applies one report in the caller's transaction and returns the refund as changed; `None`: no change. The caller
/// announces it after the commit: [`announce_refund`].
///
/// The report must be about this refund: a notification's numbers and amounts are compared first.
pub(crate) async fn apply_refund_report(
    services: &Services,
    tx: &mut Tx<'_>,
    refund: &Refund,
    report: &RefundReport,
) -> Result<Option<Refund>, Error> {
    let next = advance_refund(services, refund, report);
    if next.state == refund.state && next.gateway_refund_id == refund.gateway_refund_id {
        return Ok(None);
    }
    // First, because the replacement would have paid out the same money.
    if (refund.state, next.state) == (RefundState::Failed, RefundState::Succeeded) {
        withdraw_replacement(services, tx, refund).await?;
    }
    record_refund(services, tx, refund, &next).await?;
    if refund.state != RefundState::Failed && next.state == RefundState::Failed {
        renew_surplus(services, tx, refund).await?;
    }
    Ok(Some(next))
}

/// The one place where a refund's state changes.
async fn record_refund(
    services: &Services,
    tx: &mut Tx<'_>,
    refund: &Refund,
    next: &Refund,
) -> Result<(), Error> {
    // The payment before its refund: every transaction locks in this order, which prevents a deadlock.
    let is_done = refund.state != RefundState::Succeeded && next.state == RefundState::Succeeded;
    let returned = if is_done { refund.amount } else { Money::ZERO };
    let now = services.clock.now();
    let (method, order_id) = payments::record_change(tx, &refund.payment_id, now).await?;
    orders::record_change(tx, &refund.payment_id, returned, now).await?;
    let is_new_state = refund.state != next.state;
    let advance = refunds::advance(tx, next, &order_id, is_new_state);
    post_refund_change(tx, vec![advance], refund.state, next, now).await?;
    tracing::info!(
        refund.id = %refund.id,
        payment.id = %refund.payment_id,
        "refund {} is {} now",
        refund.id,
        next.state.as_str()
    );
    count_ending(services, tx, method, refund, next);
    let subject = refund.id.as_str();
    if refund.state == RefundState::Stuck && next.state != RefundState::Stuck {
        incidents::settle(tx, IncidentKind::RefundStuck, subject, services.clock.now()).await?;
    }
    if is_done {
        incidents::settle_surplus(tx, &refund.payment_id, now).await?;
    }
    if let Some((kind, detail)) = incident_of_change(refund, next) {
        let incident = Incident {
            recurrence: Recurrence::Opens,
            ..incident_of_refund(kind, refund, &detail)
        };
        raise(services, tx, incident).await?;
    }
    Ok(())
}

/// Counts a refund that ends now. One that had failed and is done after all was counted then.
fn count_ending(services: &Services, tx: &mut Tx<'_>, method: Method, before: &Refund, after: &Refund) {
    let ending = match after.state {
        _ if before.state.is_final() => return,
        RefundState::Succeeded => Ending::Succeeded,
        RefundState::Failed => Ending::Failed,
        RefundState::Requested | RefundState::Pending | RefundState::Stuck => return,
    };
    let metrics = services.metrics.clone();
    tx.after_commit(move || metrics.count_refund(method, ending));
}

/// Requests another refund of surplus money, under another number, after this one has failed for good.
async fn renew_surplus(services: &Services, tx: &mut Tx<'_>, failed: &Refund) -> Result<(), Error> {
    let (payment, order) = facts::find_with_order(tx, &failed.payment_id)
        .await?
        .ok_or(StoreError::Corrupt("refunds.payment_id"))?;
    let rest = left(payment.amount, claimed(&payment)?);
    if payment.state != PaymentState::Paid || payment.settles || rest.is_zero() {
        return Ok(());
    }
    let n_failed = claims::count_failed(tx, &payment.id).await?;
    let draft = Draft {
        payment: &payment,
        order: &order,
        by: &Requester::Rule,
        amount: rest,
        reason: &failed.reason,
        number: None,
        takes_rest: false,
        replaces: Some(&failed.id),
        cause: cause_of_replacement(&failed.id),
        due_at: schedule::next_refund_renewal(services.clock.now(), n_failed),
    };
    let touch = payments::record_refund(&payment, services.clock.now());
    write_refund(services, tx, draft, vec![touch]).await.map(drop)
}

/// Cause of a replacement: a failed refund has one at most.
fn cause_of_replacement(failed: &RefundId) -> String {
    format!("replaces {failed}")
}

/// Withdraws the replacement of a refund that had failed and succeeded after all: it would refund the money twice.
async fn withdraw_replacement(services: &Services, tx: &mut Tx<'_>, revived: &Refund) -> Result<(), Error> {
    match refunds::find_replacement(tx, &revived.id).await? {
        Some((replacement, progress)) if progress.was_never_sent() && !replacement.state.is_final() => {
            let withdrawn = Refund {
                state: RefundState::Failed,
                failure_reason: Some(
                    "never sent: the refund whose place it was to take is done after all".to_owned(),
                ),
                finished_at: Some(services.clock.now()),
                updated_at: services.clock.now(),
                ..replacement.clone()
            };
            record_refund(services, tx, &replacement, &withdrawn).await
        }
        _ => Ok(()),
    }
}

/// Refunded and pending amount of a payment.
fn claimed(payment: &Payment) -> Result<Money, Error> {
    let fen = payment.refunded.fen() + payment.refunding.fen();
    Ok(Money::from_sum(fen).map_err(|_| StoreError::Corrupt("refunds.amount"))?)
}

/// Applies the report to the refund. The gateway's id, once known, is kept.
fn advance_refund(services: &Services, refund: &Refund, report: &RefundReport) -> Refund {
    let state = advance(refund.state, report);
    let gateway_refund_id = refund
        .gateway_refund_id
        .clone()
        .or_else(|| report.gateway_refund_id().map(str::to_owned));
    let mut next = Refund {
        gateway_refund_id,
        updated_at: services.clock.now(),
        ..refund.clone()
    };
    if state == refund.state {
        return next;
    }
    next.state = state;
    (next.failure_reason, next.finished_at) = match report {
        RefundReport::Succeeded { finished_at, .. } => (None, Some(*finished_at)),
        RefundReport::Failed(reason) => (Some(reason.clone()), Some(services.clock.now())),
        RefundReport::Stuck(reason) => (Some(reason.clone()), None),
        RefundReport::Processing { .. } | RefundReport::Absent => (None, None),
    };
    next
}

/// Incident that a change of state raises.
fn incident_of_change(before: &Refund, after: &Refund) -> Option<(IncidentKind, String)> {
    let reason = || after.failure_reason.clone().unwrap_or_default();
    match (before.state, after.state) {
        (before, after) if before == after => None,
        // The money may have been refunded under another number meanwhile.
        (RefundState::Failed, RefundState::Succeeded) => Some((
            IncidentKind::RefundRevived,
            Sentence::RefundRevived.as_str().to_owned(),
        )),
        (_, RefundState::Failed) => Some((IncidentKind::RefundFailed, reason())),
        (_, RefundState::Stuck) => Some((IncidentKind::RefundStuck, reason())),
        _ => None,
    }
}

fn incident_of_refund<'a>(kind: IncidentKind, refund: &'a Refund, detail: &'a str) -> Incident<'a> {
    Incident {
        kind,
        subject: refund.id.as_str(),
        payment_id: Some(&refund.payment_id),
        detail,
        recurrence: Recurrence::Ignored,
    }
}

/// Notifies open pages after the commit.
pub(crate) fn announce_refund(services: &Services, order_id: &OrderId) {
    services.watchers.changed(order_id);
}

/// Refunds of a payment, newest first.
pub async fn list_refunds(services: &Services, payment_id: &PaymentId) -> Result<Vec<Refund>, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let Payment { id, .. } = payments::find(tx, payment_id).await?.ok_or(Error::NotFound)?;
                refunds::of_payment(tx, &id).await.map_err(Error::Internal)
            }
            .boxed()
        })
        .await
}

/// A refund with its payment.
pub async fn find_refund(services: &Services, id: &RefundId) -> Result<(Refund, Payment), Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let (refund, _) = refunds::find(tx, id).await?.ok_or(Error::NotFound)?;
                let payment = payments::find(tx, &refund.payment_id)
                    .await?
                    .ok_or(StoreError::Corrupt("refunds.payment_id"))?;
                Ok((refund, payment))
            }
            .boxed()
        })
        .await
}
