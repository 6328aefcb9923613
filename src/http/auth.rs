//! Authentication of merchants' programs by API key, and the scopes of the key.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use payments::Requester;
use payments::api_keys::{ApiKey, Scope, find_api_key, is_use_due, note_use};

use super::error::{ErrorCode, Problem};
use super::web::Web;
use crate::listen::Peer;
use crate::telemetry;

pub async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let needed = scope_of(request.method());
    let_in(&web, needed, request, next).await
}

/// Requires the scope `refund`: paying money out is a right of its own.
pub async fn guard_refunds(State(web): State<Web>, request: Request, next: Next) -> Response {
    let_in(&web, Scope::Refund, request, next).await
}

/// Guards webhook endpoints: reading one shows where a merchant's program listens, so it needs the scope `pay` too.
pub async fn guard_receivers(State(web): State<Web>, request: Request, next: Next) -> Response {
    let_in(&web, Scope::Pay, request, next).await
}

/// The API key that a call was admitted with.
#[derive(Debug, Clone)]
pub struct Caller(ApiKey);

impl Caller {
    pub fn has(&self, scope: Scope) -> bool {
        self.0.scopes.contains(&scope)
    }

    pub fn requester(&self) -> Requester {
        Requester::ApiKey(self.0.id.clone())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        // The guard in front of every route of the API inserts it.
        parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(Problem::internal)
    }
}

async fn let_in(web: &Web, needed: Scope, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<Peer>().map(|peer| peer.0);
    match admit_key(web, needed, address, request.headers()).await {
        Ok(key) => {
            tracing::debug!(key.id = key.id, "a call was authenticated");
            request.extensions_mut().insert(Caller(key.clone()));
            note_later(web, key);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Records the use of a key in the background, so that the call does not wait for the write.
fn note_later(web: &Web, key: ApiKey) {
    if !is_use_due(&web.services, &key) {
        return;
    }
    let services = web.services.clone();
    payments::spawn_verb(async move {
        if let Err(error) = note_use(&services, &key).await {
            tracing::warn!(
                key.id = key.id,
                error = telemetry::chain(&error),
                "the use of a key was not recorded"
            );
        }
    });
}

async fn admit_key(
    web: &Web,
    needed: Scope,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<ApiKey, Problem> {
    // Only requests without a valid key are counted by address: many shops may share one address.
    let unknown = || match address.and_then(|address| web.limits.count_stranger(address)) {
        Some(wait) => Problem::rate_limited(wait),
        None => Problem::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Unauthenticated,
            "send a valid API key as Bearer token",
        ),
    };
    let shown = bearer_token(headers).ok_or_else(unknown)?;
    let key = find_api_key(&web.services, shown).await?.ok_or_else(unknown)?;
    if let Some(wait) = address.and_then(|address| web.limits.count_key(&key.id, address)) {
        return Err(Problem::rate_limited(wait));
    }
    if key.scopes.contains(&needed) {
        return Ok(key);
    }
    tracing::info!(key.id = key.id, scope = needed.as_str(), "a key lacks a scope");
    let message = format!("this key does not have the scope {}", needed.as_str());
    Err(Problem::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message))
}

/// Scope that a method needs: GET reads, everything else needs `pay`.
fn scope_of(method: &Method) -> Scope {
    if matches!(*method, Method::GET | Method::HEAD) {
        Scope::Read
    } else {
        Scope::Pay
    }
}

/// Returns the bearer token. Two headers are refused: either could be meant.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    let is_key = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && is_key).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_bearer_token_is_a_key() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(bearer_token(&headers(&["Bearer tq_1"])), Some("tq_1"));
        assert_eq!(bearer_token(&headers(&["bearer tq_1"])), Some("tq_1"));
        for values in [
            &[][..],
            &["Bearer"],
            &["Bearer "],
            &["Basic tq_1"],
            &["Bearer a b"],
            &["Bearer a", "Bearer a"],
            &["tq_1"],
        ] {
            assert_eq!(bearer_token(&headers(values)), None, "{values:?}");
        }
    }
}
