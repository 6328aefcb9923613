//! Deliveries of webhook endpoints: pinged, sent again, and listed.

use domain::{EndpointId, EventId, EventType, Timestamp};
use futures_util::FutureExt;

use super::endpoint::{Endpoint, EndpointStatus, require_endpoint};
use super::request::event_body;
use crate::delivery::DeliveryKind;
use crate::event;
use crate::idempotency::{Idempotency, Outcome, write_once};
use crate::model::event::KeptEvent;
use crate::pagination::{Page, page};
use crate::store::deliveries::{self, DeliveryFilter, DeliveryRow, NewDelivery};
use crate::store::events;
use crate::store::webhook_endpoints::{self, ReplayRow};
use crate::store::{StoreError, Tx};
use crate::validate::invalid;
use crate::{Error, Services};

/// A delivery as its log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub event_id: String,
    pub attempt: u32,
    pub status: String,
    pub response_status: Option<u16>,
    pub response_headers: Option<String>,
    pub response_body: Option<String>,
    pub duration_ms: Option<i64>,
    pub error: Option<String>,
    pub next_attempt_at: Option<Timestamp>,
    pub attempted_at: Option<Timestamp>,
    /// Head of the last request.
    pub request: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// `pending`, `succeeded` or `failed`.
    pub status: Option<String>,
    pub event_id: Option<EventId>,
    pub limit: u32,
    pub cursor: Option<String>,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Delivery {
        Delivery {
            event_id: row.subject,
            attempt: u32::try_from(row.attempt).unwrap_or(u32::MAX),
            status: row.status,
            response_status: row.response_status.and_then(|status| u16::try_from(status).ok()),
            response_headers: row.response_headers,
            response_body: row.response_body,
            duration_ms: row.duration_ms,
            error: row.error,
            next_attempt_at: row.due_at.map(Timestamp::from_millis),
            attempted_at: row.attempted_at.map(Timestamp::from_millis),
            request: row.request,
            created_at: Timestamp::from_millis(row.created_at),
        }
    }
}

/// Sends a ping event to one endpoint, also to one that is disabled.
pub async fn ping_endpoint(
    services: &Services,
    id: &EndpointId,
    idempotency: Option<Idempotency<Delivery>>,
) -> Result<Outcome<Delivery>, Error> {
    let now = services.clock.now();
    write_once(services, idempotency.as_ref(), now, &|tx| {
        async move { queue_ping(services, tx, id).await.map(Outcome::New) }.boxed()
    })
    .await
}

/// [`ping_endpoint`] in the caller's transaction.
pub(crate) async fn queue_ping(
    services: &Services,
    tx: &mut Tx<'_>,
    id: &EndpointId,
) -> Result<Delivery, Error> {
    require_endpoint(tx, id).await?;
    let now = services.clock.now();
    let ping = event::ping(id, now, services.clock.entropy());
    let event_id = ping.id.to_string();
    tx.record_event(ping);
    queue_delivery(tx, id, &event_id, now).await
}

async fn queue_delivery(
    tx: &mut Tx<'_>,
    id: &EndpointId,
    event_id: &str,
    now: Timestamp,
) -> Result<Delivery, Error> {
    let new = NewDelivery {
        target: id.as_str(),
        subject: event_id,
        kind: DeliveryKind::Webhook.as_str(),
    };
    deliveries::enqueue(tx, new, now).await?;
    let row = deliveries::find(tx, id.as_str(), event_id).await?;
    Ok(row.ok_or(StoreError::Corrupt("deliveries.subject"))?.into())
}

/// Sends an event again: to one endpoint, or to all enabled ones that want it.
pub async fn redeliver_event(
    services: &Services,
    event_id: &EventId,
    endpoint_id: Option<&EndpointId>,
    idempotency: Option<Idempotency<Vec<Delivery>>>,
) -> Result<Outcome<Vec<Delivery>>, Error> {
    let now = services.clock.now();
    write_once(services, idempotency.as_ref(), now, &|tx| {
        async move {
            queue_redelivery(services, tx, event_id, endpoint_id)
                .await
                .map(Outcome::New)
        }
        .boxed()
    })
    .await
}

