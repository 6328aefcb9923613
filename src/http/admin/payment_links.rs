//! Payment links, and orders by hand.

use app::console::{ConsoleContext, Flash, pages};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use domain::Money;
use payments::console::{self, ManualOrder, NewLink};

use super::error::PageError;
use super::fields::Fields;
use super::filter::{end_of_day, set};
use super::orders::{order_id, path_of};
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const LINKS: &str = "/admin/payment-links";

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let links = console::list_links(&web.services).await?;
    let content = pages::payment_links(&context, &links, web.services.clock.now());
    Ok(respond::page(
        &context,
        context.language.link_words().payment_links,
        content,
    ))
}

pub async fn create(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    let new = NewLink {
        subject: fields.line("subject", 127)?.to_owned(),
        amount: set(fields.text("amount"), |text| Money::parse_yuan(text).ok())?,
        stock: set(fields.text("stock"), |text| text.parse().ok())?,
        expires_at: set(fields.text("expires"), end_of_day)?,
    };
    let id = console::make_link(&web.services, &respond::actor(&context), &new).await?;
    Ok(respond::done(&format!("{LINKS}/{id}"), Flash::LinkMade))
}

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let file = console::open_link_file(&web.services, &id).await?;
    let content = pages::payment_link(&context, &file, web.services.clock.now());
    Ok(respond::page(&context, &file.link.subject, content))
}

pub async fn show_plate(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let link = console::find_link(&web.services, &id).await?;
    let content = pages::plate(&context, &link);
    Ok(respond::page(&context, &link.subject, content))
}

pub async fn close(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    console::close_link(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(&format!("{LINKS}/{id}"), Flash::LinkClosed))
}

pub async fn make_order(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    let new = ManualOrder {
        subject: fields.line("subject", 127)?.to_owned(),
        amount: Money::parse_yuan(fields.text("amount")).map_err(|_| PageError::Malformed)?,
        user_id: fields.line("user", 64)?.to_owned(),
        minutes: set(fields.text("minutes"), |text| text.parse().ok())?,
    };
    let order = console::make_order(&web.services, &respond::actor(&context), &new).await?;
    Ok(respond::done(&path_of(&order.id), Flash::OrderMade))
}

pub async fn close_order(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let id = order_id(&id)?;
    let reason = fields.text("reason");
    if !reason.is_empty() {
        fields.line("reason", 100)?;
    }
    console::close_order(&web.services, &respond::actor(&context), &id, reason).await?;
    Ok(respond::done(&path_of(&id), Flash::OrderClosed))
}
