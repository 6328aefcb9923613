//! Guards every page of the console: session, permission, confirmed password.

use std::sync::Arc;

use app::console::{ConsoleContext, Flash, TypedForm, pages};
use app::context::parameter;
use app::i18n::Language;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use payments::console::{Operator, Waiting, count_waiting, find_operator};
use tracing::Instrument as _;

use super::access::{Access, AccessRules, Verb, page_of};
use super::error::PageError;
use super::fields::Fields;
use super::{cookies, respond};
use crate::http::body::{self, API_BYTES};
use crate::http::envelope::RequestId;
use crate::http::web::Web;
use crate::listen::Peer;

/// Addresses of a person with a first password; the first one changes it.
const AT_FIRST: [&str; 2] = ["/admin/account/password", "/admin/logout"];

pub async fn guard(
    State((web, rules)): State<(Web, Arc<AccessRules>)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut head, body) = request.into_parts();
    let path = head.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let verb = if matches!(head.method, Method::GET | Method::HEAD) {
        Verb::Get
    } else {
        Verb::Post
    };
    let access = path.and_then(|path| rules.get(&(verb, path)).copied());
    let page = match verb {
        Verb::Get => head.uri.path(),
        Verb::Post => page_of(&rules, head.uri.path()),
    };
    let context = match find_people(&web, &head.headers).await {
        Ok((operator, waiting)) => build_context(&web, &head, page, operator, waiting),
        Err(error) => {
            let context = build_context(&web, &head, page, None, Waiting::default());
            return explain_error(&context, PageError::from(error));
        }
    };
    let body = match refuse_access(&context, access, verb, &head) {
        Ok(()) => body,
        Err(Refusal::Answered(answer)) => return *answer,
        Err(Refusal::Unconfirmed) => return to_confirm(&rules, verb, &head, body).await,
    };
    head.extensions.insert(context.clone());
    let answer = next.run(Request::from_parts(head, body));
    let mut response = match verb {
        Verb::Get => answer.await,
        // Runs to its end: a client that closes the page must not stop a write half-way.
        Verb::Post => payments::run_to_end(answer.in_current_span()).await,
    };
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        response = explain_error(&context, error);
    }
    if let Some(language) = context.chosen_language {
        let cookie = cookies::language(&web, language.as_str());
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

enum Refusal {
    Answered(Box<Response>),
    /// The password must be confirmed first.
    Unconfirmed,
}

fn answered(response: Response) -> Refusal {
    Refusal::Answered(Box::new(response))
}

/// Checks access.
fn refuse_access(
    context: &ConsoleContext,
    access: Option<Access>,
    verb: Verb,
    request: &Parts,
) -> Result<(), Refusal> {
    let Some(access) = access else {
        tracing::error!("an address of the console is missing in its table");
        return Err(answered(explain_error(context, PageError::NotFound)));
    };
    let Some(operator) = &context.operator else {
        return match access {
            Access::Open => Ok(()),
            _ => Err(answered(to_login(verb, request))),
        };
    };
    if operator.must_change_password && access != Access::Open && !AT_FIRST.contains(&request.uri.path()) {
        return Err(answered(respond::see_other(AT_FIRST[0])));
    }
    if let Some(permission) = access.permission()
        && !operator.may(permission)
    {
        tracing::warn!(
            user.id = operator.user_id,
            permission = permission.as_str(),
            "a person lacks a permission"
        );
        return Err(answered(explain_error(context, PageError::Forbidden(permission))));
    }
    if access.needs_confirmation() && !operator.is_confirmed {
        return Err(Refusal::Unconfirmed);
    }
    Ok(())
}

/// Finds the operator of the session, and the counts of what waits for them.
async fn find_people(web: &Web, headers: &HeaderMap) -> Result<(Option<Operator>, Waiting), payments::Error> {
    let operator = operator_of(web, headers).await?;
    let waiting = match &operator {
        Some(_) => count_waiting(&web.services).await?,
        None => Waiting::default(),
    };
    Ok((operator, waiting))
}

fn build_context(
    web: &Web,
    request: &Parts,
    page: &str,
    operator: Option<Operator>,
    waiting: Waiting,
) -> ConsoleContext {
    let headers = &request.headers;
    let query = request.uri.query();
    let chosen_language = parameter(query, "lang").as_deref().and_then(Language::parse_tag);
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    ConsoleContext {
        site: web.site.page_settings.clone(),
        language: respond::language(chosen_language, cookies::find_language(headers), accepted),
        chosen_language,
        operator,
        path: page.to_owned(),
        query: query.unwrap_or_default().to_owned(),
        form: read_form(query),
        once: web.services.clock.nonce(),
        flash: parameter(query, "said").as_deref().and_then(Flash::parse),
        waiting,
        ip: request.extensions.get::<Peer>().map(|peer| peer.0),
        request_id: request
            .extensions
            .get::<RequestId>()
            .map_or_else(String::new, |id| id.0.clone()),
    }
}

async fn operator_of(web: &Web, headers: &HeaderMap) -> Result<Option<Operator>, payments::Error> {
    match cookies::find_session(web, headers) {
        Some(token) => find_operator(&web.services, token).await,
        None => Ok(None),
    }
}

/// Redirects to the login. A GET comes back to its page afterwards; the fields of a POST are lost with the session.
fn to_login(verb: Verb, request: &Parts) -> Response {
    respond::see_other(&with_next("/admin/login", verb, request))
}

/// Redirects to the confirmation of the password. It comes back to the page, and to its form as it was typed.
async fn to_confirm(rules: &AccessRules, verb: Verb, request: &Parts, body: Body) -> Response {
    let next = match verb {
        Verb::Get => request
            .uri
            .path_and_query()
            .map_or("/admin", PathAndQuery::as_str)
            .to_owned(),
        Verb::Post => page_of_form(rules, request, body).await,
    };
    let next: String = url::form_urlencoded::byte_serialize(respond::next_path(&next).as_bytes()).collect();
    respond::see_other(&format!("/admin/confirm?next={next}"))
}

/// Returns the address of the page that a form was sent from, with what was typed, if it is short enough for an address.
async fn page_of_form(rules: &AccessRules, request: &Parts, body: Body) -> String {
    // The check of the origin has left nothing but the path of a page of ours in the header.
    let page = request
        .headers
        .get(header::REFERER)
        .and_then(|referer| referer.to_str().ok())
        .map_or("/admin", respond::next_path);
    // A question that answers a form has no address that can be opened.
    let page = page_of(rules, page).to_owned();
    let bytes = body::read(&request.headers, body, API_BYTES)
        .await
        .unwrap_or_default();
    let fields = Fields::parse(&bytes);
    let pairs = fields.iter().flat_map(Fields::pairs).cloned();
    let form = TypedForm::new(request.uri.path(), pairs);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("form", form.action())
        .extend_pairs(form.values())
        .finish();
    let filled = format!("{page}?{query}");
    if respond::next_path(&filled) == filled {
        filled
    } else {
        page
    }
}

/// Reads the form that a page comes back with after the password was confirmed.
fn read_form(query: Option<&str>) -> TypedForm {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .take(50)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let action = pairs
        .iter()
        .find(|(name, _)| name == "form")
        .map(|(_, action)| action.clone());
    action.map_or_else(TypedForm::default, |action| TypedForm::new(&action, pairs))
}

fn with_next(door: &str, verb: Verb, request: &Parts) -> String {
    let wanted = request
        .uri
        .path_and_query()
        .map_or("/admin", |path| path.as_str());
    if verb == Verb::Post || respond::next_path(wanted) == "/admin" {
        return door.to_owned();
    }
    let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    format!("{door}?next={next}")
}

fn explain_error(context: &ConsoleContext, error: PageError) -> Response {
    let words = context.words();
    let (title, text) = match error {
        PageError::NotFound => (words.missing_title, words.missing_text),
        PageError::Malformed => (words.malformed_title, words.malformed_text),
        PageError::FileTooLarge => {
            let words = context.language.reconciliation_words();
            (words.too_large_title, words.too_large_text)
        }
        PageError::Forbidden(_) => (words.forbidden_title, words.forbidden_text),
        PageError::ForeignScope => (words.forbidden_title, words.foreign_scope_text),
        PageError::Refused => (words.refused_title, words.refused_text),
        PageError::DecidedAlready => (words.refused_title, words.decided_text),
        PageError::Unverifiable => (words.refused_title, words.unverifiable_text),
        PageError::OwnRequest => (words.refused_title, words.own_text),
        PageError::GatewayDeclined => (words.gateway_title, words.gateway_declined_text),
        PageError::GatewayUnreachable => (words.gateway_title, words.gateway_silent_text),
        PageError::OutOfService => (words.out_of_service_title, words.out_of_service_text),
        PageError::Internal => (words.broken_title, words.broken_text),
    };
    let missing = match error {
        PageError::Forbidden(permission) => Some(permission),
        _ => None,
    };
    respond::page_with(
        error.status(),
        context,
        title,
        pages::error(context, title, text, missing),
    )
}
