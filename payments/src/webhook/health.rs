//! Health of webhook endpoints: when one is disabled, and what a person is told.

use std::time::Duration;

use domain::Timestamp;

use super::request::is_gone;
use crate::delivery::{Failure, NextStep};
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::store::deliveries::DeliveryRow;
use crate::store::{Tx, webhook_endpoints};
use crate::{Error, Services};

/// An endpoint that has failed for so long is disabled.
const MAX_FAILING: Duration = Duration::from_hours(5 * 24);

/// The endpoint works again.
pub(crate) async fn note_success(tx: &mut Tx<'_>, delivery: &DeliveryRow) -> Result<(), Error> {
    Ok(webhook_endpoints::note_success(tx, &delivery.target).await?)
}

/// Disables an endpoint that is gone or has failed for five days, and raises an incident when a delivery is given up.
pub(crate) async fn note_failure(
    services: &Services,
    tx: &mut Tx<'_>,
    delivery: &DeliveryRow,
    failure: &Failure<'_>,
) -> Result<(), Error> {
    let now = services.clock.now();
    let since = webhook_endpoints::note_failure(tx, &delivery.target, now).await?;
    let Some(since) = since.map(Timestamp::from_millis) else {
        return Ok(());
    };
    let is_gone = failure.answer.is_some_and(is_gone);
    if is_gone || now.duration_since(since) >= MAX_FAILING {
        let why = if is_gone {
            Sentence::EndpointGone.as_str().to_owned()
        } else {
            Sentence::EndpointFailing.with(&[&failure.error])
        };
        if webhook_endpoints::disable(tx, &delivery.target, now).await? {
            raise_incident(services, tx, IncidentKind::WebhookDisabled, delivery, &why).await?;
        }
    }
    if failure.next == NextStep::GiveUp && !is_gone {
        let detail = Sentence::EventNotDelivered.with(&[&delivery.subject, &failure.error]);
        raise_incident(services, tx, IncidentKind::WebhookFailed, delivery, &detail).await?;
    }
    Ok(())
}

/// One incident for an endpoint and kind, opened again by what comes after its resolution.
async fn raise_incident(
    services: &Services,
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    delivery: &DeliveryRow,
    detail: &str,
) -> Result<(), Error> {
    let incident = Incident {
        kind,
        subject: &delivery.target,
        payment_id: None,
        detail,
        recurrence: Recurrence::Opens,
    };
    Ok(raise(services, tx, incident).await?)
}
