//! Lists of payments and of refunds over all orders.

use app::console::pages::ListFilters;
use app::console::{ConsoleContext, pages};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::{Method, PaymentId, PaymentStatus, RefundId, RefundState};
use payments::console::{self, Age, PaymentQuery, RefundQuery};

use super::error::PageError;
use super::filter::{Typed, day, end_of_day, set};
use super::respond;
use crate::http::web::Web;

const ROWS: u32 = 50;

fn filters(query: Option<&str>) -> Result<ListFilters, PageError> {
    let mut typed = Typed::parse(query)?;
    Ok(ListFilters {
        status: typed.text("status")?,
        method: typed.text("method")?,
        from: typed.text("from")?,
        to: typed.text("to")?,
        sort: typed.text("sort")?,
        cursor: typed.text("cursor")?,
    })
}

pub async fn payments(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let filters = filters(query.as_deref())?;
    let query = PaymentQuery {
        status: set(&filters.status, PaymentStatus::parse)?,
        method: set(&filters.method, Method::parse)?,
        from: set(&filters.from, day)?,
        to: set(&filters.to, end_of_day)?,
        age: set(&filters.sort, Age::parse)?.unwrap_or_default(),
        cursor: set(&filters.cursor, |text| {
            PaymentId::is_made_by_us(text).then(|| text.to_owned())
        })?,
        limit: ROWS,
    };
    let found = console::find_listed(&web.services, &query).await?;
    let content = pages::payments(&context, &filters, &found);
    let title = context.language.list_words().all_payments;
    Ok(respond::page(&context, title, content))
}

pub async fn refunds(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let filters = filters(query.as_deref())?;
    let query = RefundQuery {
        status: set(&filters.status, RefundState::parse)?,
        method: set(&filters.method, Method::parse)?,
        from: set(&filters.from, day)?,
        to: set(&filters.to, end_of_day)?,
        age: set(&filters.sort, Age::parse)?.unwrap_or_default(),
        cursor: set(&filters.cursor, |text| {
            RefundId::is_made_by_us(text).then(|| text.to_owned())
        })?,
        limit: ROWS,
    };
    let found = console::find_listed(&web.services, &query).await?;
    let content = pages::refunds(&context, &filters, &found);
    let title = context.language.list_words().all_refunds;
    Ok(respond::page(&context, title, content))
}