/// [`redeliver_event`] in the caller's transaction.
pub(crate) async fn queue_redelivery(
    services: &Services,
    tx: &mut Tx<'_>,
    event_id: &EventId,
    endpoint_id: Option<&EndpointId>,
) -> Result<Vec<Delivery>, Error> {
    let now = services.clock.now();
    let event = events::find_listed(tx, event_id).await?.ok_or(Error::NotFound)?;
    let targets = match endpoint_id {
        Some(id) => vec![require_endpoint(tx, id).await?.id],
        None => find_wanting(tx, &event).await?,
    };
    let mut queued = Vec::new();
    for target in &targets {
        queued.push(queue_delivery(tx, target, event_id.as_str(), now).await?);
    }
    Ok(queued)
}

async fn find_wanting(tx: &mut Tx<'_>, event: &KeptEvent) -> Result<Vec<EndpointId>, Error> {
    let kind = EventType::parse(&event.kind).ok_or(StoreError::Corrupt("events.type"))?;
    let mut wanting = Vec::new();
    for row in webhook_endpoints::list(tx).await? {
        let endpoint = Endpoint::try_from(&row)?;
        if endpoint.status == EndpointStatus::Enabled && endpoint.events.wants(kind) {
            wanting.push(endpoint.id);
        }
    }
    Ok(wanting)
}

/// Sends the events of a span of time again: `from` inclusive, `to` exclusive. The publisher works it off in batches.
pub async fn replay_events(
    services: &Services,
    id: &EndpointId,
    from: Timestamp,
    to: Timestamp,
    idempotency: Option<Idempotency<Endpoint>>,
) -> Result<Outcome<Endpoint>, Error> {
    let now = services.clock.now();
    write_once(services, idempotency.as_ref(), now, &|tx| {
        async move { begin_replay(tx, id, from, to, now).await.map(Outcome::New) }.boxed()
    })
    .await
}

/// [`replay_events`] in the caller's transaction.
pub(crate) async fn begin_replay(
    tx: &mut Tx<'_>,
    id: &EndpointId,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Result<Endpoint, Error> {
    let endpoint = require_endpoint(tx, id).await?;
    // A span of no length holds nothing, which is no mistake; one that ends before it begins is.
    if to < from {
        return Err(invalid("to", "must not be earlier than from"));
    }
    // Ids carry their time, so a span of time is a span of ids.
    let replay = ReplayRow {
        endpoint_id: id.to_string(),
        after_id: EventId::floor(from),
        below_id: EventId::floor(to),
    };
    webhook_endpoints::begin_replay(tx, &replay, now).await?;
    Ok(endpoint)
}

/// Deliveries of an endpoint, the newest event first.
pub async fn list_deliveries(
    services: &Services,
    id: &EndpointId,
    query: &DeliveryQuery,
) -> Result<Page<Delivery>, Error> {
    let filter = &DeliveryFilter {
        status: query.status.clone(),
        subject: query.event_id.as_ref().map(ToString::to_string),
        cursor: query.cursor.clone(),
    };
    let limit = i64::from(query.limit) + 1;
    let rows = services
        .db
        .snapshot(|tx| {
            async move {
                require_endpoint(tx, id).await?;
                Ok::<_, Error>(deliveries::list(tx, id.as_str(), filter, limit).await?)
            }
            .boxed()
        })
        .await?;
    let found = rows.into_iter().map(Delivery::from).collect();
    Ok(page(found, query.limit, |delivery: &Delivery| {
        delivery.event_id.clone()
    }))
}

/// One delivery with the body that its next attempt sends.
pub async fn find_delivery(
    services: &Services,
    id: &EndpointId,
    event_id: &EventId,
) -> Result<(Delivery, String), Error> {
    let (row, event): (Option<DeliveryRow>, Option<KeptEvent>) = services
        .db
        .snapshot(|tx| {
            async move {
                let row = deliveries::find(tx, id.as_str(), event_id.as_str()).await?;
                Ok::<_, StoreError>((row, events::find(tx, event_id.as_str()).await?))
            }
            .boxed()
        })
        .await?;
    let row = row.ok_or(Error::NotFound)?;
    let event = event.ok_or(Error::NotFound)?;
    let body = String::from_utf8_lossy(&event_body(services, &event)?).into_owned();
    Ok((row.into(), body))
}
