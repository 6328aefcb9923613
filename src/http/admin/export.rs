//! CSV export and spreadsheet of the list of orders, exactly what its filter shows; and a support text about one order.

use app::console::{ConsoleContext, columns, pages};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use payments::console::{self, Act, Action, OrderQuery};

use super::error::PageError;
use super::orders::{filters, order_id, read};
use super::respond;
use super::spreadsheet::{File, Format, stream_file};
use crate::http::api::Id;
use crate::http::web::Web;

const ROWS: u32 = 500;
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const SUPPORT: HeaderValue = HeaderValue::from_static("attachment; filename=\"support.txt\"");

pub async fn orders_csv(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    export_orders(&web, &context, query.as_deref(), Format::Csv).await
}

pub async fn orders_xlsx(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    export_orders(&web, &context, query.as_deref(), Format::Xlsx).await
}

/// Streams the orders of a filter, newest first as in the list.
async fn export_orders(
    web: &Web,
    context: &ConsoleContext,
    query: Option<&str>,
    format: Format,
) -> Result<Response, PageError> {
    let query = OrderQuery {
        limit: ROWS,
        cursor: None,
        ..read(&filters(query)?)?
    };
    note_export(web, context, "orders").await?;
    let file = File {
        name: "orders",
        title: context.words().orders,
        format,
        columns: columns::ORDERS,
        words: context.file_texts(),
    };
    let services = web.services.clone();
    Ok(stream_file(file, move |cursor| {
        let (services, query) = (services.clone(), query.clone());
        async move {
            let found = console::find_orders(&services, &OrderQuery { cursor, ..query }).await?;
            let lines = console::add_payments(&services, found.page.data).await?;
            Ok((lines, found.page.next_cursor))
        }
    }))
}

/// Records an export of many rows in the audit log.
pub async fn note_export(web: &Web, context: &ConsoleContext, subject: &str) -> Result<(), PageError> {
    let act = Act {
        action: Action::Export,
        subject,
        detail: &context.query,
    };
    Ok(console::note_act(&web.services, &respond::actor(context), act).await?)
}

/// Returns what is known of one order as text for a support request, without secrets and names.
pub async fn support_text(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let id = order_id(&id)?;
    let file = console::open_file(&web.services, &id).await?;
    let act = Act {
        action: Action::Export,
        subject: id.as_str(),
        detail: "support.txt",
    };
    console::note_act(&web.services, &respond::actor(&context), act).await?;
    let text = pages::support_text(&context, &file);
    let headers = [
        (header::CONTENT_TYPE, TEXT),
        (header::CONTENT_DISPOSITION, SUPPORT),
    ];
    Ok((headers, text).into_response())
}
