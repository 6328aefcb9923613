//! The list of open incidents, and who is told of them.

use app::console::{ConsoleContext, Flash, pages};
use app::context::parameter;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use payments::console::{self, Permission};

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const ROWS: u32 = 50;
const RESOLVED: u32 = 20;

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let cursor = parameter(query.as_deref(), "cursor").filter(|cursor| !cursor.is_empty());
    let open = console::list_open_incidents(&web.services, cursor.as_deref(), ROWS).await?;
    let resolved = console::list_resolved_incidents(&web.services, RESOLVED).await?;
    let handlers = console::list_handlers(&web.services).await?;
    let robots = match context.may(Permission::Operate) {
        true => Some(console::list_robots(&web.services).await?),
        false => None,
    };
    let now = web.services.clock.now();
    let content = pages::attention(&context, open, resolved, &handlers, robots, now);
    Ok(respond::page(&context, context.words().attention, content))
}

pub async fn assign(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let to = Some(fields.text("to")).filter(|to| !to.is_empty());
    console::assign_incident(&web.services, &respond::actor(&context), &id, to).await?;
    Ok(respond::done("/admin/attention", Flash::Assigned))
}

pub async fn resolve(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let resolution = fields.line("resolution", 500)?;
    let (operator, actor) = (operator(&context)?, respond::actor(&context));
    console::resolve_incident(&web.services, operator, &actor, &id, resolution).await?;
    Ok(respond::done("/admin/attention", Flash::Resolved))
}

/// Sends a test message to every robot and mailbox.
pub async fn test_alarms(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    console::test_alarms(&web.services, &respond::actor(&context)).await?;
    Ok(respond::done("/admin/attention", Flash::AlarmTestQueued))
}
