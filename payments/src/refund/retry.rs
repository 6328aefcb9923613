//! Retries a refund for a person.

use domain::{Payment, Refund, RefundId, RefundRefusal, RefundReport, RefundState};
use futures_util::FutureExt;

use super::execute::{RefundTask, query};
use super::request::{authorise_refund, next_turn};
use super::{Draft, announce_refund, apply_refund_report, cause_of_replacement, find_refund, write_refund};
use crate::store::payments::facts;
use crate::store::refunds::claims;
use crate::store::{StoreError, Tx, payments, refunds, requesters};
use crate::{Error, Requester, Services};

/// Retries a stuck or failed refund, and returns the refund that is in progress now.
///
/// A stuck one is sent again under the same number. A failed one is queried first: only when the gateway does not know it,
/// or has closed it, is it replaced by a refund with another number (T-32), at most once.
pub async fn retry_refund(services: &Services, id: &RefundId) -> Result<Refund, Error> {
    let (refund, payment) = find_latest(services, id).await?;
    let tried = match refund.state {
        RefundState::Succeeded => return Err(RefundRefusal::NotRetryable.into()),
        RefundState::Requested | RefundState::Pending => expedite_refund(services, &refund).await?,
        RefundState::Stuck => send_again(services, &refund).await?,
        RefundState::Failed => replace_failed(services, &refund, &payment).await?,
    };
    announce_refund(services, &payment.order_id);
    services.wake.ring();
    Ok(tried)
}

/// The refund itself, or the last of its replacements.
async fn find_latest(services: &Services, id: &RefundId) -> Result<(Refund, Payment), Error> {
    let (mut refund, payment) = find_refund(services, id).await?;
    loop {
        let failed = &refund.id;
        let replacement = services
            .db
            .read_one(|tx| async move { refunds::find_replacement(tx, failed).await }.boxed())
            .await?;
        match replacement {
            Some((next, _)) => refund = next,
            None => return Ok((refund, payment)),
        }
    }
}

/// In progress already: only makes it due now.
async fn expedite_refund(services: &Services, refund: &Refund) -> Result<Refund, Error> {
    let now = services.clock.now();
    services
        .db
        .write_one(|tx| async move { refunds::expedite(tx, refund, now).await }.boxed())
        .await?;
    Ok(refund.clone())
}

async fn send_again(services: &Services, refund: &Refund) -> Result<Refund, Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let (refund, _) = refunds::find(tx, &refund.id).await?.ok_or(Error::NotFound)?;
                if refund.state == RefundState::Stuck {
                    claims::send_again(tx, &refund, now).await?;
                }
                Ok(refund)
            }
            .boxed()
        })
        .await
}

async fn replace_failed(services: &Services, failed: &Refund, payment: &Payment) -> Result<Refund, Error> {
    let Some(task) = RefundTask::new(failed, payment)? else {
        return Err(RefundRefusal::NotRetryable.into());
    };
    task.require_answering(services)?;
    let report = &query(services, &task).await?;
    services
        .db
        .write(|tx| async move { replace_by(services, tx, failed, report).await }.boxed())
        .await
}

async fn replace_by(
    services: &Services,
    tx: &mut Tx<'_>,
    failed: &Refund,
    report: &RefundReport,
) -> Result<Refund, Error> {
    let now = services.clock.now();
    payments::hold(tx, &failed.payment_id).await?;
    let (refund, _) = refunds::find(tx, &failed.id).await?.ok_or(Error::NotFound)?;
    match report {
        RefundReport::Absent | RefundReport::Failed(_) => {}
        RefundReport::Succeeded { .. } => {
            let changed = apply_refund_report(services, tx, &refund, report).await?;
            return Ok(changed.unwrap_or(refund));
        }
        RefundReport::Processing { .. } | RefundReport::Stuck(_) => {
            return Err(RefundRefusal::NotRetryable.into());
        }
    }
    if let Some((replacement, _)) = refunds::find_replacement(tx, &refund.id).await? {
        return Ok(replacement);
    }
    let facts = facts::find_for_refund(tx, &refund.payment_id, None, now)
        .await?
        .ok_or(StoreError::Corrupt("refunds.payment_id"))?;
    authorise_refund(&facts, refund.amount, now)?;
    let draft = Draft {
        payment: &facts.payment,
        order: &facts.order,
        // It has the requester of the failed one.
        by: &Requester::Rule,
        amount: refund.amount,
        reason: &refund.reason,
        number: None,
        takes_rest: false,
        replaces: Some(&refund.id),
        cause: cause_of_replacement(&refund.id),
        due_at: next_turn(&facts, now),
    };
    let touch = payments::record_refund(&facts.payment, now);
    let next = write_refund(services, tx, draft, vec![touch]).await?;
    requesters::inherit_refund(tx, &refund.id, &next, now).await?;
    Ok(next)
}
