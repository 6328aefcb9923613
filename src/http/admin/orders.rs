//! The search for orders, and the page of one order.

use app::console::pages::{Filters, OrderColumns, OrderList, OrderPlace};
use app::console::{ConsoleContext, Flash, pages};
use app::context::parameter;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Method, Money, OrderId, OrderStatus, Refund, RefundState};
use payments::console::{self, OrderFile, OrderQuery, OrderSort};

use super::error::PageError;
use super::fields::Fields;
use super::filter::{Typed, day, end_of_day, set, word};
use super::live::Live;
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
    let list = OrderList {
        lines: console::add_payments(&web.services, found.page.data).await?,
        next_cursor: found.page.next_cursor,
        looked_to: found.looked_to,
        taken_as: found.taken_as,
        totals,
    };
    let content = pages::orders(&context, &filters, list, web.services.clock.now());
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
        within: typed.text("in")?,
        sort: typed.text("sort")?,
        columns: set(&typed.text("columns")?, OrderColumns::parse)?.unwrap_or_default(),
        cursor: typed.text("cursor")?,
    })
}

pub fn read(filters: &Filters) -> Result<OrderQuery, PageError> {
    Ok(OrderQuery {
        text: set(&filters.text, |text| word(text, 64))?,
        anywhere: set(&filters.within, |text| (text == "text").then_some(()))?.is_some(),
        status: set(&filters.status, OrderStatus::parse)?,
        method: set(&filters.method, Method::parse)?,
        from: set(&filters.from, day)?,
        to: set(&filters.to, end_of_day)?,
        least: set(&filters.least, |text| Money::parse_yuan(text).ok())?,
        most: set(&filters.most, |text| Money::parse_yuan(text).ok())?,
        needs_attention: set(&filters.attention, |text| (text == "1").then_some(()))?.is_some(),
        sort: set(&filters.sort, OrderSort::parse)?.unwrap_or_default(),
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
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let file = console::open_file(&web.services, &order_id(&id)?).await?;
    let place = find_place(&web, &file.order.id, query.as_deref()).await?;
    let live = is_moving(&file).then(|| Live::read(query.as_deref()));
    let title = format!("{} {}", context.words().order, file.order.order_no);
    let now = web.services.clock.now();
    let content = pages::order(&context, &file, place.as_ref(), live.map(|live| live.shown(now)));
    let page = respond::page(&context, &title, content);
    let kept = place.map(|place| ("list", place.list));
    Ok(match live {
        Some(live) => live.refreshed(page, &path_of(&file.order.id), kept),
        None => page,
    })
}

/// Whether a payment or a refund of the order is on its way, so that the page changes by itself.
fn is_moving(file: &OrderFile) -> bool {
    let is_paying = file.payments.iter().any(|payment| payment.state.is_open());
    let is_refunding =
        |refund: &Refund| matches!(refund.state, RefundState::Requested | RefundState::Pending);
    is_paying || file.refunds.iter().any(is_refunding)
}

/// The list that the order was opened from, with the orders before and after it.
async fn find_place(web: &Web, id: &OrderId, query: Option<&str>) -> Result<Option<OrderPlace>, PageError> {
    let list = parameter(query, "list").map(|list| list.into_owned());
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        return Ok(None);
    };
    let filters = filters(Some(&list))?;
    // One more than the list shows: the first order of its next page.
    let query = OrderQuery {
        limit: ROWS + 1,
        ..read(&filters)?
    };
    let found = console::find_orders(&web.services, &query).await?.page.data;
    let at = found.iter().position(|order| order.id == *id);
    let link = |place: usize| {
        let order = found.get(place)?;
        let is_on_next_page = place == usize::try_from(ROWS).unwrap_or(usize::MAX);
        let list = match found.get(place.checked_sub(1)?) {
            Some(last) if is_on_next_page => filters.query(last.id.as_str()),
            _ => list.clone(),
        };
        Some((order.id.clone(), list))
    };
    Ok(Some(OrderPlace {
        newer: at
            .and_then(|at| at.checked_sub(1))
            .and_then(|place| found.get(place))
            .map(|order| (order.id.clone(), list.clone())),
        older: at.and_then(|at| link(at + 1)),
        list,
    }))
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
