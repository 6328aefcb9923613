//! Pages that ask before an act that cannot be undone. Each has the address of its act.

use app::console::ConsoleContext;
use app::console::pages::{self, Question};
use app::i18n::fill;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::{EndpointId, OrderState};
use leptos::prelude::{AnyView, IntoAny as _};
use payments::console::{find_link, find_user, list_keys};
use payments::epay::list_merchants;
use payments::reconciliation::{Difference, DifferenceState, find_day_now};
use payments::webhook::find_endpoint;
use payments::{Adjustment, Balance};

use super::error::PageError;
use super::orders::{order_id, path_of};
use super::reconciliation::parse_place;
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const USERS: &str = "/admin/people";
const ACCOUNT: &str = "/admin/account";

fn ask(context: &ConsoleContext, question: Question) -> Response {
    ask_with(context, question, ().into_any())
}

fn ask_with(context: &ConsoleContext, question: Question, fields: AnyView) -> Response {
    let title = question.title.clone();
    respond::page(context, &title, pages::question(context, question, fields))
}

pub async fn revoke_key(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, forms) = (context.words(), context.form_words());
    let keys = list_keys(&web.services).await?;
    let key = keys
        .into_iter()
        .find(|key| key.id == id)
        .ok_or(PageError::NotFound)?;
    if key.revoked_at.is_some() {
        return Err(PageError::DecidedAlready);
    }
    let used = key.last_used_at.map_or_else(|| "–".to_owned(), payments::beijing);
    let question = Question {
        title: fill(forms.revoke_key, &[("name", &key.name)]),
        effect: forms.revoke_key_effect.to_owned(),
        facts: vec![
            (words.key_name, key.name.clone()),
            (words.key_end, format!("…{}", key.last4)),
            (words.last_used, used),
        ],
        action: format!("/admin/keys/{id}/revoke"),
        button: forms.revoke_key_now,
        back: "/admin/keys".to_owned(),
        is_loss: true,
    };
    Ok(ask(&context, question))
}

pub async fn disable_user(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, forms) = (context.words(), context.form_words());
    let user = find_user(&web.services, &id).await?;
    if user.disabled_at.is_some() {
        return Err(PageError::DecidedAlready);
    }
    let question = Question {
        title: fill(forms.disable_user, &[("email", &user.email)]),
        effect: forms.disable_user_effect.to_owned(),
        facts: vec![(words.role, pages::role_name(&context, user.role).to_owned())],
        action: format!("{USERS}/{id}/disable"),
        button: forms.disable_user_now,
        back: USERS.to_owned(),
        is_loss: true,
    };
    Ok(ask(&context, question))
}

pub async fn enable_user(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, forms) = (context.words(), context.form_words());
    let user = find_user(&web.services, &id).await?;
    if user.disabled_at.is_none() {
        return Err(PageError::DecidedAlready);
    }
    let role = pages::role_name(&context, user.role);
    let question = Question {
        title: fill(forms.enable_user, &[("email", &user.email)]),
        effect: format!("{} {role}", forms.enable_user_effect),
        facts: vec![(words.role, role.to_owned())],
        action: format!("{USERS}/{id}/enable"),
        button: forms.enable_user_now,
        back: USERS.to_owned(),
        is_loss: false,
    };
    Ok(ask(&context, question))
}

/// Shows the form of the first password, which is the question too.
pub async fn reset_login(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    reset_page(&web, &context, &id, StatusCode::OK).await
}

pub async fn reset_page(
    web: &Web,
    context: &ConsoleContext,
    id: &str,
    status: StatusCode,
) -> Result<Response, PageError> {
    let user = find_user(&web.services, id).await?;
    if user.disabled_at.is_some() {
        return Err(PageError::NotFound);
    }
    let title = context.words().reset_login;
    let content = pages::reset_login(context, &user);
    Ok(respond::page_with(status, context, title, content))
}

pub async fn rotate_epay_key(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, forms) = (context.words(), context.form_words());
    let texts = [forms.rotate_epay, forms.rotate_epay_effect, words.epay_rotate];
    ask_about_merchant(&web, &context, (&id, "rotate"), texts).await
}

pub async fn disable_epay_merchant(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, forms) = (context.words(), context.form_words());
    let texts = [forms.disable_epay, forms.disable_epay_effect, words.epay_disable];
    ask_about_merchant(&web, &context, (&id, "disable"), texts).await
}

async fn ask_about_merchant(
    web: &Web,
    context: &ConsoleContext,
    (pid, act): (&str, &str),
    [title, effect, button]: [&'static str; 3],
) -> Result<Response, PageError> {
    let merchants = list_merchants(&web.services).await?;
    let merchant = merchants
        .into_iter()
        .find(|merchant| merchant.pid.to_string() == pid)
        .ok_or(PageError::NotFound)?;
    let question = Question {
        title: fill(title, &[("pid", pid)]),
        effect: effect.to_owned(),
        facts: vec![(context.words().key_name, merchant.name)],
        action: format!("/admin/epay/{pid}/{act}"),
        button,
        back: "/admin/epay".to_owned(),
        is_loss: true,
    };
    Ok(ask(context, question))
}

pub async fn rotate_webhook_secret(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, forms) = (context.words(), context.form_words());
    let question = Question {
        title: forms.rotate_secret.to_owned(),
        effect: forms.rotate_secret_effect.to_owned(),
        facts: vec![(words.webhook_url, endpoint_url(&web, &id).await?)],
        action: format!("/admin/webhooks/{id}/rotate-secret"),
        button: words.rotate_secret,
        back: format!("/admin/webhooks/{id}"),
        is_loss: false,
    };
    Ok(ask(&context, question))
}

