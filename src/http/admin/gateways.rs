//! The gateways: what is configured, and whether it works.

use app::console::{Desk, pages};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use domain::Method;
use payments::console;

use super::desk;
use super::trouble::Trouble;
use crate::http::Web;
use crate::http::api::Id;

pub async fn list(State(web): State<Web>, Extension(desk): Extension<Desk>) -> Result<Response, Trouble> {
    let gateways = console::list_gateways(&web.services).await?;
    let content = pages::gateways(&desk, &gateways, None);
    Ok(desk::page(&desk, desk.words().gateways, content))
}

pub async fn test(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    Id(channel): Id,
) -> Result<Response, Trouble> {
    let channel = Method::parse(&channel)
        .and_then(Method::channel)
        .ok_or(Trouble::NotFound)?;
    let trial = console::test_gateway(&web.services, &desk::visit(&desk), channel).await?;
    let gateways = console::list_gateways(&web.services).await?;
    let content = pages::gateways(&desk, &gateways, Some((channel, trial)));
    Ok(desk::page(&desk, desk.words().gateways, content))
}
