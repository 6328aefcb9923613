//! The feed of events over HTTP.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{EndpointId, EventId, EventType};
use payments::api_keys::Scope;
use payments::views::EventView;
use payments::webhook::{Delivery, redeliver_event};
use payments::{FeedQuery, find_event, list_events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::{Call, Id, PageBody, accepted, answer, to_the_end};
use super::auth::Caller;
use super::error::Problem;
use super::parameters::Parameters;
use super::web::Web;
use super::webhook_endpoints::DeliveryBody;

/// A page of the feed, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventPage)]
pub struct FeedPageBody {
    data: Vec<EventView>,
    /// `after` of the next page, also when this one is empty; `null` only when there is no event at all.
    #[schema(required)]
    next_after: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedeliverEvent {
    /// Only to this endpoint; by default to every enabled one that wants the type.
    endpoint_id: Option<String>,
}

#[utoipa::path(
    get, path = "/api/billing/events", tag = "events",
    operation_id = "list_events", summary = "Read the feed of events",
    description = "Oldest first, every event once. Nothing ever appears before an event that was read.",
    params(
        ("after" = Option<String>, Query, description = "Id of the last event that was read"),
        ("type" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "20 by default"),
    ),
    responses((status = 200, body = FeedPageBody, description = "Oldest first")),
)]
pub async fn list(
    State(web): State<Web>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<FeedPageBody>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let query = FeedQuery {
        after: parameters.parsed("after", "must be the id of an event", parse_event_id)?,
        kind: parameters.parsed("type", "is not a type of event", EventType::parse)?,
        limit: parameters.limit()?,
    };
    parameters.finish()?;
    let page = list_events(&web.services, &query).await?;
    let events = page.events.into_iter().map(|event| for_reader(event, &caller));
    Ok(Json(FeedPageBody {
        data: events.collect(),
        next_after: page.next_after,
    }))
}

fn parse_event_id(text: &str) -> Option<EventId> {
    EventId::is_made_by_us(text)
        .then(|| EventId::parse(text))
        .flatten()
}

fn for_reader(event: EventView, caller: &Caller) -> EventView {
    if caller.has(Scope::Pay) {
        event
    } else {
        event.without_checkout()
    }
}

#[utoipa::path(
    get, path = "/api/billing/events/{id}", tag = "events",
    operation_id = "show_event", summary = "Read one event", params(("id" = String, Path)),
    responses((status = 200, body = EventView, description = "The event")),
)]
pub async fn show(State(web): State<Web>, caller: Caller, Id(id): Id) -> Result<Json<EventView>, Problem> {
    let id = EventId::parse(&id).ok_or_else(Problem::not_found)?;
    let event = find_event(&web.services, &id).await?;
    Ok(Json(for_reader(event, &caller)))
}

#[utoipa::path(
    post, path = "/api/billing/events/{id}/redeliver", tag = "events",
    operation_id = "redeliver_event", summary = "Send an event again", request_body = Option<RedeliverEvent>,
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses((status = 202, body = PageBody<DeliveryBody>, description = "Its deliveries, which are due now")),
)]
pub async fn redeliver(
    State(web): State<Web>,
    Id(id): Id,
    call: Call<RedeliverEvent>,
) -> Result<Response, Problem> {
    let writer = accepted(|deliveries: &Vec<Delivery>| PageBody {
        data: deliveries.iter().map(DeliveryBody::new).collect(),
        next_cursor: None,
    });
    let idempotency = call.promise.idempotency(&writer);
    let id = EventId::parse(&id).ok_or_else(Problem::not_found)?;
    let endpoint_id = call
        .body
        .endpoint_id
        .map(|id| EndpointId::parse(&id).ok_or_else(Problem::not_found))
        .transpose()?;
    let made =
        to_the_end(
            async move { redeliver_event(&web.services, &id, endpoint_id.as_ref(), idempotency).await },
        )
        .await?;
    Ok(answer(made, &writer))
}
