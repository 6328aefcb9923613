//! Webhook endpoints over HTTP.

mod wire;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::{EndpointId, EventId};
use payments::webhook::{
    Delivery, DeliveryQuery, Endpoint, create_endpoint, delete_endpoint, find_endpoint, list_deliveries,
    list_endpoints, ping_endpoint, replay_events, rotate_secret, update_endpoint,
};

use self::wire::{CreateEndpoint, EndpointBody, ReplayEvents, RotateSecret, UpdateEndpoint};
use super::api::{Call, Id, PageBody, accepted, answer, answer_sealed, changed, created, to_the_end};
use super::error::Problem;
use super::parameters::Parameters;
use super::web::Web;

pub use self::wire::{DELIVERY_STATUSES, DeliveryBody};

fn endpoint_id(text: &str) -> Result<EndpointId, Problem> {
    EndpointId::parse(text).ok_or_else(Problem::not_found)
}

#[utoipa::path(
    post, path = "/api/billing/webhook-endpoints", tag = "webhooks",
    operation_id = "create_webhook_endpoint", summary = "Make a webhook endpoint", request_body = CreateEndpoint,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses((status = 201, body = EndpointBody, description = "With its secret, which is shown only now")),
)]
pub async fn create(State(web): State<Web>, call: Call<CreateEndpoint>) -> Result<Response, Problem> {
    let writer = created(EndpointBody::with_secret);
    let idempotency = call.promise.sealed_idempotency(&web.services, &writer);
    let (new, services) = (call.body.check()?, web.services.clone());
    let made = to_the_end(async move { create_endpoint(&services, new, idempotency).await }).await?;
    answer_sealed(&web.services, &call.promise, made, &writer)
}

#[utoipa::path(
    get, path = "/api/billing/webhook-endpoints", tag = "webhooks",
    operation_id = "list_webhook_endpoints", summary = "List the webhook endpoints",
    responses((status = 200, body = PageBody<EndpointBody>, description = "All of them, newest first, on one page")),
)]
pub async fn list(State(web): State<Web>) -> Result<Json<PageBody<EndpointBody>>, Problem> {
    let endpoints = list_endpoints(&web.services).await?;
    Ok(Json(PageBody {
        data: endpoints.iter().map(EndpointBody::new).collect(),
        next_cursor: None,
    }))
}

#[utoipa::path(
    get, path = "/api/billing/webhook-endpoints/{id}", tag = "webhooks",
    operation_id = "show_webhook_endpoint", summary = "Read a webhook endpoint", params(("id" = String, Path)),
    responses((status = 200, body = EndpointBody, description = "The endpoint, without its secret")),
)]
pub async fn show(State(web): State<Web>, Id(id): Id) -> Result<Json<EndpointBody>, Problem> {
    let endpoint = find_endpoint(&web.services, &endpoint_id(&id)?).await?;
    Ok(Json(EndpointBody::new(&endpoint)))
}

#[utoipa::path(
    patch, path = "/api/billing/webhook-endpoints/{id}", tag = "webhooks",
    operation_id = "update_webhook_endpoint", summary = "Change a webhook endpoint",
    request_body = Option<UpdateEndpoint>,
    params(("id" = String, Path)),
    responses((status = 200, body = EndpointBody, description = "The endpoint as it is now")),
)]
pub async fn update(
    State(web): State<Web>,
    Id(id): Id,
    call: Call<UpdateEndpoint>,
) -> Result<Json<EndpointBody>, Problem> {
    let (id, patch) = (endpoint_id(&id)?, call.body.check()?);
    let endpoint = to_the_end(async move { update_endpoint(&web.services, &id, patch).await }).await?;
    Ok(Json(EndpointBody::new(&endpoint)))
}

