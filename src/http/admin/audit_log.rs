//! The audit log: as a page, as CSV, and as a hash chain that can be verified without this server.

use app::console::columns::{Cell, Column, column, text};
use app::console::pages::AuditLogFilters;
use app::console::{ConsoleContext, pages};
use app::context::parameter;
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use payments::Services;
use payments::console::{self, Action, AuditEntry, AuditQuery, EntryRange};

use super::error::PageError;
use super::export::note_export;
use super::filter::{Typed, day, end_of_day, set, word};
use super::respond;
use super::spreadsheet::{File, Format, stream_file};
use crate::http::web::Web;

const LINES: u32 = 100;
const LINES_OF_FILE: u32 = 500;
const CHAIN_NAME: HeaderValue = HeaderValue::from_static("attachment; filename=\"audit.jsonl\"");
const JSON_LINES: HeaderValue = HeaderValue::from_static("application/jsonl; charset=utf-8");
/// Names for programs: the words of the chain are the same in each language.
const COLUMNS: &[Column<AuditEntry>] = &[
    column(|_| "number", |line, _| Cell::Number(line.seq)),
    column(|_| "at_utc", |line, _| Cell::Utc(line.at)),
    column(|_| "who", |line, _| text(&line.actor)),
    column(|_| "act", |line, _| text(&line.action)),
    column(|_| "subject", |line, _| text(&line.subject)),
    column(|_| "detail", |line, _| text(&line.detail)),
    column(|_| "from", |line, _| text(&line.ip)),
    column(|_| "request", |line, _| text(&line.request_id)),
    column(|_| "hash", |line, _| text(&line.hash)),
];

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let filters = read_filters(query.as_deref())?;
    let stretch = match parameter(query.as_deref(), "check").as_deref() {
        Some("all") => EntryRange::Whole,
        _ => EntryRange::Newest,
    };
    let page = console::list_audit_entries(&web.services, &read_query(&filters)?).await?;
    let check = console::check_audit_chain(&web.services, stretch).await?;
    let content = pages::audit_log(&context, &filters, check, page);
    Ok(respond::page(&context, context.words().audit, content))
}

fn read_filters(query: Option<&str>) -> Result<AuditLogFilters, PageError> {
    let mut typed = Typed::parse(query)?;
    Ok(AuditLogFilters {
        actor: typed.text("actor")?,
        action: typed.text("action")?,
        subject: typed.text("subject")?,
        from: typed.text("from")?,
        to: typed.text("to")?,
        cursor: typed.text("cursor")?,
    })
}

fn read_query(filters: &AuditLogFilters) -> Result<AuditQuery, PageError> {
    Ok(AuditQuery {
        actor: set(&filters.actor, |text| word(text, 254))?,
        action: set(&filters.action, Action::parse)?,
        subject: set(&filters.subject, |text| word(text, 128))?,
        from: set(&filters.from, day)?,
        to: set(&filters.to, end_of_day)?,
        below: set(&filters.cursor, |text| text.parse().ok())?,
        limit: LINES,
    })
}

pub async fn csv(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = AuditQuery {
        below: None,
        limit: LINES_OF_FILE,
        ..read_query(&read_filters(query.as_deref())?)?
    };
    note_export(&web, &context, "audit").await?;
    let services = web.services.clone();
    let file = File {
        name: "audit",
        title: context.words().audit,
        format: Format::Csv,
        columns: COLUMNS,
        words: context.file_texts(),
    };
    Ok(stream_file(file, move |cursor: Option<String>| {
        let (services, query) = (services.clone(), query.clone());
        async move {
            let below = cursor.and_then(|cursor| cursor.parse().ok());
            let page = console::list_audit_entries(&services, &AuditQuery { below, ..query }).await?;
            Ok((page.data, page.next_cursor))
        }
    }))
}

/// Exports every audit entry, oldest first, one JSON object a line, for `scripts/verify-audit.py`.
pub async fn chain(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    note_export(&web, &context, "audit chain").await?;
    let services = web.services.clone();
    let parts = stream::try_unfold(0, move |above| {
        let services = services.clone();
        async move { next_links(&services, above).await }
    });
    let headers = [
        (header::CONTENT_TYPE, JSON_LINES),
        (header::CONTENT_DISPOSITION, CHAIN_NAME),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

async fn next_links(services: &Services, above: i64) -> Result<Option<(String, i64)>, std::io::Error> {
    let lines = console::walk_audit_entries(services, above, LINES_OF_FILE)
        .await
        .map_err(std::io::Error::other)?;
    let last = lines.last().map(|line| line.seq);
    Ok(last.map(|last| (lines.iter().map(entry_link).collect(), last)))
}

/// Formats the hashed fields of an audit entry exactly as they are hashed: `at` in milliseconds.
fn entry_link(line: &AuditEntry) -> String {
    let link = serde_json::json!({
        "seq": line.seq,
        "at": line.at.millis(),
        "actor": line.actor,
        "action": line.action,
        "subject": line.subject,
        "detail": line.detail,
        "ip": line.ip,
        "requestId": line.request_id,
        "previousHash": line.previous_hash,
        "hash": line.hash,
    });
    format!("{link}\n")
}