pub async fn delete_webhook(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, forms) = (context.words(), context.form_words());
    let question = Question {
        title: forms.delete_webhook.to_owned(),
        effect: forms.delete_webhook_effect.to_owned(),
        facts: vec![(words.webhook_url, endpoint_url(&web, &id).await?)],
        action: format!("/admin/webhooks/{id}/delete"),
        button: forms.delete_webhook_now,
        back: format!("/admin/webhooks/{id}"),
        is_loss: true,
    };
    Ok(ask(&context, question))
}

async fn endpoint_url(web: &Web, id: &str) -> Result<String, PageError> {
    let id = EndpointId::parse(id).ok_or(PageError::NotFound)?;
    Ok(find_endpoint(&web.services, &id).await?.url)
}

pub async fn close_link(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (forms, texts) = (context.form_words(), context.language.link_words());
    let link = find_link(&web.services, &id).await?;
    if link.closed_at.is_some() {
        return Err(PageError::DecidedAlready);
    }
    let question = Question {
        title: fill(forms.close_link, &[("subject", &link.subject)]),
        effect: texts.link_close_text.to_owned(),
        facts: vec![(texts.link_paid, link.n_paid.to_string())],
        action: format!("/admin/payment-links/{id}/close"),
        button: texts.link_close,
        back: format!("/admin/payment-links/{id}"),
        is_loss: true,
    };
    Ok(ask(&context, question))
}

pub async fn close_order(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let (words, texts) = (context.words(), context.language.link_words());
    let order = payments::find_order(&web.services, &order_id(&id)?).await?;
    if order.state != OrderState::Open {
        return Err(PageError::Refused);
    }
    let amount = pages::amount_text(order.amount);
    let question = Question {
        title: fill(
            context.form_words().close_order,
            &[("number", order.order_no.as_str())],
        ),
        effect: fill(texts.order_close_text, &[("amount", &amount)]),
        facts: vec![
            (words.subject_of_order, order.subject.clone()),
            (words.user, order.user_id.clone()),
            (words.amount, amount.clone()),
        ],
        action: format!("{}/close", path_of(&order.id)),
        button: texts.order_close,
        back: path_of(&order.id),
        is_loss: true,
    };
    let reason = pages::reason_field(&context);
    Ok(ask_with(&context, question, reason))
}

/// Asks about an adjustment, with its fields as they were read.
pub fn adjust_balance(context: &ConsoleContext, adjustment: &Adjustment, balance: &Balance) -> Response {
    let (words, forms) = (context.words(), context.form_words());
    let fen = adjustment.change.fen();
    let change = pages::change_text(fen);
    let after = balance.available.fen() + fen;
    let back = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("user", &adjustment.user_id)
        .append_pair("form", pages::CHECK_ADJUSTMENT)
        .append_pair("amount", &pages::plain_change(fen))
        .append_pair("note", &adjustment.note)
        .finish();
    let question = Question {
        title: fill(
            forms.adjust_balance,
            &[("user", &adjustment.user_id), ("change", &change)],
        ),
        effect: forms.adjust_balance_effect.to_owned(),
        facts: vec![
            (words.user, adjustment.user_id.clone()),
            (words.available, pages::amount_text(balance.available)),
            (words.amount, change),
            (words.balance_after, pages::sum_text(after)),
            (words.reason, adjustment.note.clone()),
        ],
        action: "/admin/balances/adjust".to_owned(),
        button: words.adjust,
        back: format!("/admin/balances?{back}"),
        is_loss: fen < 0,
    };
    ask_with(context, question, pages::adjustment_fields(adjustment))
}

pub async fn close_day(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Path((day, channel)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (day, channel) = parse_place(&day, &channel)?;
    let (words, texts) = (context.words(), context.language.reconciliation_words());
    let now = find_day_now(&web.services, day, channel).await?;
    let open = |difference: &&Difference| difference.state == DifferenceState::Open;
    let n_open = now.day.differences.iter().filter(open).count();
    let (day, gateway) = (day.to_string(), pages::method_name(&context, channel.method()));
    let place = format!("/admin/reconciliation/{day}/{channel}");
    let question = Question {
        title: fill(
            context.form_words().close_day,
            &[("day", &day), ("gateway", gateway)],
        ),
        effect: texts.close_text.to_owned(),
        facts: vec![
            (words.method, gateway.to_owned()),
            (
                texts.checked_at,
                now.day
                    .row
                    .finished_at
                    .map_or_else(|| "–".to_owned(), payments::beijing),
            ),
            (texts.differences_left, n_open.to_string()),
        ],
        action: format!("{place}/close"),
        button: texts.close_day,
        back: place,
        is_loss: false,
    };
    let reason = pages::required_reason_field(&context, "500");
    Ok(ask_with(&context, question, reason))
}

pub async fn disable_totp(Extension(context): Extension<ConsoleContext>) -> Response {
    let forms = context.form_words();
    let question = Question {
        title: forms.turn_off_totp.to_owned(),
        effect: forms.turn_off_totp_effect.to_owned(),
        facts: Vec::new(),
        action: format!("{ACCOUNT}/totp/off"),
        button: context.words().turn_off,
        back: ACCOUNT.to_owned(),
        is_loss: true,
    };
    ask(&context, question)
}

pub async fn renew_recovery_codes(Extension(context): Extension<ConsoleContext>) -> Response {
    let forms = context.form_words();
    let question = Question {
        title: forms.new_recovery_codes.to_owned(),
        effect: forms.new_recovery_codes_effect.to_owned(),
        facts: Vec::new(),
        action: format!("{ACCOUNT}/recovery-codes"),
        button: context.words().new_recovery_codes,
        back: ACCOUNT.to_owned(),
        is_loss: true,
    };
    ask(&context, question)
}
