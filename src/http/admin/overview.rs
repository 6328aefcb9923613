//! The front page of the console: today, or a span of days.

use app::console::{ConsoleContext, pages};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use payments::console;

use super::error::PageError;
use super::filter::{Typed, day, end_of_day, set};
use super::live::Live;
use super::respond;
use crate::http::web::Web;

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let mut typed = Typed::parse(query.as_deref())?;
    let days = (typed.text("from")?, typed.text("to")?);
    let now = web.services.clock.now();
    let title = context.words().overview;
    if let (Some(from), Some(to)) = (set(&days.0, day)?, set(&days.1, end_of_day)?) {
        let range = console::read_range(&web.services, from, to).await?;
        let range = range.ok_or(PageError::Malformed)?;
        let content = pages::overview_of_range(&context, &range, &days, now);
        return Ok(respond::page(&context, title, content));
    }
    let live = Live::read(query.as_deref());
    let overview = console::read_overview(&web.services).await?;
    let content = pages::overview(&context, &overview, live.shown(now), now);
    Ok(live.refreshed(respond::page(&context, title, content), "/admin", None))
}
