//! Login and logout.

use std::time::Duration;

use app::console::ConsoleContext;
use app::console::pages::{self, HeldLogin};
use app::context::parameter;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use payments::console::{
    Actor, Browser, ConsoleError, Credentials, admit_login, end_session, find_credentials, find_held_login,
    hold_login, note_failed_login, open_session, recognise_browser, release_login,
};
use secrecy::SecretString;

use super::error::PageError;
use super::fields::Fields;
use super::{cookies, respond};
use crate::config::{parse_email, parse_password};
use crate::http::web::Web;
use crate::password;

/// Pause before a throttled attempt is answered: a flood of them waits, instead of taking the processor from other requests.
const REFUSAL_PAUSE: Duration = Duration::from_millis(100);
/// `Clear-Site-Data` at logout. Not `cookies`: that would clear those of the whole domain, and the device cookie.
const FORGET: HeaderValue = HeaderValue::from_static("\"cache\", \"storage\"");

pub async fn show(Extension(context): Extension<ConsoleContext>, RawQuery(query): RawQuery) -> Response {
    let next = parameter(query.as_deref(), "next").unwrap_or_default();
    if context.operator.is_some() {
        return respond::see_other(respond::next_path(&next));
    }
    let content = pages::login(&context, "", &next, None);
    respond::page(&context, context.words().log_in, content)
}

pub async fn log_in(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let (typed, next) = (fields.text("email"), fields.text("next"));
    let actor = Actor {
        email: String::new(),
        ..respond::actor(&context)
    };
    match try_login(&web, &actor, &headers, &fields).await {
        Ok(Step::Inside(token, browser)) => Ok(open(&web, next, &token, &browser)),
        Ok(Step::Code(number)) => {
            let held = HeldLogin {
                email: typed,
                next,
                number: &number,
            };
            Ok(show_second_step(&context, held, None))
        }
        Err(ConsoleError::TooManyAttempts { wait }) => Ok(throttle(&context, typed, next, wait).await),
        Err(error) => Err(error.into()),
    }
}

/// The second step: the code. A page after a wrong password has such a step as well, which no code opens.
pub async fn enter_code(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let held = HeldLogin {
        email: fields.text("email"),
        next: fields.text("next"),
        number: fields.text("number"),
    };
    let actor = Actor {
        email: String::new(),
        ..respond::actor(&context)
    };
    match try_code(&web, &actor, &headers, held, fields.text("code")).await {
        Ok((token, browser)) => Ok(open(&web, held.next, &token, &browser)),
        Err(ConsoleError::WrongLogin) => {
            let alert = context.form_words().wrong_code_or_late;
            Ok(show_second_step(&context, held, Some(alert)))
        }
        Err(ConsoleError::TooManyAttempts { wait }) => {
            Ok(throttle(&context, held.email, held.next, wait).await)
        }
        Err(error) => Err(error.into()),
    }
}

fn open(web: &Web, next: &str, token: &str, browser: &Browser) -> Response {
    let mut response = respond::see_other(respond::next_path(next));
    for cookie in [
        cookies::session(web, token),
        cookies::device(web, browser.token()),
    ] {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn throttle(context: &ConsoleContext, email: &str, next: &str, wait: Duration) -> Response {
    tokio::time::sleep(REFUSAL_PAUSE).await;
    let alert = context.words().too_many_attempts;
    let content = pages::login(context, email, next, Some(alert));
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = respond::page_with(status, context, context.words().log_in, content);
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

fn show_second_step(context: &ConsoleContext, held: HeldLogin<'_>, alert: Option<&'static str>) -> Response {
    let content = pages::second_step(context, held, alert);
    respond::page_with(StatusCode::UNAUTHORIZED, context, context.words().log_in, content)
}

/// Next step after a right or a wrong password.
enum Step {
    /// Token of the session cookie.
    Inside(String, Browser),
    /// Number of the second step.
    Code(String),
}

async fn try_login(
    web: &Web,
    actor: &Actor,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<Step, ConsoleError> {
    // An invalid address goes the same way as an unknown one, so that timing does not reveal which it was.
    let email = parse_email(fields.text("email")).unwrap_or_default();
    let browser = browser_of(web, headers, &email).await?;
    let code = fields.text("code");
    let opened = match identify(web, actor, &browser, &email, fields.raw("password")).await {
        Ok((who, _)) if who.totp.is_some() && code.is_empty() => {
            return Ok(Step::Code(hold_login(&web.services, &who).await?));
        }
        // A program may send password and code at once.
        Ok((who, actor)) => open_session(&web.services, &who, &actor, &browser, code).await,
        Err(error) => Err(error),
    };
    match opened {
        Ok(token) => Ok(Step::Inside(token, browser)),
        Err(ConsoleError::WrongLogin) => Ok(Step::Code(web.services.clock.nonce())),
        Err(error) => Err(error),
    }
}

async fn try_code(
    web: &Web,
    actor: &Actor,
    headers: &HeaderMap,
    held: HeldLogin<'_>,
    code: &str,
) -> Result<(String, Browser), ConsoleError> {
    let email = parse_email(held.email).unwrap_or_default();
    let browser = browser_of(web, headers, &email).await?;
    admit_login(&web.services, &email, actor.ip, &browser).await?;
    let who = find_held_login(&web.services, held.number).await?;
    let Some(who) = who.filter(|who| who.email == email) else {
        tracing::warn!("a login failed at its second step");
        note_failed_login(&web.services, None, actor).await?;
        return Err(ConsoleError::WrongLogin);
    };
    let actor = Actor {
        email: who.email.clone(),
        ..actor.clone()
    };
    let token = open_session(&web.services, &who, &actor, &browser, code).await?;
    release_login(&web.services, &who, actor.ip, &browser).await?;
    Ok((token, browser))
}

pub async fn browser_of(web: &Web, headers: &HeaderMap, email: &str) -> Result<Browser, ConsoleError> {
    let agent: String = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    let cookie = cookies::find_device(web, headers);
    Ok(recognise_browser(&web.services, email, cookie, &agent).await?)
}

/// Checks a password. Counts the try, and answers a wrong password and an unknown user alike.
pub async fn identify(
    web: &Web,
    actor: &Actor,
    browser: &Browser,
    email: &str,
    password: &str,
) -> Result<(Credentials, Actor), ConsoleError> {
    admit_login(&web.services, email, actor.ip, browser).await?;
    let who = find_credentials(&web.services, email).await?;
    let hash = who.as_ref().map(|who| who.password_hash.clone());
    let password = parse_password(password).unwrap_or_else(|_| SecretString::from(""));
    let is_right = password::verify(password, hash).await;
    let actor = Actor {
        email: who.as_ref().map_or_else(String::new, |who| who.email.clone()),
        ..actor.clone()
    };
    match who {
        Some(who) if is_right => Ok((who, actor)),
        who => {
            let user_id = who.as_ref().map(|who| who.user_id.as_str());
            tracing::warn!(user.id = user_id.unwrap_or("unknown"), "a login failed");
            note_failed_login(&web.services, user_id, &actor).await?;
            Err(ConsoleError::WrongLogin)
        }
    }
}

pub async fn log_out(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    if let Some(operator) = &context.operator {
        end_session(&web.services, operator, &respond::actor(&context)).await?;
    }
    let mut response = respond::see_other("/admin/login");
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, cookies::no_session(&web));
    headers.insert("clear-site-data", FORGET);
    Ok(response)
}
