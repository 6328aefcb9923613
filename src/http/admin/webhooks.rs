//! Webhook endpoints and their deliveries.

use app::console::{ConsoleContext, Flash, pages};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::{EndpointId, EventId, EventType};
use payments::console;
use payments::webhook::{
    DeliveryQuery, EndpointPatch, EndpointStatus, EventFilter, NewEndpoint, find_delivery, find_endpoint,
    list_deliveries,
};

use super::error::PageError;
use super::fields::Fields;
use super::filter::{Typed, day, end_of_day, set};
use super::form::{FormError, show_again};
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const WEBHOOKS: &str = "/admin/webhooks";
const ROWS: u32 = 50;
const OVERLAP_HOURS: u8 = 24;

fn endpoint_id(text: &str) -> Result<EndpointId, PageError> {
    EndpointId::parse(text).ok_or(PageError::NotFound)
}

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    endpoints_page(&web, &context, StatusCode::OK, None).await
}

async fn endpoints_page(
    web: &Web,
    context: &ConsoleContext,
    status: StatusCode,
    secret: Option<&str>,
) -> Result<Response, PageError> {
    let endpoints = console::list_endpoint_states(&web.services).await?;
    let content = pages::webhooks(context, &endpoints, secret);
    Ok(respond::page_with(
        status,
        context,
        context.words().webhooks,
        content,
    ))
}

/// Makes an endpoint and shows its secret in the answer itself, once: after a redirect its address would have to carry it.
pub async fn create(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    match try_create(&web, &context, &fields).await {
        Ok(Some(secret)) => endpoints_page(&web, &context, StatusCode::OK, Some(&secret)).await,
        Ok(None) => Ok(respond::done(WEBHOOKS, Flash::SentBefore)),
        Err(error) => {
            let context = show_again(context, WEBHOOKS, &fields, error)?;
            endpoints_page(&web, &context, StatusCode::UNPROCESSABLE_ENTITY, None).await
        }
    }
}

/// Returns the secret of the new endpoint; `None` when the form was sent before.
async fn try_create(
    web: &Web,
    context: &ConsoleContext,
    fields: &Fields,
) -> Result<Option<String>, FormError> {
    let wanted: Vec<&str> = EventType::ALL
        .iter()
        .map(|kind| kind.as_str())
        .filter(|word| fields.text(word) == "on")
        .collect();
    let description = fields.text("description");
    let new = NewEndpoint {
        url: fields.required("url", 2048)?.to_owned(),
        events: EventFilter::parse(wanted).unwrap_or(EventFilter::All),
        description: (!description.is_empty()).then(|| description.to_owned()),
    };
    if !console::use_form(&web.services, fields.text("once")).await? {
        return Ok(None);
    }
    let shown = console::make_endpoint(&web.services, &respond::actor(context), &new).await?;
    Ok(Some(shown.secret.to_text()))
}

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let id = endpoint_id(&id)?;
    let mut typed = Typed::parse(query.as_deref())?;
    let (status, cursor) = (typed.text("status")?, typed.text("cursor")?);
    let query = DeliveryQuery {
        status: set(&status, |word| {
            ["pending", "succeeded", "failed"]
                .contains(&word)
                .then(|| word.to_owned())
        })?,
        event_id: None,
        limit: ROWS,
        cursor: set(&cursor, |text| {
            EventId::is_made_by_us(text).then(|| text.to_owned())
        })?,
    };
    let endpoint = find_endpoint(&web.services, &id).await?;
    let page = list_deliveries(&web.services, &id, &query).await?;
    let content = pages::webhook(&context, &endpoint, &status, page);
    Ok(respond::page(&context, context.words().webhook, content))
}

fn path_of(id: &EndpointId) -> String {
    format!("{WEBHOOKS}/{id}")
}

pub async fn test(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let id = endpoint_id(&id)?;
    console::test_endpoint(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(&path_of(&id), Flash::PingQueued))
}

pub async fn rotate(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let id = endpoint_id(&id)?;
    if !console::use_form(&web.services, fields.text("once")).await? {
        return Ok(respond::done(&path_of(&id), Flash::SentBefore));
    }
    let actor = respond::actor(&context);
    let shown = console::renew_webhook_secret(&web.services, &actor, &id, OVERLAP_HOURS).await?;
    endpoints_page(&web, &context, StatusCode::OK, Some(&shown.secret.to_text())).await
}

pub async fn replay(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let id = endpoint_id(&id)?;
    let from = day(fields.text("from")).ok_or(PageError::Malformed)?;
    let to = end_of_day(fields.text("to")).ok_or(PageError::Malformed)?;
    console::replay_span(&web.services, &respond::actor(&context), &id, from, to).await?;
    Ok(respond::done(&path_of(&id), Flash::ReplayBegun))
}

pub async fn change(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let id = endpoint_id(&id)?;
    let status = EndpointStatus::parse(fields.text("status")).ok_or(PageError::Malformed)?;
    let patch = EndpointPatch {
        status: Some(status),
        ..EndpointPatch::default()
    };
    console::edit_endpoint(&web.services, &respond::actor(&context), &id, &patch).await?;
    Ok(respond::done(&path_of(&id), Flash::EndpointChanged))
}

pub async fn remove(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let id = endpoint_id(&id)?;
    console::drop_endpoint(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(WEBHOOKS, Flash::EndpointDeleted))
}

/// Ids of an endpoint and of an event, from the path.
type Named = Result<Path<(String, String)>, axum::extract::rejection::PathRejection>;

fn parse_names(path: Named) -> Result<(EndpointId, EventId), PageError> {
    let Ok(Path((id, event_id))) = path else {
        return Err(PageError::NotFound);
    };
    let event_id = EventId::parse(&event_id).ok_or(PageError::NotFound)?;
    Ok((endpoint_id(&id)?, event_id))
}

pub async fn delivery(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: Named,
) -> Result<Response, PageError> {
    let (id, event_id) = parse_names(path)?;
    let (delivery, body) = find_delivery(&web.services, &id, &event_id).await?;
    let content = pages::delivery(&context, &id, delivery, body);
    Ok(respond::page(&context, context.words().delivery, content))
}

pub async fn redeliver(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: Named,
) -> Result<Response, PageError> {
    let (id, event_id) = parse_names(path)?;
    console::redeliver(&web.services, &respond::actor(&context), &id, &event_id).await?;
    let path = format!("{}/deliveries/{event_id}", path_of(&id));
    Ok(respond::done(&path, Flash::DeliveryQueued))
}
