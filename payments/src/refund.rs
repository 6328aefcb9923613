//! The one door for news about a refund.
//!
//! Notices and questions all end in [`apply_refund_report`]; nothing else writes a refund's state.

#[cfg(test)]
mod tests;

use domain::refund::advance;
use domain::{IncidentId, OrderId, Payment, PaymentId, Refund, RefundReport, RefundState};
use futures_util::FutureExt;

use crate::store::incidents::{self, IncidentKind};
use crate::store::{StoreError, Tx, payments, refunds};
use crate::{Error, Services};

/// Applies one report in the caller's transaction and says what the refund is now; `None`: nothing new. The caller tells
/// the open pages after the commit: [`announce_refund`].
///
/// The report must be about this refund: who reads a message compares its numbers and sums first.
pub(crate) async fn apply_refund_report(
    services: &Services,
    tx: &mut Tx<'_>,
    refund: &Refund,
    report: &RefundReport,
) -> Result<Option<Refund>, Error> {
    let next = advanced(services, refund, report);
    if next == *refund {
        return Ok(None);
    }
    refunds::advance(tx, &next).await?;
    tracing::info!(
        refund.id = %refund.id,
        payment.id = %refund.payment_id,
        "refund {} is {} now",
        refund.id,
        next.state.as_str()
    );
    if let Some((kind, detail)) = incident(refund, &next) {
        raise_refund(services, tx, kind, refund, &detail).await?;
    }
    Ok(Some(next))
}

/// The refund as the report leaves it. What the gateway called it is kept when a later report leaves that out.
fn advanced(services: &Services, refund: &Refund, report: &RefundReport) -> Refund {
    let state = advance(refund.state, report);
    let gateway_refund_id = refund
        .gateway_refund_id
        .clone()
        .or_else(|| report.gateway_refund_id().map(str::to_owned));
    let mut next = Refund {
        gateway_refund_id,
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

/// What a person must hear of.
fn incident(before: &Refund, after: &Refund) -> Option<(IncidentKind, String)> {
    let reason = || after.failure_reason.clone().unwrap_or_default();
    match (before.state, after.state) {
        (before, after) if before == after => None,
        // Somebody may have given the money back under another number meanwhile.
        (RefundState::Failed, RefundState::Succeeded) => Some((
            IncidentKind::RefundRevived,
            "the gateway had said that it failed, and now says that the money is back".to_owned(),
        )),
        (_, RefundState::Failed) => Some((IncidentKind::RefundFailed, reason())),
        (_, RefundState::Stuck) => Some((IncidentKind::RefundStuck, reason())),
        _ => None,
    }
}

async fn raise_refund(
    services: &Services,
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    refund: &Refund,
    detail: &str,
) -> Result<(), Error> {
    let now = services.clock.now();
    let id = IncidentId::new(now, services.clock.entropy());
    tracing::warn!(refund.id = %refund.id, incident = kind.as_str(), "refund {} needs attention: {detail}", refund.id);
    let payment_id = Some(&refund.payment_id);
    incidents::raise(tx, &id, kind, refund.id.as_str(), payment_id, detail, now).await?;
    Ok(())
}

/// Tells the open pages after the commit.
pub(crate) fn announce_refund(services: &Services, order_id: &OrderId) {
    services.watchers.changed(order_id);
}

/// The refunds of a payment, newest first.
pub async fn list_refunds(services: &Services, payment_id: &PaymentId) -> Result<Vec<Refund>, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let Payment { id, .. } = payments::find(tx, payment_id).await?.ok_or(Error::NotFound)?;
                refunds::of_payment(tx, &id)
                    .await
                    .map_err(|error: StoreError| Error::Internal(error))
            }
            .boxed()
        })
        .await
}
