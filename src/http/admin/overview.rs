//! The front page of the console.

use app::console::{Desk, pages};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use payments::console;

use super::desk;
use super::trouble::Trouble;
use crate::http::Web;

pub async fn show(State(web): State<Web>, Extension(desk): Extension<Desk>) -> Result<Response, Trouble> {
    let overview = console::read_overview(&web.services).await?;
    let content = pages::overview(&desk, &overview);
    Ok(desk::page(&desk, desk.words().overview, content))
}
