//! What everybody does for themselves: sessions, the second factor, and giving the password once more.

use app::console::{Desk, Flash, pages};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use payments::console::{
    self, ConsoleError, Operator, Totp, confirm_session, count_recovery_codes, disable_totp as turn_off,
    enable_totp as turn_on, end_other_sessions, list_sessions, renew_recovery_codes as renew_codes,
};

use super::desk;
use super::fields::Fields;
use super::login::{browser_of, identify, parameter};
use super::trouble::Trouble;
use crate::config::parse_password;
use crate::http::Web;
use crate::password;

const ACCOUNT: &str = "/admin/account";

/// The guard lets nobody else through.
pub fn operator(desk: &Desk) -> Result<&Operator, Trouble> {
    desk.operator.as_ref().ok_or(Trouble::Internal)
}

pub async fn show(State(web): State<Web>, Extension(desk): Extension<Desk>) -> Result<Response, Trouble> {
    account_page(&web, &desk, operator(&desk)?, StatusCode::OK, None).await
}

async fn account_page(
    web: &Web,
    desk: &Desk,
    operator: &Operator,
    status: StatusCode,
    alert: Option<&'static str>,
) -> Result<Response, Trouble> {
    let sessions = list_sessions(&web.services, operator).await?;
    let n_codes = count_recovery_codes(&web.services, operator).await?;
    let content = pages::account(desk, operator, n_codes, sessions, alert);
    Ok(desk::page_with(status, desk, desk.words().account, content))
}

pub async fn log_out_elsewhere(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
) -> Result<Response, Trouble> {
    end_other_sessions(&web.services, operator(&desk)?, &desk::visit(&desk)).await?;
    Ok(desk::done(ACCOUNT, Flash::LoggedOutElsewhere))
}

/// A new seed for every look: only the one whose code comes back is kept.
pub async fn show_totp(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
) -> Result<Response, Trouble> {
    let operator = operator(&desk)?;
    let totp = Totp::new(web.services.clock.entropy());
    let content = pages::totp(&desk, &totp, &totp.address(&operator.email), None);
    Ok(desk::page(&desk, desk.words().totp, content))
}

pub async fn enable_totp(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let operator = operator(&desk)?;
    if !operator.is_confirmed {
        return Ok(desk::see_other("/admin/confirm?next=%2Fadmin%2Faccount%2Ftotp"));
    }
    let totp = Totp::parse(fields.text("secret")).ok_or(Trouble::Malformed)?;
    let code = fields.text("code");
    match turn_on(&web.services, operator, &desk::visit(&desk), &totp, code).await {
        Ok(codes) => {
            let content = pages::recovery_codes(&desk, &codes);
            let flash = Desk {
                flash: Some(Flash::TotpOn),
                ..desk
            };
            Ok(desk::page(&flash, flash.words().recovery_codes, content))
        }
        Err(ConsoleError::WrongLogin) => {
            let alert = Some(desk.words().wrong_code);
            let content = pages::totp(&desk, &totp, &totp.address(&operator.email), alert);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(desk::page_with(status, &desk, desk.words().totp, content))
        }
        Err(error) => Err(error.into()),
    }
}

/// The answer itself shows them, once, as it is with keys.
pub async fn renew_recovery_codes(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
) -> Result<Response, Trouble> {
    let operator = operator(&desk)?;
    if !operator.is_confirmed {
        return Ok(desk::see_other("/admin/confirm?next=%2Fadmin%2Faccount"));
    }
    let codes = renew_codes(&web.services, operator, &desk::visit(&desk)).await?;
    let content = pages::recovery_codes(&desk, &codes);
    Ok(desk::page(&desk, desk.words().recovery_codes, content))
}

pub async fn disable_totp(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
) -> Result<Response, Trouble> {
    let operator = operator(&desk)?;
    if !operator.is_confirmed {
        return Ok(desk::see_other("/admin/confirm?next=%2Fadmin%2Faccount"));
    }
    turn_off(&web.services, &operator.user_id, &desk::visit(&desk)).await?;
    Ok(desk::done(ACCOUNT, Flash::TotpOff))
}

pub async fn change_password(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Trouble> {
    let operator = operator(&desk)?;
    if fields.raw("password") != fields.raw("again") {
        return Err(Trouble::Malformed);
    }
    let new = parse_password(fields.raw("password")).map_err(|_| Trouble::Malformed)?;
    // However short a time ago it was given: a desk that somebody has left is not enough to take an account over.
    let (status, alert) = match check_password(&web, &desk, operator, &headers, fields.raw("old")).await {
        Ok(()) => (StatusCode::OK, None),
        Err(ConsoleError::WrongLogin) => (StatusCode::UNAUTHORIZED, Some(desk.words().wrong_login)),
        Err(ConsoleError::TooManyAttempts { .. }) => (
            StatusCode::TOO_MANY_REQUESTS,
            Some(desk.words().too_many_attempts),
        ),
        Err(error) => return Err(error.into()),
    };
    if alert.is_some() {
        return account_page(&web, &desk, operator, status, alert).await;
    }
    let hash = password::hash(new).await.map_err(|_| Trouble::Internal)?;
    console::change_password(&web.services, operator, &desk::visit(&desk), &hash).await?;
    Ok(desk::done(ACCOUNT, Flash::PasswordChanged))
}

async fn check_password(
    web: &Web,
    desk: &Desk,
    operator: &Operator,
    headers: &HeaderMap,
    password: &str,
) -> Result<(), ConsoleError> {
    let (visit, email) = (desk::visit(desk), operator.email.as_str());
    let browser = browser_of(web, headers, email).await?;
    identify(web, &visit, &browser, email, password).await.map(drop)
}

pub async fn ask_to_confirm(
    Extension(desk): Extension<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let next = parameter(query.as_deref(), "next");
    let content = pages::confirm(&desk, operator(&desk)?, desk::way_on(&next), None);
    Ok(desk::page(&desk, desk.words().confirm_title, content))
}

pub async fn confirm(
    State(web): State<Web>,
    Extension(desk): Extension<Desk>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Trouble> {
    let operator = operator(&desk)?;
    let next = desk::way_on(fields.text("next"));
    let (status, alert) = match try_confirm(&web, &desk, operator, &headers, &fields).await {
        Ok(()) => return Ok(desk::see_other(next)),
        Err(ConsoleError::WrongLogin) => (StatusCode::UNAUTHORIZED, desk.words().wrong_login),
        Err(ConsoleError::TooManyAttempts { .. }) => {
            (StatusCode::TOO_MANY_REQUESTS, desk.words().too_many_attempts)
        }
        Err(error) => return Err(error.into()),
    };
    let content = pages::confirm(&desk, operator, next, Some(alert));
    Ok(desk::page_with(
        status,
        &desk,
        desk.words().confirm_title,
        content,
    ))
}

async fn try_confirm(
    web: &Web,
    desk: &Desk,
    operator: &Operator,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<(), ConsoleError> {
    let (visit, email) = (desk::visit(desk), operator.email.as_str());
    let browser = browser_of(web, headers, email).await?;
    let (who, visit) = identify(web, &visit, &browser, email, fields.raw("password")).await?;
    let code = fields.text("code");
    confirm_session(&web.services, operator, &who, &visit, &browser, code).await
}
