//! The callbacks of the gateways, as they came.

use app::console::{Desk, pages};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use domain::{Method, Timestamp};
use payments::console;

use super::desk;
use super::login::parameter;
use super::trouble::Trouble;
use crate::http::Web;

const ROWS: u32 = 50;

pub async fn list(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let before = parameter(query.as_deref(), "cursor")
        .parse()
        .ok()
        .map(Timestamp::from_millis);
    let page = console::list_notices(&web.services, before, ROWS).await?;
    let content = pages::inbox(&desk, page);
    Ok(desk::page(&desk, desk.words().callbacks, content))
}

pub async fn show(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Trouble> {
    let Ok(Path((channel, id))) = path else {
        return Err(Trouble::NotFound);
    };
    let channel = Method::parse(&channel)
        .and_then(Method::channel)
        .ok_or(Trouble::NotFound)?;
    let notice = console::find_notice(&web.services, channel, &id).await?;
    let content = pages::notice(&desk, &notice);
    Ok(desk::page(&desk, desk.words().callback, content))
}
