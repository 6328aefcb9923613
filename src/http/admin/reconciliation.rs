//! Reconciliation pages: the calendar, one day, and its acts.

use app::console::{ConsoleContext, Flash, pages};
use app::context::parameter;
use axum::Extension;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header;
use axum::response::Response;
use chrono::NaiveDate;
use domain::Channel;
use payments::console::{self, close_day, explain_difference};
use payments::reconciliation::{DifferenceKind, StatementSource, find_day_now, list_days_between};

use super::error::PageError;
use super::fields::Fields;
use super::respond;
use crate::http::api::to_the_end;
use crate::http::body::{self, BodyError};
use crate::http::reconciliations::parse_day;
use crate::http::web::Web;

/// Days on one page of the calendar.
const DAYS: usize = 31;
/// Packed, hundreds of thousands of lines are fifteen.
const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;

type DayPath = Result<Path<(String, String)>, axum::extract::rejection::PathRejection>;

fn parse_path(path: DayPath) -> Result<(NaiveDate, Channel), PageError> {
    let Path((day, channel)) = path.map_err(|_| PageError::NotFound)?;
    parse_place(&day, &channel)
}

/// Day and gateway of an address.
pub fn parse_place(day: &str, channel: &str) -> Result<(NaiveDate, Channel), PageError> {
    let day = parse_day(day).ok_or(PageError::NotFound)?;
    Ok((day, Channel::parse(channel).ok_or(PageError::NotFound)?))
}

fn day_address((day, channel): (NaiveDate, Channel)) -> String {
    format!("/admin/reconciliation/{day}/{channel}")
}

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let today = payments::beijing(web.services.clock.now());
    let yesterday = parse_day(today.get(..10).unwrap_or_default()).and_then(|day| day.pred_opt());
    let until = parameter(query.as_deref(), "until")
        .and_then(|day| parse_day(&day))
        .or(yesterday)
        .ok_or(PageError::NotFound)?;
    let mut days = vec![until];
    days.extend(std::iter::successors(until.pred_opt(), |day| day.pred_opt()).take(DAYS - 1));
    let from = days.last().copied().unwrap_or(until);
    let rows = list_days_between(&web.services, from, until).await?;
    let channels = Channel::ALL
        .into_iter()
        .filter(|channel| {
            web.services.gateways.get(*channel).is_some() || rows.iter().any(|row| row.channel == *channel)
        })
        .collect();
    let calendar = pages::Calendar {
        days: days.iter().map(NaiveDate::to_string).collect(),
        rows,
        earlier: from.pred_opt().map(|day| day.to_string()),
        channels,
    };
    let content = pages::reconciliations(&context, &calendar);
    Ok(respond::page(&context, context.words().reconciliation, content))
}

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: DayPath,
) -> Result<Response, PageError> {
    let (day, channel) = parse_path(path)?;
    let found = match find_day_now(&web.services, day, channel).await {
        Ok(found) => Some(found),
        Err(payments::Error::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let content = pages::reconciliation(&context, &day.to_string(), channel, found.as_ref());
    Ok(respond::page(&context, context.words().reconciliation, content))
}

pub async fn ask(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: DayPath,
) -> Result<Response, PageError> {
    let of = parse_path(path)?;
    run_day(web, &context, of, StatementSource::Gateway).await
}

/// A file that a person downloaded from the gateway.
pub async fn upload(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: DayPath,
    request: Request,
) -> Result<Response, PageError> {
    let of = parse_path(path)?;
    let file = read_file(request).await?;
    run_day(web, &context, of, StatementSource::File(file)).await
}

async fn run_day(
    web: Web,
    context: &ConsoleContext,
    of: (NaiveDate, Channel),
    source: StatementSource,
) -> Result<Response, PageError> {
    let actor = respond::actor(context);
    let day =
        to_the_end(async move { console::reconcile_now(&web.services, &actor, of, source).await }).await?;
    let flash = match day.row.note {
        None => Flash::DayReconciled,
        Some(_) => Flash::DayPending,
    };
    Ok(respond::done(&day_address(of), flash))
}

/// Reads the one file of a multipart form.
async fn read_file(request: Request) -> Result<Vec<u8>, PageError> {
    let (head, body) = request.into_parts();
    let boundary = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| multer::parse_boundary(kind.to_str().ok()?).ok())
        .ok_or(PageError::Malformed)?;
    let bytes = body::read(&head.headers, body, MAX_FILE_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => PageError::FileTooLarge,
            _ => PageError::Malformed,
        })?;
    let whole = futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(bytes) });
    let mut parts = multer::Multipart::new(whole, boundary);
    while let Some(part) = parts.next_field().await.map_err(|_| PageError::Malformed)? {
        if part.name() == Some("file") {
            let file = part.bytes().await.map_err(|_| PageError::Malformed)?;
            return Ok(file.to_vec());
        }
    }
    Err(PageError::Malformed)
}

pub async fn explain(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: DayPath,
    fields: Fields,
) -> Result<Response, PageError> {
    let of = parse_path(path)?;
    let kind = DifferenceKind::parse(fields.text("kind")).ok_or(PageError::Malformed)?;
    let (subject, reason) = (fields.line("subject", 128)?, fields.line("reason", 500)?);
    explain_difference(
        &web.services,
        &respond::actor(&context),
        of,
        (kind, subject),
        reason,
    )
    .await?;
    Ok(respond::done(&day_address(of), Flash::DifferenceExplained))
}

pub async fn close(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    path: DayPath,
    fields: Fields,
) -> Result<Response, PageError> {
    let of = parse_path(path)?;
    let reason = fields.line("reason", 500)?;
    close_day(&web.services, &respond::actor(&context), of, reason).await?;
    Ok(respond::done(&day_address(of), Flash::DayClosed))
}
