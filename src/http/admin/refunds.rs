//! Refunds: a dialog, a second step to confirm, and above a threshold the approval of a second person.

use app::console::pages::{RefundForm, RefundReason};
use app::console::{ConsoleContext, Flash, Problem, pages};
use app::context::parameter;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::{Money, PaymentId, RefundId, RefundNo};
use payments::console::{self, Asked, ConsoleError, RefundDraft, RefundPlan};

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::form::{FormError, show_again};
use super::orders::path_of;
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const ROWS: u32 = 50;
const APPROVALS: &str = "/admin/refunds";

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let plan = plan_refund(&web, &id).await?;
    let typed = |name| parameter(query.as_deref(), name).unwrap_or_default().into_owned();
    let form = RefundForm {
        amount: typed("amount"),
        reason: RefundReason::parse(&typed("reason")).unwrap_or(RefundReason::Other),
        words: typed("words"),
    };
    let content = pages::refund(&context, &plan, &form);
    Ok(respond::page(&context, context.words().refund, content))
}

/// Shows the second step, which repeats what will happen and to which payer.
pub async fn check(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let plan = plan_refund(&web, &id).await?;
    let form = read_form(&fields);
    let amount = match check_form(&form, &plan) {
        Ok(amount) => amount,
        Err(error) => {
            let context = show_again(context, &pages::path_of_check(&plan.payment), &fields, error)?;
            let content = pages::refund(&context, &plan, &form);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(respond::page_with(
                status,
                &context,
                context.words().refund,
                content,
            ));
        }
    };
    let actor = respond::actor(&context);
    let needs = console::find_refund_needs(&web.services, &actor, &plan.payment.id, amount).await?;
    if needs.password && !operator(&context)?.is_confirmed {
        return Ok(respond::see_other(&confirm_first(&plan, &form)));
    }
    let content = pages::refund_check(&context, &plan, &form, amount, needs.approval);
    Ok(respond::page(&context, context.words().refund, content))
}

pub async fn ask(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let plan = plan_refund(&web, &id).await?;
    let form = read_form(&fields);
    let amount = Money::parse_yuan(&form.amount).map_err(|_| PageError::Malformed)?;
    let draft = RefundDraft {
        payment_id: plan.payment.id.clone(),
        amount,
        reason: form.text(context.words()),
        refund_no: Some(fields.text("refund_no"))
            .filter(|number| RefundNo::is_made_by_us(number))
            .and_then(RefundNo::parse)
            .ok_or(PageError::Malformed)?,
    };
    let (operator, actor) = (operator(&context)?, respond::actor(&context));
    let flash = match console::ask_for_refund(&web.services, operator, &actor, &draft).await {
        Ok(Asked::Requested) => Flash::RefundRequested,
        Ok(Asked::Waiting) => Flash::RefundWaiting,
        Err(ConsoleError::Unconfirmed) => return Ok(respond::see_other(&confirm_first(&plan, &form))),
        Err(error) => return Err(error.into()),
    };
    Ok(respond::done(&path_of(&plan.order.id), flash))
}

/// Returns the path to the password confirmation, which comes back to the form with what was typed.
fn confirm_first(plan: &RefundPlan, form: &RefundForm) -> String {
    let next = format!("/admin/payments/{}/refund?{}", plan.payment.id, form.query());
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/admin/confirm?next={next}")
}

fn read_form(fields: &Fields) -> RefundForm {
    RefundForm {
        amount: fields.text("amount").to_owned(),
        reason: RefundReason::parse(fields.text("reason")).unwrap_or(RefundReason::Other),
        words: fields.text("words").to_owned(),
    }
}

/// Parses the amount for display, when it does not exceed what is refundable; the verb checks it again.
fn check_form(form: &RefundForm, plan: &RefundPlan) -> Result<Money, FormError> {
    let amount = Money::parse_yuan(&form.amount).ok();
    let amount = amount.filter(|amount| *amount <= plan.left);
    if !form.words.is_empty() && !payments::is_line(&form.words, 60) {
        return Err(FormError::Field("words", Problem::Unreadable));
    }
    amount.ok_or(FormError::Field("amount", Problem::TooMuch))
}

async fn plan_refund(web: &Web, id: &str) -> Result<RefundPlan, PageError> {
    let id = PaymentId::parse(id).ok_or(PageError::NotFound)?;
    Ok(console::plan_refund(&web.services, &id).await?)
}

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let refunds = console::list_approvals(&web.services, ROWS).await?;
    let credits = console::list_credit_requests(&web.services, ROWS).await?;
    let content = pages::approvals(&context, operator(&context)?, refunds, credits);
    Ok(respond::page(&context, context.words().approvals, content))
}

pub async fn approve(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    console::approve_approval(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(APPROVALS, Flash::RefundApproved))
}

pub async fn reject(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let why = fields.line("why", 200)?;
    console::reject_approval(&web.services, &respond::actor(&context), &id, why).await?;
    Ok(respond::done(APPROVALS, Flash::RefundRejected))
}

pub async fn retry(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let id = RefundId::parse(&id).ok_or(PageError::NotFound)?;
    let order_id = console::retry(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(&path_of(&order_id), Flash::RefundRetried))
}
