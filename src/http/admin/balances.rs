//! Balances of users, and the ledger behind them.

use app::console::pages::BalanceList;
use app::console::{ConsoleContext, Flash, Problem, pages};
use app::context::parameter;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ledger::Change;
use payments::console::{self, Asked};
use payments::{Adjustment, Requester, find_balance, list_entries};
use url::form_urlencoded;

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::filter::{set, word};
use super::form::{FormError, show_again};
use super::{questions, respond};
use crate::http::api::Id;
use crate::http::web::Web;

const ROWS: u32 = 50;
const APPROVALS: &str = "/admin/refunds";

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let user = parameter(query.as_deref(), "user").unwrap_or_default();
    let before = parameter(query.as_deref(), "cursor").and_then(|cursor| cursor.parse().ok());
    let number = web.services.clock.nonce();
    let query = query.as_deref();
    balances_page(
        &web,
        &context,
        (StatusCode::OK, query),
        (user.trim(), before),
        &number,
    )
    .await
}

async fn balances_page(
    web: &Web,
    context: &ConsoleContext,
    (status, query): (StatusCode, Option<&str>),
    (user, before): (&str, Option<i64>),
    number: &str,
) -> Result<Response, PageError> {
    let account = if user.is_empty() {
        None
    } else {
        let balance = find_balance(&web.services, user).await?;
        let entries = list_entries(&web.services, user, before, ROWS).await?;
        Some((
            balance,
            entries,
            console::list_adjusters(&web.services, user).await?,
        ))
    };
    let list = match account {
        Some(_) => None,
        None => Some(list_all(web, query).await?),
    };
    let content = pages::balances(context, account, list.as_ref(), number);
    Ok(respond::page_with(
        status,
        context,
        context.words().balances,
        content,
    ))
}

async fn list_all(web: &Web, query: Option<&str>) -> Result<BalanceList, PageError> {
    let part = parameter(query, "part").unwrap_or_default();
    let part = part.trim().to_owned();
    let within = set(&part, |text| word(text, 64))?;
    let after = parameter(query, "after").unwrap_or_default();
    let after = set(&after, |text| word(text, 64))?;
    let page = console::list_balances(&web.services, within.as_deref(), after.as_deref(), ROWS).await?;
    Ok(BalanceList { part, page })
}

/// Adjusts a balance. The form holds the number of the adjustment, so sending it twice is one adjustment.
pub async fn adjust(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    let user = fields.line("user", 64)?;
    let number = fields.line("number", 64)?;
    match try_adjust(&web, &context, &fields, (user, number)).await {
        Ok(asked) => {
            let user: String = url::form_urlencoded::byte_serialize(user.as_bytes()).collect();
            let flash = match asked {
                Asked::Requested => Flash::BalanceAdjusted,
                Asked::Waiting => Flash::CreditWaiting,
            };
            Ok(respond::done(&format!("/admin/balances?user={user}"), flash))
        }
        Err(error) => show_form_again(&web, context, &fields, (user, number), error).await,
    }
}

/// Shows the second step, which repeats what will happen to whose balance.
pub async fn check(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    let user = fields.line("user", 64)?;
    let number = fields.line("number", 64)?;
    match read_adjustment(&fields, (user, number)) {
        Ok(adjustment) => {
            let balance = find_balance(&web.services, user).await?;
            Ok(questions::adjust_balance(&context, &adjustment, &balance))
        }
        Err(error) => show_form_again(&web, context, &fields, (user, number), error).await,
    }
}

/// Shows the form of an adjustment as it was typed, with what is wrong with it.
async fn show_form_again(
    web: &Web,
    context: ConsoleContext,
    fields: &Fields,
    (user, number): (&str, &str),
    error: FormError,
) -> Result<Response, PageError> {
    let mut context = show_again(context, pages::CHECK_ADJUSTMENT, fields, error)?;
    // The links that choose a language lead to the page of this user.
    context.query = form_urlencoded::Serializer::new(String::new())
        .append_pair("user", user)
        .finish();
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    balances_page(web, &context, (status, None), (user, None), number).await
}

async fn try_adjust(
    web: &Web,
    context: &ConsoleContext,
    fields: &Fields,
    (user, number): (&str, &str),
) -> Result<Asked, FormError> {
    let adjustment = read_adjustment(fields, (user, number))?;
    let (operator, actor) = (operator(context)?, respond::actor(context));
    Ok(console::adjust_balance(&web.services, operator, &actor, &adjustment).await?)
}

fn read_adjustment(fields: &Fields, (user, number): (&str, &str)) -> Result<Adjustment, FormError> {
    let change = change_of(fields.text("amount"));
    Ok(Adjustment {
        user_id: user.to_owned(),
        change: change.ok_or(FormError::Field("amount", Problem::NoAmount))?,
        number: number.to_owned(),
        note: fields.required("note", 256)?.to_owned(),
        by: Requester::Rule,
    })
}

pub async fn approve(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    console::approve_credit(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(APPROVALS, Flash::CreditApproved))
}

pub async fn reject(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let why = fields.line("why", 200)?;
    console::reject_credit(&web.services, &respond::actor(&context), &id, why).await?;
    Ok(respond::done(APPROVALS, Flash::RefundRejected))
}

/// Parses `-12.30`, `+12.30` or `12.30` yuan.
fn change_of(text: &str) -> Option<Change> {
    let (sign, amount) = match text.strip_prefix('-') {
        Some(amount) => (-1, amount),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let fen = domain::Money::parse_yuan(amount).ok()?.fen();
    Change::from_fen(sign * fen).ok()
}

pub async fn books(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let findings = payments::check_invariants(&web.services).await?;
    let content = pages::books(&context, &findings);
    Ok(respond::page(&context, context.words().books, content))
}
