//! CSV export and spreadsheets for accountants: the page of a span of time, and its files.

use app::console::pages::FileFilters;
use app::console::{ConsoleContext, columns, pages};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::NaiveDate;
use domain::Method;
use payments::Period;
use payments::console::{self, FilePlace, FileSpan};
use payments::reconciliation::list_days_between;

use super::error::PageError;
use super::export::note_export;
use super::filter::{Typed, day, end_of_day, set};
use super::respond;
use super::spreadsheet::{File, Format, stream_file};
use crate::http::api::Id;
use crate::http::web::Web;

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let filters = read_filters(&web, query.as_deref())?;
    let totals = console::sum_by_method(&web.services, &file_span(&filters)?).await?;
    let content = pages::files(&context, &filters, &totals, web.services.clock.now());
    Ok(respond::page(&context, context.words().files, content))
}

/// Reads the filters. Without a day it is yesterday, which is over everywhere.
fn read_filters(web: &Web, query: Option<&str>) -> Result<FileFilters, PageError> {
    let mut typed = Typed::parse(query)?;
    let filters = FileFilters {
        from: typed.text("from")?,
        to: typed.text("to")?,
        method: typed.text("method")?,
    };
    if !filters.from.is_empty() || !filters.to.is_empty() {
        return Ok(filters);
    }
    let (from, to) = Period::Yesterday.days(web.services.clock.now());
    Ok(FileFilters { from, to, ..filters })
}

/// Reads the span. A day that is left out means without end.
fn file_span(filters: &FileFilters) -> Result<FileSpan, PageError> {
    Ok(FileSpan {
        from: set(&filters.from, day)?.unwrap_or(domain::Timestamp::from_millis(0)),
        to: set(&filters.to, end_of_day)?.unwrap_or(domain::Timestamp::from_millis(i64::MAX)),
        method: set(&filters.method, Method::parse)?,
    })
}

/// Streams a file, named by what it lists and its format: `payments.xlsx`.
pub async fn download(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(file): Id,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let (kind, extension) = file.split_once('.').ok_or(PageError::NotFound)?;
    let format = Format::parse(extension).ok_or(PageError::NotFound)?;
    let filters = read_filters(&web, query.as_deref())?;
    let span = file_span(&filters)?;
    let words = context.file_texts();
    // A macro, because each file has lines of its own type.
    macro_rules! file {
        ($name:literal, $title:expr, $columns:expr, $read:path) => {{
            note_export(&web, &context, &file).await?;
            let file = File {
                name: $name,
                title: $title,
                format,
                columns: $columns,
                words,
            };
            let services = web.services.clone();
            stream_file(file, move |place: Option<FilePlace>| {
                let services = services.clone();
                async move { $read(&services, &span, place.as_ref()).await }
            })
        }};
    }
    Ok(match kind {
        "orders" => file!(
            "orders",
            words.files.paid_orders,
            columns::ORDERS,
            console::list_paid_orders
        ),
        "payments" => file!(
            "payments",
            words.console.payments,
            columns::PAYMENTS,
            console::list_payment_lines
        ),
        "refunds" => file!(
            "refunds",
            words.console.refunds,
            columns::REFUNDS,
            console::list_refund_lines
        ),
        "entries" => file!(
            "entries",
            words.console.postings,
            columns::ENTRIES,
            console::list_entry_lines
        ),
        "days" => {
            note_export(&web, &context, &file).await?;
            let file = File {
                name: "days",
                title: words.files.days,
                format,
                columns: columns::DAYS,
                words,
            };
            let (services, (first, last)) = (web.services.clone(), parse_days(&filters)?);
            stream_file(file, move |_: Option<()>| {
                let services = services.clone();
                async move {
                    let mut days = list_days_between(&services, first, last).await?;
                    days.retain(|day| {
                        span.method
                            .is_none_or(|method| method.channel() == Some(day.channel))
                    });
                    days.reverse();
                    Ok((days, None))
                }
            })
        }
        _ => return Err(PageError::NotFound),
    })
}

/// Reads the first and the last day.
fn parse_days(filters: &FileFilters) -> Result<(NaiveDate, NaiveDate), PageError> {
    let parse = |text: &str| text.parse().ok();
    // Days are compared as text of four digits for the year.
    let first = set(&filters.from, parse)?.or_else(|| NaiveDate::from_ymd_opt(1, 1, 1));
    let last = set(&filters.to, parse)?.or_else(|| NaiveDate::from_ymd_opt(9999, 12, 31));
    first.zip(last).ok_or(PageError::Malformed)
}
