//! The gateways: their configuration and their health.

use app::console::{ConsoleContext, pages};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use domain::Method;
use payments::console;

use super::error::PageError;
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let gateways = console::list_gateways(&web.services).await?;
    let content = pages::gateways(&context, &gateways, None);
    Ok(respond::page(&context, context.words().gateways, content))
}

pub async fn test(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(channel): Id,
) -> Result<Response, PageError> {
    let channel = Method::parse(&channel)
        .and_then(Method::channel)
        .ok_or(PageError::NotFound)?;
    let trial = console::test_gateway(&web.services, &respond::actor(&context), channel).await?;
    let gateways = console::list_gateways(&web.services).await?;
    let content = pages::gateways(&context, &gateways, Some((channel, trial)));
    Ok(respond::page(&context, context.words().gateways, content))
}
