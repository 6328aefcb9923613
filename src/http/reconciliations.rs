//! Reconciliations over HTTP.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use domain::Channel;
use payments::reconciliation::{find_day, list_days};
use payments::views::ReconciliationView;

use super::api::PageBody;
use super::error::Problem;
use super::parameters::Parameters;
use super::web::Web;

#[utoipa::path(
    get, path = "/api/billing/reconciliations", tag = "reconciliations",
    operation_id = "list_reconciliations", summary = "List reconciliations",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 100, default 20"), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = PageBody<ReconciliationView>, description = "Newest day first")),
)]
pub async fn list(
    State(web): State<Web>,
    RawQuery(query): RawQuery,
) -> Result<Json<PageBody<ReconciliationView>>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref())?;
    let limit = parameters.limit()?;
    let cursor = parameters.cursor(is_key)?;
    parameters.finish()?;
    let page = list_days(&web.services, cursor.as_deref(), limit).await?;
    Ok(Json(PageBody {
        data: page
            .data
            .iter()
            .map(|day| ReconciliationView::new(&day.row, &day.differences))
            .collect(),
        next_cursor: page.next_cursor,
    }))
}

/// Whether a text is a day and a gateway.
fn is_key(text: &str) -> bool {
    text.split_once(' ')
        .is_some_and(|(day, gateway)| parse_day(day).is_some() && Channel::parse(gateway).is_some())
}

/// Parses a day in the one form that it is written in.
pub fn parse_day(text: &str) -> Option<chrono::NaiveDate> {
    text.parse::<chrono::NaiveDate>()
        .ok()
        .filter(|day| day.to_string() == text)
}

#[utoipa::path(
    get, path = "/api/billing/reconciliations/{day}/{gateway}", tag = "reconciliations",
    operation_id = "show_reconciliation", summary = "Read the reconciliation of a day",
    params(
        ("day" = String, Path, description = "Day in Beijing, as in 2026-11-27"),
        ("gateway" = String, Path, description = "`wechat` or `alipay`"),
    ),
    responses((status = 200, body = ReconciliationView, description = "The reconciliation")),
)]
pub async fn show(
    State(web): State<Web>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Json<ReconciliationView>, Problem> {
    let Path((day, gateway)) = path.map_err(|_| Problem::not_found())?;
    let day = parse_day(&day).ok_or_else(Problem::not_found)?;
    let channel = Channel::parse(&gateway).ok_or_else(Problem::not_found)?;
    let found = find_day(&web.services, day, channel).await?;
    Ok(Json(ReconciliationView::new(&found.row, &found.differences)))
}
