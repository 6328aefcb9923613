//! CSV export of lists, exactly what the filter shows, streamed while it is read; and a support text about one order.

use std::sync::Arc;

use app::console::{ConsoleContext, pages};
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use domain::Order;
use futures_util::stream;
use payments::console::{self, Act, Action, OrderQuery};

use super::error::PageError;
use super::orders::{filters, order_id, read};
use super::respond;
use crate::http::Web;
use crate::http::api::Id;

const ROWS: u32 = 500;
/// Byte order mark: spreadsheets garble Chinese if it is missing.
const BOM: &str = "\u{FEFF}";
const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
const NAME: HeaderValue = HeaderValue::from_static("attachment; filename=\"orders.csv\"");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const SUPPORT: HeaderValue = HeaderValue::from_static("attachment; filename=\"support.txt\"");
const COLUMNS: [&str; 10] = [
    "order_no",
    "user",
    "subject",
    "amount_cny",
    "refunded_cny",
    "status",
    "created_at_utc",
    "paid_at_utc",
    "cancel_reason",
    "id",
];

/// State of the export stream.
enum At {
    Head,
    Rows(Option<String>),
    End,
}

pub async fn orders(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = OrderQuery {
        limit: ROWS,
        cursor: None,
        ..read(&filters(query.as_deref())?)?
    };
    note_export(&web, &context, "orders").await?;
    let services = web.services.clone();
    Ok(csv_file(NAME, &COLUMNS, move |cursor| {
        let (services, query) = (services.clone(), query.clone());
        async move {
            let page = console::find_orders(&services, &OrderQuery { cursor, ..query })
                .await?
                .page;
            Ok((page.data.iter().map(row).collect(), page.next_cursor))
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

/// Some rows of a CSV file, and the cursor of the next ones.
pub type Rows = (Vec<Vec<String>>, Option<String>);

/// Streams a CSV file of all the rows that `read` gives, page by page.
pub fn csv_file<R, F>(name: HeaderValue, columns: &'static [&'static str], read: R) -> Response
where
    R: Fn(Option<String>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Rows, payments::Error>> + Send + 'static,
{
    let read = Arc::new(read);
    let parts = stream::try_unfold(At::Head, move |at| {
        let read = Arc::clone(&read);
        async move { next_part(columns, &*read, at).await }
    });
    let headers = [(header::CONTENT_TYPE, CSV), (header::CONTENT_DISPOSITION, name)];
    (headers, Body::from_stream(parts)).into_response()
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

/// Reads the next rows. An error breaks the connection, so that a truncated file never looks complete.
async fn next_part<F>(
    columns: &[&str],
    read: impl Fn(Option<String>) -> F,
    at: At,
) -> Result<Option<(Vec<u8>, At)>, std::io::Error>
where
    F: Future<Output = Result<Rows, payments::Error>>,
{
    match at {
        At::Head => {
            let columns = columns.iter().map(|name| (*name).to_owned()).collect();
            let bytes = [BOM.as_bytes(), &written(&[columns])?].concat();
            Ok(Some((bytes, At::Rows(None))))
        }
        At::Rows(cursor) => {
            let (rows, next) = read(cursor).await.map_err(std::io::Error::other)?;
            let next = next.map_or(At::End, |cursor| At::Rows(Some(cursor)));
            Ok(Some((written(&rows)?, next)))
        }
        At::End => Ok(None),
    }
}

fn row(order: &Order) -> Vec<String> {
    let time = |at: Option<domain::Timestamp>| at.map(payments::rfc3339).unwrap_or_default();
    [
        order.order_no.to_string(),
        order.user_id.clone(),
        order.subject.clone(),
        order.amount.to_yuan(),
        order.refunded.to_yuan(),
        order.status().as_str().to_owned(),
        time(Some(order.created_at)),
        time(order.paid_at),
        order.cancel_reason.clone().unwrap_or_default(),
        order.id.to_string(),
    ]
    .map(escape_formula)
    .to_vec()
}

/// Escapes a cell that a spreadsheet would run as a formula. East Asian spreadsheets also accept full-width signs.
pub fn escape_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']) {
        format!("'{cell}")
    } else {
        cell
    }
}

fn written(rows: &[Vec<String>]) -> Result<Vec<u8>, std::io::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(std::io::Error::other)?;
    }
    writer
        .into_inner()
        .map_err(|error| std::io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_are_quoted_and_formulas_are_escaped() {
        for cell in [
            "=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "＝1+1", "＋1", "－1", "＠x",
        ] {
            assert!(escape_formula(cell.to_owned()).starts_with('\''), "{cell:?}");
        }
        assert_eq!(escape_formula("99.90".to_owned()), "99.90");
        let text = written(&[vec!["a,b".to_owned(), "c\"d".to_owned()]]).unwrap();
        assert_eq!(text, b"\"a,b\",\"c\"\"d\"\r\n");
    }
}
