//! Payment links, and orders by hand.

use app::console::{ConsoleContext, Flash, Problem, pages};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use payments::console::{self, ManualOrder, NewLink};

use super::error::PageError;
use super::fields::Fields;
use super::filter::end_of_day;
use super::form::{FormError, show_again};
use super::orders::{order_id, path_of};
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const LINKS: &str = "/admin/payment-links";
/// Address of an order by hand.
const ORDERS: &str = "/admin/orders";

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    links_page(&web, &context, StatusCode::OK).await
}

async fn links_page(web: &Web, context: &ConsoleContext, status: StatusCode) -> Result<Response, PageError> {
    let links = console::list_links(&web.services).await?;
    let content = pages::payment_links(context, &links, web.services.clock.now());
    let title = context.language.link_words().payment_links;
    Ok(respond::page_with(status, context, title, content))
}

pub async fn create(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    match try_create(&web, &context, &fields).await {
        Ok(path) => Ok(respond::done(&path, Flash::LinkMade)),
        Err(error) => {
            let context = show_again(context, LINKS, &fields, error)?;
            links_page(&web, &context, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

async fn try_create(web: &Web, context: &ConsoleContext, fields: &Fields) -> Result<String, FormError> {
    let new = NewLink {
        subject: fields.required("subject", 127)?.to_owned(),
        amount: fields.optional_amount("amount")?,
        stock: fields.optional("stock", Problem::NoNumber, |text| text.parse().ok())?,
        expires_at: fields.optional("expires", Problem::NoFutureDay, end_of_day)?,
    };
    let id = console::make_link(&web.services, &respond::actor(context), &new).await?;
    Ok(format!("{LINKS}/{id}"))
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
    match try_make_order(&web, &context, &fields).await {
        Ok(path) => Ok(respond::done(&path, Flash::OrderMade)),
        Err(error) => {
            let context = show_again(context, ORDERS, &fields, error)?;
            links_page(&web, &context, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

async fn try_make_order(web: &Web, context: &ConsoleContext, fields: &Fields) -> Result<String, FormError> {
    let new = ManualOrder {
        subject: fields.required("subject", 127)?.to_owned(),
        amount: fields.amount("amount")?,
        user_id: fields.required("user", 64)?.to_owned(),
        minutes: fields.optional("minutes", Problem::NoNumber, |text| text.parse().ok())?,
    };
    let order = console::make_order(&web.services, &respond::actor(context), &new).await?;
    Ok(path_of(&order.id))
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
