//! Finding an order, and everything about one.

use app::console::pages::Filters;
use app::console::{Desk, Said, pages};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Method, Money, OrderId, OrderStatus, Timestamp};
use payments::console::{self, OrderQuery};

use super::desk;
use super::fields::Fields;
use super::trouble::Trouble;
use crate::http::Web;
use crate::http::api::Id;
use crate::http::parameters::Parameters;

const ROWS: u32 = 50;
const A_DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

pub async fn list(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let filters = filters(query.as_deref())?;
    if filters.is_only_text()
        && let Some(id) = console::find_the_one(&web.services, &filters.text).await?
    {
        return Ok(desk::see_other(&path_of(&id)));
    }
    let found = console::find_orders(&web.services, &read(&filters)?).await?;
    let content = pages::orders(&desk, &filters, found, web.services.clock.now());
    Ok(desk::page(&desk, desk.words().orders, content))
}

/// What the address says, as text: the form shows it again as it was typed.
pub fn filters(query: Option<&str>) -> Result<Filters, Trouble> {
    let mut parameters = Parameters::parse(query).map_err(|_| Trouble::Malformed)?;
    let mut text = |name| {
        let value = parameters.parsed(name, "", |text| Some(text.trim().to_owned()));
        value
            .map(Option::unwrap_or_default)
            .map_err(|_| Trouble::Malformed)
    };
    Ok(Filters {
        text: text("q")?,
        status: text("status")?,
        method: text("method")?,
        from: text("from")?,
        to: text("to")?,
        least: text("least")?,
        most: text("most")?,
        cursor: text("cursor")?,
    })
}

/// What is empty is not set; what is set must be understood, or the list would silently show something else.
pub fn read(filters: &Filters) -> Result<OrderQuery, Trouble> {
    fn set<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Trouble> {
        if text.is_empty() {
            return Ok(None);
        }
        parse(text).map(Some).ok_or(Trouble::Malformed)
    }
    let is_word = |text: &str| text.chars().count() <= 64 && !text.chars().any(char::is_control);
    Ok(OrderQuery {
        text: set(&filters.text, |text| is_word(text).then(|| text.to_owned()))?,
        status: set(&filters.status, OrderStatus::parse)?,
        method: set(&filters.method, Method::parse)?,
        from: set(&filters.from, day)?,
        // The last day belongs to the span.
        to: set(&filters.to, day)?.map(|day| day.after(A_DAY)),
        least: set(&filters.least, |text| Money::parse_yuan(text).ok())?,
        most: set(&filters.most, |text| Money::parse_yuan(text).ok())?,
        cursor: set(&filters.cursor, |text| {
            OrderId::is_made_by_us(text).then(|| text.to_owned())
        })?,
        limit: ROWS,
    })
}

/// Midnight in Beijing.
fn day(text: &str) -> Option<Timestamp> {
    (text.len() == 10)
        .then(|| payments::parse_rfc3339(&format!("{text}T00:00:00+08:00")))
        .flatten()
}

pub async fn show(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    Id(id): Id,
) -> Result<Response, Trouble> {
    let file = console::open_file(&web.services, &order_id(&id)?).await?;
    let title = format!("{} {}", desk.words().order, file.order.order_no);
    let content = pages::order(&desk, &file);
    Ok(desk::page(&desk, &title, content))
}

pub async fn ask(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    Id(id): Id,
) -> Result<Response, Trouble> {
    let id = order_id(&id)?;
    console::ask_about_order(&web.services, &desk::visit(&desk), &id).await?;
    Ok(desk::done(&path_of(&id), Said::Asked))
}

pub async fn write_note(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, Trouble> {
    let id = order_id(&id)?;
    let text = fields.text("text");
    if text.is_empty() || text.chars().count() > 2000 || text.contains('\0') {
        return Err(Trouble::Malformed);
    }
    console::write_note(&web.services, &desk::visit(&desk), &id, text).await?;
    Ok(desk::done(&path_of(&id), Said::NoteWritten))
}

pub fn order_id(text: &str) -> Result<OrderId, Trouble> {
    OrderId::parse(text).ok_or(Trouble::NotFound)
}

pub fn path_of(id: &OrderId) -> String {
    format!("/admin/orders/{id}")
}
