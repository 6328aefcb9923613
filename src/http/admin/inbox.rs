//! The inbox: notifications of the gateways as they were received.

use app::console::{ConsoleContext, Flash, pages};
use app::context::parameter;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use domain::{Channel, Method};
use payments::console::{self, NotificationOutcome};

use super::error::PageError;
use super::filter::set;
use super::respond;
use crate::http::web::Web;

const ROWS: u32 = 50;

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let cursor = parameter(query.as_deref(), "cursor").unwrap_or_default();
    let outcome = parameter(query.as_deref(), "outcome").unwrap_or_default();
    let only = set(&outcome, NotificationOutcome::parse)?;
    let page = console::list_notifications_of(&web.services, only, Some(&cursor), ROWS).await?;
    let content = pages::inbox(&context, &outcome, page);
    Ok(respond::page(&context, context.words().callbacks, content))
}

/// Channel and id of a notification, from the path.
type Named = Result<Path<(String, String)>, axum::extract::rejection::PathRejection>;

fn parse_names(path: Named) -> Result<(Channel, String), PageError> {
    let Ok(Path((channel, id))) = path else {
        return Err(PageError::NotFound);
    };
    let channel = Method::parse(&channel)
        .and_then(Method::channel)
        .ok_or(PageError::NotFound)?;
    Ok((channel, id))
}

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: Named,
) -> Result<Response, PageError> {
    let (channel, id) = parse_names(path)?;
    let notification = console::find_notification(&web.services, channel, &id).await?;
    let inside = console::read_inside(&web.services, &notification);
    let content = pages::notification(&context, &notification, inside);
    Ok(respond::page(&context, context.words().callback, content))
}

pub async fn replay(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: Named,
) -> Result<Response, PageError> {
    let (channel, id) = parse_names(path)?;
    console::replay_notification(&web.services, &respond::actor(&context), channel, &id).await?;
    Ok(respond::done(
        &pages::path_of_notification(channel, &id),
        Flash::Replayed,
    ))
}
