//! The search for orders, and the page of one order.

use app::console::pages::Filters;
use app::console::{ConsoleContext, Flash, pages};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Method, Money, OrderId, OrderStatus};
use payments::console::{self, OrderQuery};

use super::error::PageError;
use super::fields::Fields;
use super::filter::{Typed, day, end_of_day, set, word};
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const ROWS: u32 = 50;

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let filters = filters(query.as_deref())?;
    if filters.is_only_text()
        && let Some(id) = console::find_exact(&web.services, &filters.text).await?
    {
        return Ok(respond::see_other(&path_of(&id)));
    }
    let query = read(&filters)?;
    let found = console::find_orders(&web.services, &query).await?;
    let totals = match filters.is_set() {
        true => Some(console::find_order_totals(&web.services, &query).await?),
        false => None,
    };
    let content = pages::orders(&context, &filters, found, totals, web.services.clock.now());
    Ok(respond::page(&context, context.words().orders, content))
}

/// Reads the filters of the query string as text.
pub fn filters(query: Option<&str>) -> Result<Filters, PageError> {
    let mut typed = Typed::parse(query)?;
    Ok(Filters {
        text: typed.text("q")?,
        status: typed.text("status")?,
        method: typed.text("method")?,
        from: typed.text("from")?,
        to: typed.text("to")?,
        least: typed.text("least")?,
        most: typed.text("most")?,
        attention: typed.text("attention")?,
        cursor: typed.text("cursor")?,
    })
}

pub fn read(filters: &Filters) -> Result<OrderQuery, PageError> {
    Ok(OrderQuery {
        text: set(&filters.text, |text| word(text, 64))?,
        status: set(&filters.status, OrderStatus::parse)?,
        method: set(&filters.method, Method::parse)?,
        from: set(&filters.from, day)?,
        to: set(&filters.to, end_of_day)?,
        least: set(&filters.least, |text| Money::parse_yuan(text).ok())?,
        most: set(&filters.most, |text| Money::parse_yuan(text).ok())?,
        needs_attention: set(&filters.attention, |text| (text == "1").then_some(()))?.is_some(),
        cursor: set(&filters.cursor, |text| {
            OrderId::is_made_by_us(text).then(|| text.to_owned())
        })?,
        limit: ROWS,
    })
}

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let file = console::open_file(&web.services, &order_id(&id)?).await?;
    let title = format!("{} {}", context.words().order, file.order.order_no);
    let content = pages::order(&context, &file);
    Ok(respond::page(&context, &title, content))
}

pub async fn ask(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let id = order_id(&id)?;
    console::ask_about_order(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(&path_of(&id), Flash::Asked))
}

pub async fn write_note(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let id = order_id(&id)?;
    let text = fields.text("text");
    if text.is_empty() || text.chars().count() > 2000 || text.contains('\0') {
        return Err(PageError::Malformed);
    }
    console::write_note(&web.services, &respond::actor(&context), &id, text).await?;
    Ok(respond::done(&path_of(&id), Flash::NoteWritten))
}

pub fn order_id(text: &str) -> Result<OrderId, PageError> {
    OrderId::parse(text).ok_or(PageError::NotFound)
}

pub fn path_of(id: &OrderId) -> String {
    format!("/admin/orders/{id}")
}
