//! Pages of one's own account: sessions, the second factor, and confirming the password.

use app::console::{ConsoleContext, Flash, Problem, pages};
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
use super::form::{FormError, show_again};
use super::login::{browser_of, identify};
use super::respond;
use crate::http::web::Web;
use crate::password;

const ACCOUNT: &str = "/admin/account";
const PASSWORD: &str = "/admin/account/password";

/// Returns the operator of the session; the guard admits no request without one.
pub fn operator(context: &ConsoleContext) -> Result<&Operator, PageError> {
    context.operator.as_ref().ok_or(PageError::Internal)
}

pub async fn show(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let operator = operator(&context)?;
    let sessions = list_sessions(&web.services, operator).await?;
    let n_codes = count_recovery_codes(&web.services, operator).await?;
    let content = pages::account(&context, operator, n_codes, sessions);
    Ok(respond::page(&context, context.words().account, content))
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
    fields: Fields,
) -> Result<Response, PageError> {
    if !console::use_form(&web.services, fields.text("once")).await? {
        return Ok(respond::done(ACCOUNT, Flash::SentBefore));
    }
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

pub async fn show_password(Extension(context): Extension<ConsoleContext>) -> Result<Response, PageError> {
    password_page(&context, StatusCode::OK)
}

fn password_page(context: &ConsoleContext, status: StatusCode) -> Result<Response, PageError> {
    let content = pages::password(context, operator(context)?);
    let title = context.words().change_password;
    Ok(respond::page_with(status, context, title, content))
}

pub async fn change_password(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let must_change = operator(&context)?.must_change_password;
    let error = match try_change_password(&web, &context, &headers, &fields).await {
        Ok(()) if must_change => return Ok(respond::done("/admin", Flash::PasswordChanged)),
        Ok(()) => return Ok(respond::done(ACCOUNT, Flash::PasswordChanged)),
        Err(error) => error,
    };
    let status = match &error {
        FormError::Field(_, Problem::WrongPassword) => StatusCode::UNAUTHORIZED,
        FormError::Field(_, Problem::TooManyAttempts) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    password_page(&show_again(context, PASSWORD, &fields, error)?, status)
}

async fn try_change_password(
    web: &Web,
    context: &ConsoleContext,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<(), FormError> {
    let operator = operator(context)?;
    let new = fields.new_password("password")?;
    if fields.raw("password") != fields.raw("again") {
        return Err(FormError::Field("again", Problem::Different));
    }
    // A recent confirmation is not enough: an unattended session must not suffice to take the account over.
    match check_password(web, context, operator, headers, fields.raw("old")).await {
        Ok(()) => {}
        Err(ConsoleError::WrongLogin) => return Err(FormError::Field("old", Problem::WrongPassword)),
        Err(ConsoleError::TooManyAttempts { .. }) => {
            return Err(FormError::Field("old", Problem::TooManyAttempts));
        }
        Err(error) => return Err(error.into()),
    }
    // Asked last, so that nothing is told about a password that is not known to be the current one.
    if fields.raw("password") == fields.raw("old") {
        return Err(FormError::Field("password", Problem::SamePassword));
    }
    let hash = password::hash(new).await.map_err(|_| PageError::Internal)?;
    console::change_password(&web.services, operator, &respond::actor(context), &hash).await?;
    Ok(())
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
