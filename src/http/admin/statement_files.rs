//! Lines of the kept statements of a day as files.

use std::sync::Arc;

use app::console::columns::Column;
use app::console::{ConsoleContext, columns};
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use payments::gateway::bill::BillKind;
use payments::reconciliation::{StatementReader, read_fund_lines, read_trade_lines};
use tokio::sync::Mutex;

use super::error::PageError;
use super::export::note_export;
use super::reconciliation::parse_place;
use super::spreadsheet::{File, Format, stream_file};
use crate::http::web::Web;

/// Streams the lines of a statement, named by its kind and its format: `trade.xlsx`, `fund_flow.csv`.
pub async fn download(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: Result<Path<(String, String, String)>, PathRejection>,
) -> Result<Response, PageError> {
    let Path((day, channel, file)) = path.map_err(|_| PageError::NotFound)?;
    let (day, channel) = parse_place(&day, &channel)?;
    let (kind, extension) = file.split_once('.').ok_or(PageError::NotFound)?;
    let kind = BillKind::parse(kind).ok_or(PageError::NotFound)?;
    let format = Format::parse(extension).ok_or(PageError::NotFound)?;
    let words = context.file_texts();
    let subject = format!("{day} {channel} {file}");
    Ok(match kind {
        BillKind::Trade => {
            let reader = read_trade_lines(&web.services, day, channel).await?;
            note_export(&web, &context, &subject).await?;
            let title = words.files.statement_lines;
            stream_lines(
                file_of("statement", title, format, columns::TRADES, words),
                reader,
            )
        }
        BillKind::FundFlow => {
            let reader = read_fund_lines(&web.services, day, channel).await?;
            note_export(&web, &context, &subject).await?;
            let title = words.files.fund_lines;
            stream_lines(file_of("fund-flow", title, format, columns::FUNDS, words), reader)
        }
    })
}

const fn file_of<T>(
    name: &'static str,
    title: &'static str,
    format: Format,
    columns: &'static [Column<T>],
    words: columns::FileTexts,
) -> File<T> {
    File {
        name,
        title,
        format,
        columns,
        words,
    }
}

fn stream_lines<T: Send + 'static>(file: File<T>, reader: StatementReader<T>) -> Response {
    let reader = Arc::new(Mutex::new(reader));
    stream_file(file, move |_: Option<()>| {
        let reader = Arc::clone(&reader);
        async move {
            let page = reader.lock().await.next_page().await?;
            Ok(match page {
                Some(lines) => (lines, Some(())),
                None => (Vec::new(), None),
            })
        }
    })
}