#[utoipa::path(
    delete, path = "/api/billing/webhook-endpoints/{id}", tag = "webhooks",
    operation_id = "delete_webhook_endpoint", summary = "Remove a webhook endpoint with its deliveries",
    params(("id" = String, Path)),
    responses((status = 204, description = "It is gone")),
)]
pub async fn remove(State(web): State<Web>, Id(id): Id) -> Result<StatusCode, Problem> {
    let id = endpoint_id(&id)?;
    to_the_end(async move { delete_endpoint(&web.services, &id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    post, path = "/api/billing/webhook-endpoints/{id}/rotate-secret", tag = "webhooks",
    operation_id = "rotate_webhook_secret", summary = "Give a webhook endpoint a new secret",
    request_body = Option<RotateSecret>,
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses((status = 200, body = EndpointBody, description = "With its new secret, which is shown only now")),
)]
pub async fn rotate(
    State(web): State<Web>,
    Id(id): Id,
    call: Call<RotateSecret>,
) -> Result<Response, Problem> {
    let writer = changed(EndpointBody::with_secret);
    let idempotency = call.promise.sealed_idempotency(&web.services, &writer);
    let (id, hours, services) = (endpoint_id(&id)?, call.body.check()?, web.services.clone());
    let made = to_the_end(async move { rotate_secret(&services, &id, hours, idempotency).await }).await?;
    answer_sealed(&web.services, &call.promise, made, &writer)
}

#[utoipa::path(
    post, path = "/api/billing/webhook-endpoints/{id}/test", tag = "webhooks",
    operation_id = "test_webhook_endpoint", summary = "Send a ping event",
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses((status = 202, body = DeliveryBody, description = "The delivery of the ping, which is due now")),
)]
pub async fn test(
    State(web): State<Web>,
    Id(id): Id,
    call: Call<wire::Nothing>,
) -> Result<Response, Problem> {
    let writer = accepted(DeliveryBody::new);
    let idempotency = call.promise.idempotency(&writer);
    let id = endpoint_id(&id)?;
    let made = to_the_end(async move { ping_endpoint(&web.services, &id, idempotency).await }).await?;
    Ok(answer::<Delivery>(made, &writer))
}

#[utoipa::path(
    post, path = "/api/billing/webhook-endpoints/{id}/replay", tag = "webhooks",
    operation_id = "replay_events", summary = "Send the events of a span of time again",
    request_body = ReplayEvents,
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses((status = 202, body = EndpointBody, description = "Its events of that time are being queued")),
)]
pub async fn replay(
    State(web): State<Web>,
    Id(id): Id,
    call: Call<ReplayEvents>,
) -> Result<Response, Problem> {
    let writer = accepted(EndpointBody::new);
    let idempotency = call.promise.idempotency(&writer);
    let (id, (from, to)) = (endpoint_id(&id)?, call.body.check()?);
    let made =
        to_the_end(async move { replay_events(&web.services, &id, from, to, idempotency).await }).await?;
    Ok(answer::<Endpoint>(made, &writer))
}

#[utoipa::path(
    get, path = "/api/billing/webhook-endpoints/{id}/deliveries", tag = "webhooks",
    operation_id = "list_deliveries", summary = "List what was sent to a webhook endpoint",
    params(
        ("id" = String, Path),
        ("status" = Option<String>, Query, description = "`pending`, `succeeded` or `failed`"),
        ("eventId" = Option<String>, Query),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "20 by default"),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = PageBody<DeliveryBody>, description = "One for an event, the newest event first")),
)]
pub async fn deliveries(
    State(web): State<Web>,
    Id(id): Id,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<DeliveryBody>>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let query = DeliveryQuery {
        status: parameters.parsed("status", "must be pending, succeeded or failed", |word| {
            wire::DELIVERY_STATUSES.contains(&word).then(|| word.to_owned())
        })?,
        event_id: parameters.parsed("eventId", "must be the id of an event", |text| {
            EventId::is_made_by_us(text)
                .then(|| EventId::parse(text))
                .flatten()
        })?,
        limit: parameters.limit()?,
        cursor: parameters.cursor(EventId::is_made_by_us)?,
    };
    parameters.finish()?;
    let page = list_deliveries(&web.services, &endpoint_id(&id)?, &query).await?;
    Ok(Json(PageBody {
        data: page.data.iter().map(DeliveryBody::new).collect(),
        next_cursor: page.next_cursor,
    }))
}
