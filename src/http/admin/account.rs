//! Pages of one's own account: sessions, the second factor, and confirming the password.

use app::console::{ConsoleContext, Flash, pages};
use app::context::parameter;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use payments::console::{
    self, ConsoleError, Operator, Totp, confirm_session, count_recovery_codes, disable_totp as turn_off,
    enable_totp as turn_on, end_other_sessions, list_sessions, renew_recovery_codes as renew_codes,
};

use super::error::PageError;
use super::fields::Fields;
use super::login::{browser_of, identify};
use super::respond;
use crate::config::parse_password;
use crate::http::web::Web;
use crate::password;

const ACCOUNT: &str = "/admin/account";

/// Returns the operator of the session; the guard admits no request without one.
pub fn operator(context: &ConsoleContext) -> Result<&Operator, PageError> {
    context.operator.as_ref().ok_or(PageError::Internal)
}

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    account_page(&web, &context, operator(&context)?, StatusCode::OK, None).await
}

async fn account_page(
    web: &Web,
    context: &ConsoleContext,
    operator: &Operator,
    status: StatusCode,
    alert: Option<&'static str>,
) -> Result<Response, PageError> {
    let sessions = list_sessions(&web.services, operator).await?;
    let n_codes = count_recovery_codes(&web.services, operator).await?;
    let content = pages::account(context, operator, n_codes, sessions, alert);
    Ok(respond::page_with(
        status,
        context,
        context.words().account,
        content,
    ))
}

pub async fn log_out_elsewhere(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    end_other_sessions(&web.services, operator(&context)?, &respond::actor(&context)).await?;
    Ok(respond::done(ACCOUNT, Flash::LoggedOutElsewhere))
}

/// Shows a new TOTP seed at every request; only the one whose code comes back is kept.
pub async fn show_totp(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let operator = operator(&context)?;
    let totp = Totp::new(web.services.clock.entropy());
    let content = pages::totp(&context, &totp, &totp.address(&operator.email), None);
    Ok(respond::page(&context, context.words().totp, content))
}

pub async fn enable_totp(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    let operator = operator(&context)?;
    let totp = Totp::parse(fields.text("secret")).ok_or(PageError::Malformed)?;
    let code = fields.text("code");
    match turn_on(&web.services, operator, &respond::actor(&context), &totp, code).await {
        Ok(codes) => {
            let content = pages::recovery_codes(&context, &codes);
            let flash = ConsoleContext {
                flash: Some(Flash::TotpOn),
                ..context
            };
            Ok(respond::page(&flash, flash.words().recovery_codes, content))
        }
        Err(ConsoleError::WrongLogin) => {
            let alert = Some(context.words().wrong_code);
            let content = pages::totp(&context, &totp, &totp.address(&operator.email), alert);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(respond::page_with(
                status,
                &context,
                context.words().totp,
                content,
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// Shows the new recovery codes in the answer itself, once, as with API keys.
pub async fn renew_recovery_codes(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let operator = operator(&context)?;
    let codes = renew_codes(&web.services, operator, &respond::actor(&context)).await?;
    let content = pages::recovery_codes(&context, &codes);
    Ok(respond::page(&context, context.words().recovery_codes, content))
}

pub async fn disable_totp(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let operator = operator(&context)?;
    turn_off(&web.services, &operator.user_id, &respond::actor(&context)).await?;
    Ok(respond::done(ACCOUNT, Flash::TotpOff))
}

pub async fn change_password(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let operator = operator(&context)?;
    if fields.raw("password") != fields.raw("again") {
        return Err(PageError::Malformed);
    }
    let new = parse_password(fields.raw("password")).map_err(|_| PageError::Malformed)?;
    // A recent confirmation is not enough: an unattended session must not suffice to take the account over.
    let (status, alert) = match check_password(&web, &context, operator, &headers, fields.raw("old")).await {
        Ok(()) => (StatusCode::OK, None),
        Err(ConsoleError::WrongLogin) => (StatusCode::UNAUTHORIZED, Some(context.words().wrong_login)),
        Err(ConsoleError::TooManyAttempts { .. }) => (
            StatusCode::TOO_MANY_REQUESTS,
            Some(context.words().too_many_attempts),
        ),
        Err(error) => return Err(error.into()),
    };
    if alert.is_some() {
        return account_page(&web, &context, operator, status, alert).await;
    }
    let hash = password::hash(new).await.map_err(|_| PageError::Internal)?;
    console::change_password(&web.services, operator, &respond::actor(&context), &hash).await?;
    Ok(respond::done(ACCOUNT, Flash::PasswordChanged))
}

async fn check_password(
    web: &Web,
    context: &ConsoleContext,
    operator: &Operator,
    headers: &HeaderMap,
    password: &str,
) -> Result<(), ConsoleError> {
    let (actor, email) = (respond::actor(context), operator.email.as_str());
    let browser = browser_of(web, headers, email).await?;
    identify(web, &actor, &browser, email, password).await.map(drop)
}

pub async fn ask_to_confirm(
    Extension(context): Extension<ConsoleContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let next = parameter(query.as_deref(), "next").unwrap_or_default();
    let content = pages::confirm(&context, operator(&context)?, respond::next_path(&next), None);
    Ok(respond::page(&context, context.words().confirm_title, content))
}

pub async fn confirm(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let operator = operator(&context)?;
    let next = respond::next_path(fields.text("next"));
    let (status, alert) = match try_confirm(&web, &context, operator, &headers, &fields).await {
        Ok(()) => return Ok(respond::see_other(next)),
        Err(ConsoleError::WrongLogin) => (StatusCode::UNAUTHORIZED, context.words().wrong_login),
        Err(ConsoleError::TooManyAttempts { .. }) => {
            (StatusCode::TOO_MANY_REQUESTS, context.words().too_many_attempts)
        }
        Err(error) => return Err(error.into()),
    };
    let content = pages::confirm(&context, operator, next, Some(alert));
    Ok(respond::page_with(
        status,
        &context,
        context.words().confirm_title,
        content,
    ))
}

async fn try_confirm(
    web: &Web,
    context: &ConsoleContext,
    operator: &Operator,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<(), ConsoleError> {
    let (actor, email) = (respond::actor(context), operator.email.as_str());
    let browser = browser_of(web, headers, email).await?;
    let (who, actor) = identify(web, &actor, &browser, email, fields.raw("password")).await?;
    let code = fields.text("code");
    confirm_session(&web.services, operator, &who, &actor, &browser, code).await
}
