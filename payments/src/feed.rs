//! The feed of events: read in an order that is stable, complete and free of gaps behind a cursor.
//!
//! An event is written in the transaction of its change and gets its place in the feed afterwards, from one writer at a time
//! ([`publish_events`]): a sequence alone would give a place to an event before it is committed, and a reader would have
//! passed it by then. The same writer puts the event in the queues of the webhook endpoints.

use domain::{EventId, EventType};
use futures_util::FutureExt;

use crate::delivery::{self, DeliveryKind};
use crate::error::logged;
use crate::model::event::KeptEvent;
use crate::store::events::{self, FeedPlace};
use crate::store::webhook_endpoints::{self, ReplayRow};
use crate::store::{StoreError, Tx, deliveries};
use crate::views::EventView;
use crate::{Error, Services};

/// Events that get their places in one transaction.
const BATCH: i64 = 500;
/// A run ends in time even when much has gathered; the next one goes on.
const MAX_BATCHES: usize = 200;

/// Query of a reader of the feed.
#[derive(Debug, Clone, Default)]
pub struct FeedQuery {
    /// The last event that the reader has.
    pub after: Option<EventId>,
    pub kind: Option<EventType>,
    pub limit: u32,
}

/// A page of the feed, oldest first.
#[derive(Debug, Clone)]
pub struct FeedPage {
    pub events: Vec<EventView>,
    /// Event to go on after; `None` only when there is no event at all.
    pub next_after: Option<String>,
}

/// Reads the feed, with every event that was committed before.
pub async fn list_events(services: &Services, query: &FeedQuery) -> Result<FeedPage, Error> {
    let mut place = find_place(services, query.after.as_ref()).await?;
    if place.has_unnumbered {
        try_to_publish(services).await;
        place = find_place(services, query.after.as_ref()).await?;
    }
    let after = match (&query.after, place.position) {
        (None, _) => 0,
        (Some(_), position) => position.ok_or(Error::NotFound)?,
    };
    let limit = i64::from(query.limit);
    let rows = services
        .db
        .read_one(|tx| async move { events::list_after(tx, after, query.kind, limit).await }.boxed())
        .await?;
    let next_after = match (rows.last(), &query.after) {
        (Some(last), _) => Some(last.id.clone()),
        (None, Some(after)) => Some(after.to_string()),
        // None of the type that was asked for: what comes later is behind the last of all, which was read before.
        (None, None) => place.last_id,
    };
    let base = &services.outbox.public_url;
    let events: Option<_> = rows.iter().map(|row| EventView::new(row, base)).collect();
    Ok(FeedPage {
        events: events.ok_or(StoreError::Corrupt("events.data"))?,
        next_after,
    })
}

async fn find_place(services: &Services, after: Option<&EventId>) -> Result<FeedPlace, Error> {
    services
        .db
        .read_one(|tx| async move { events::find_place(tx, after).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Reads one event of the feed.
pub async fn find_event(services: &Services, id: &EventId) -> Result<EventView, Error> {
    let mut row = find_listed(services, id).await?;
    if row.is_none() {
        try_to_publish(services).await;
        row = find_listed(services, id).await?;
    }
    let view = EventView::new(&row.ok_or(Error::NotFound)?, &services.outbox.public_url);
    Ok(view.ok_or(StoreError::Corrupt("events.data"))?)
}

async fn find_listed(services: &Services, id: &EventId) -> Result<Option<KeptEvent>, Error> {
    services
        .db
        .read_one(|tx| async move { events::find_listed(tx, id).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Publishes what waits. A reader need not wait for the job. A database that takes no writes at the moment is still read.
async fn try_to_publish(services: &Services) {
    if let Err(error) = publish_events(services).await {
        tracing::warn!(
            error = logged(&error),
            "events that are new get their places later"
        );
    }
}

/// Gives committed events their places in the feed, and puts them in the queues of the endpoints that want them. Returns how
/// many there were.
pub async fn publish_events(services: &Services) -> Result<usize, Error> {
    let mut n_published = 0;
    for _ in 0..MAX_BATCHES {
        let is_waiting = services
            .db
            .read_one(|tx| events::has_unnumbered(tx).boxed())
            .await?;
        if !is_waiting {
            break;
        }
        let n_rows = services
            .db
            .write(|tx| async move { publish_batch(services, tx).await }.boxed())
            .await?;
        n_published += usize::try_from(n_rows).unwrap_or(usize::MAX);
    }
    Ok(n_published)
}

async fn publish_batch(services: &Services, tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let numbered = events::number_waiting(tx, BATCH).await?;
    if numbered.last > numbered.after {
        let kind = DeliveryKind::Webhook.as_str();
        let now = services.clock.now();
        deliveries::enqueue_numbered(tx, numbered.after, numbered.last, kind, now).await?;
    }
    Ok(numbered.last - numbered.after)
}

/// Works off the ranges of events that are to be sent again.
async fn run_replays(services: &Services) -> Result<usize, Error> {
    let mut n_batches = 0;
    while n_batches < MAX_BATCHES {
        let replays = services
            .db
            .read_one(|tx| webhook_endpoints::list_replays(tx).boxed())
            .await?;
        if replays.is_empty() {
            break;
        }
        for replay in &replays {
            services
                .db
                .write(|tx| async move { run_replay_batch(services, tx, replay).await }.boxed())
                .await?;
            n_batches += 1;
        }
    }
    Ok(n_batches)
}

async fn run_replay_batch(
    services: &Services,
    tx: &mut Tx<'_>,
    replay: &ReplayRow,
) -> Result<(), StoreError> {
    let ReplayRow {
        endpoint_id,
        after_id,
        below_id,
    } = replay;
    let Some(last_id) = deliveries::find_replay_batch(tx, after_id, below_id, BATCH).await? else {
        return webhook_endpoints::end_replay(tx, replay).await;
    };
    let (kind, now) = (DeliveryKind::Webhook.as_str(), services.clock.now());
    deliveries::enqueue_replay(tx, endpoint_id, after_id, &last_id, kind, now).await?;
    webhook_endpoints::move_replay(tx, replay, &last_id).await
}

/// The job of a server: publishes, works off replays, and starts the workers of the targets that something is due for.
pub async fn run_webhooks(services: &Services) -> Result<usize, Error> {
    let n_published = publish_events(services).await?;
    run_replays(services).await?;
    delivery::dispatch_deliveries(services).await?;
    Ok(n_published)
}

/// The same to its end: returns when every attempt that is due was made, and how many there were.
pub async fn deliver_webhooks(services: &Services) -> Result<usize, Error> {
    publish_events(services).await?;
    run_replays(services).await?;
    delivery::deliver_due(services).await
}
