//! The outermost layer: every answer gets its request id, its log line and, for an error, its body.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use super::error::{ErrorBody, ErrorCode, ErrorDetail, Problem};
use super::web::Web;
use super::{epay, headers, traces};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Generated here for every request; a client's own `X-Request-Id` is ignored.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Audience of an answer, which decides how an error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Program,
    Person,
    /// A client of the epay protocol.
    Epay,
}

impl Reader {
    fn of(request: &Request) -> Reader {
        let accepts_html = request
            .headers()
            .get(header::ACCEPT)
            .is_some_and(|accept| String::from_utf8_lossy(accept.as_bytes()).contains("text/html"));
        let path = request.uri().path();
        let is_api = path.starts_with("/api/");
        if epay::endpoint::is_json_endpoint(path) {
            Reader::Epay
        } else if accepts_html && !is_api {
            Reader::Person
        } else {
            Reader::Program
        }
    }
}

pub async fn wrap_envelope(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let id = web.services.clock.nonce();
    let method = request.method().clone();
    // The route, never the path: a checkout path is a capability, and logs are widely read.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let reader = Reader::of(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let trace = traces::request_span(method_word(&method), &route, &id, request.headers());
    let span = tracing::info_span!("request", id, %method, route);
    let started = Instant::now();
    let answer = next.run(request).instrument(span.clone());
    let mut response = answer.instrument(trace.clone()).await;
    headers::protect(&web.site, response.headers_mut());
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = write_problem(problem, &id, reader, response);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    traces::end_request_span(&trace, status);
    span.in_scope(|| write_access_log(&method, &route, status, took));
    web.metrics
        .count_request(method_word(&method), &route, status, took);
    response
}

/// Writes the access log: one line a request. Health checks come every few seconds and say nothing while they succeed.
fn write_access_log(method: &Method, route: &str, status: u16, took: Duration) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if status >= 500 {
        tracing::warn!(status, ms, "{method} {route} {status}");
    } else if route.starts_with("/health/") {
        tracing::debug!(status, ms, "{method} {route} {status}");
    } else {
        tracing::info!(status, ms, "{method} {route} {status}");
    }
}

/// Writes an error body, keeping status and headers.
fn write_problem(problem: Problem, id: &str, reader: Reader, bare: Response) -> Response {
    let words = match reader {
        Reader::Program => {
            let detail = ErrorDetail {
                code: problem.code.as_str(),
                message: problem.message.into_owned(),
                field: problem.field.map(std::borrow::Cow::into_owned),
                request_id: id.to_owned(),
            };
            Json(ErrorBody { error: detail }).into_response()
        }
        Reader::Epay => {
            let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
            (kind, epay::body_of(&problem.message)).into_response()
        }
        Reader::Person => format!("{}\n\n{id}\n", problem.message).into_response(),
    };
    let (mut head, _) = bare.into_parts();
    let (words_head, body) = words.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.extend(words_head.headers);
    Response::from_parts(head, body)
}

/// Maps a method to a closed list: methods are labels of a metric, and clients can invent methods.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

pub async fn method_not_allowed() -> Problem {
    let message = "this address does not take that method";
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::MethodNotAllowed,
        message,
    )
}

type OnPanic = fn(Box<dyn Any + Send>) -> Response;

/// Turns a panic of one request into a 500, so that the others are not affected.
pub fn catch_panics() -> CatchPanicLayer<OnPanic> {
    CatchPanicLayer::custom(answer_panic)
}

fn answer_panic(panic: Box<dyn Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words");
    tracing::error!(words, "a handler panicked");
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_reveals_nothing_to_the_client() {
        let response = answer_panic(Box::new("the password is hush"));
        assert_eq!(response.extensions().get::<Problem>(), Some(&Problem::internal()));
    }

    #[test]
    fn pages_are_for_people_and_the_api_is_for_programs() {
        let reader = |path: &str, accept: &str| {
            let request = Request::builder().uri(path).header(header::ACCEPT, accept);
            Reader::of(&request.body(axum::body::Body::empty()).unwrap())
        };
        assert_eq!(reader("/checkout/x", "text/html,*/*;q=0.8"), Reader::Person);
        assert_eq!(reader("/checkout/x/status", "*/*"), Reader::Program);
        assert_eq!(reader("/api/billing/orders", "text/html"), Reader::Program);
        assert_eq!(reader("//api/pay/query", "text/html"), Reader::Epay);
        assert_eq!(reader("/submit.php", "text/html"), Reader::Person);
    }
}
