//! The front page of the console.

use app::console::{ConsoleContext, pages};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use payments::console;

use super::error::PageError;
use super::respond;
use crate::http::web::Web;

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let overview = console::read_overview(&web.services).await?;
    let content = pages::overview(&context, &overview);
    Ok(respond::page(&context, context.words().overview, content))
}
