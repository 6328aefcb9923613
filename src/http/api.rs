//! Requests and answers of the API: strict JSON, and `Idempotency-Key`.

mod reading;

use std::future::Future;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use domain::hex_digits;
use payments::secrets::Place;
use payments::{Idempotency, KeptAnswer, Outcome, Services, WriteAnswer};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use utoipa::ToSchema;

use self::reading::{is_json, parse};
use super::body::{self, API_BYTES};
use super::error::{ErrorCode, Problem};
use crate::listen::Peer;

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// A writing call: body, caller, and idempotency key.
#[derive(Debug)]
pub struct Call<B> {
    pub body: B,
    /// `None` only in tests of a handler without a connection.
    pub peer: Option<Peer>,
    pub promise: Promise,
}

/// Idempotency key of a call, and the fingerprint of the request.
#[derive(Debug)]
pub struct Promise {
    route: String,
    key: Option<String>,
    fingerprint: String,
}

/// Id in the path. One that is not valid UTF-8 answers 404.
#[derive(Debug)]
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Id(id)),
            Err(_) => Err(Problem::not_found()),
        }
    }
}

/// A page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageBody<T> {
    pub data: Vec<T>,
    /// `cursor` of the next page; `null` on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<B: DeserializeOwned, S: Send + Sync> FromRequest<S> for Call<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Call<B>, Problem> {
        let (head, body) = request.into_parts();
        let bytes = body::read(&head.headers, body, API_BYTES).await?;
        let key = idempotency_key(&head.headers)?;
        // A call without a body, such as a cancellation without a reason, counts as an empty object.
        let is_silent = bytes.is_empty() && !head.headers.contains_key(header::CONTENT_TYPE);
        let text = if is_silent {
            Bytes::from_static(b"{}")
        } else {
            bytes
        };
        if !is_silent && !is_json(&head.headers) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorCode::UnsupportedMediaType,
                "send application/json",
            ));
        }
        let route = head
            .extensions
            .get::<MatchedPath>()
            .map_or(head.uri.path(), MatchedPath::as_str);
        let promise = Promise {
            route: format!("{} {route}", head.method),
            fingerprint: request_fingerprint(head.uri.path(), &text),
            key,
        };
        let body = match parse(&text) {
            // Some clients send a content type with every POST, also with an empty body.
            Err(_) if text.is_empty() => parse(b"{}").map_err(|_| Problem::malformed("the body is empty"))?,
            body => body?,
        };
        Ok(Call {
            body,
            peer: head.extensions.get::<Peer>().copied(),
            promise,
        })
    }
}

impl Promise {
    pub fn idempotency<T>(&self, answer: &WriteAnswer<T>) -> Option<Idempotency<T>> {
        let key = self.key.clone()?;
        Some(Idempotency {
            route: self.route.clone(),
            key,
            fingerprint: self.fingerprint.clone(),
            answer: Arc::clone(answer),
        })
    }
}

/// Place of a kept answer that holds a secret.
fn sealed_place(fingerprint: &str) -> Place<'_> {
    Place {
        table: "idempotency_keys",
        column: "body",
        row: fingerprint,
    }
}

impl Promise {
    /// [`Promise::idempotency`] for an answer that holds a secret: it is kept sealed, and [`answer_sealed`] opens it.
    pub fn sealed_idempotency<T: 'static>(
        &self,
        services: &Services,
        answer: &WriteAnswer<T>,
    ) -> Option<Idempotency<T>> {
        let (services, answer) = (services.clone(), Arc::clone(answer));
        let fingerprint = self.fingerprint.clone();
        let sealed: WriteAnswer<T> = Arc::new(move |made, is_new| {
            let KeptAnswer { status, body } = answer(made, is_new);
            let nonce = services.clock.entropy();
            let body = services.secrets.seal(&sealed_place(&fingerprint), &body, nonce);
            KeptAnswer { status, body }
        });
        self.idempotency(&sealed)
    }
}

/// [`answer`] for a call that was made with [`Promise::sealed_idempotency`].
pub fn answer_sealed<T>(
    services: &Services,
    promise: &Promise,
    made: Outcome<T>,
    writer: &WriteAnswer<T>,
) -> Result<Response, Problem> {
    let made = match made {
        Outcome::Replayed(KeptAnswer { status, body }) => {
            let place = sealed_place(&promise.fingerprint);
            let body = services.secrets.open(&place, &body).map_err(|error| {
                tracing::error!(%error, "a kept answer cannot be opened");
                Problem::internal()
            })?;
            Outcome::Replayed(KeptAnswer {
                status,
                body: body.expose_secret().to_owned(),
            })
        }
        made => made,
    };
    Ok(answer(made, writer))
}

/// Runs a verb to its end even if the client disconnects, with its log lines under the request's span.
pub async fn to_the_end<T: Send + 'static>(verb: impl Future<Output = T> + Send + 'static) -> T {
    payments::run_to_end(verb.in_current_span()).await
}

/// Answers `201` with something new, `200` with something that existed.
pub fn created<T, D: Serialize>(describe: impl Fn(&T) -> D + Send + Sync + 'static) -> WriteAnswer<T> {
    Arc::new(move |made, is_new| {
        kept_answer(
            if is_new {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            },
            &describe(made),
        )
    })
}

/// Answers `202` with something new that will be done, `200` with something that existed.
pub fn accepted<T, D: Serialize>(describe: impl Fn(&T) -> D + Send + Sync + 'static) -> WriteAnswer<T> {
    Arc::new(move |made, is_new| {
        kept_answer(
            if is_new {
                StatusCode::ACCEPTED
            } else {
                StatusCode::OK
            },
            &describe(made),
        )
    })
}

/// Answers `200`, new or not.
pub fn changed<T, D: Serialize>(describe: impl Fn(&T) -> D + Send + Sync + 'static) -> WriteAnswer<T> {
    Arc::new(move |made, _| kept_answer(StatusCode::OK, &describe(made)))
}

fn kept_answer(status: StatusCode, body: &impl Serialize) -> KeptAnswer {
    let body = serde_json::to_string(body).expect("our bodies have string keys and no failing parts");
    KeptAnswer {
        status: status.as_u16(),
        body,
    }
}

pub fn answer<T>(made: Outcome<T>, writer: &WriteAnswer<T>) -> Response {
    let (kept, is_replay) = match made {
        Outcome::New(value) => (writer(&value, true), false),
        Outcome::Existing(value) => (writer(&value, false), false),
        Outcome::Replayed(kept) => (kept, true),
    };
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], kept.body).into_response();
    if is_replay {
        response
            .headers_mut()
            .insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(Problem::invalid(
            IDEMPOTENCY_KEY,
            "must be one key of 1 to 255 visible ASCII characters",
        )),
    }
}

/// Hashes path and body: `POST /orders/1/cancel` and `POST /orders/2/cancel` have the same body.
fn request_fingerprint(path: &str, body: &[u8]) -> String {
    let mut text = Vec::with_capacity(path.len() + 1 + body.len());
    text.extend_from_slice(path.as_bytes());
    text.push(0);
    text.extend_from_slice(body);
    hex_digits(digest(&SHA256, &text).as_ref())
}

#[cfg(test)]
mod tests;
