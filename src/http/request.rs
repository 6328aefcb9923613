//! Checks of a request before any handler sees it.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use super::error::{ErrorCode, Problem};
use super::storable;
use super::web::Web;
use crate::listen::{Crowded, Peer};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Limit until an answer begins; an event stream then lasts longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Admits a request to its handler, or refuses it.
pub async fn admit(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    if let Some(refusal) = refuse(&request) {
        return refusal;
    }
    find_visitor(&web, &mut request);
    limit_time(next.run(request)).await
}

fn refuse(request: &Request) -> Option<Response> {
    if request.extensions().get::<Crowded>().is_some() {
        return Some(turn_away());
    }
    if !has_one_host(request) {
        return Some(Problem::malformed("a request needs exactly one Host").into_response());
    }
    let checked = storable::check_address(request.uri().path(), request.uri().query());
    checked.err().map(Problem::into_response)
}

/// Limits the wait for an answer. The handler itself runs to its end: a timeout or a client that disconnects ends only the
/// waiting.
async fn limit_time(answering: impl Future<Output = Response> + Send + 'static) -> Response {
    match payments::wait_for(TIMEOUT, answering.in_current_span()).await {
        Some(response) => response,
        None => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "this took too long; it may have happened, so ask before you repeat it",
        )
        .into_response(),
    }
}

/// Refuses a request that came when all connections were taken, and closes its connection.
fn turn_away() -> Response {
    let busy = "too many requests are at work; nothing was done, come again after Retry-After seconds";
    let mut response =
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, busy).into_response();
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// Replaces [`Peer`] by the visitor's address behind trusted proxies.
fn find_visitor(web: &Web, request: &mut Request) {
    if let Some(Peer(peer)) = request.extensions().get().copied() {
        let lines = request.headers().get_all(FORWARDED_FOR).iter();
        let visitor = web
            .site
            .proxies
            .visitor(peer, lines.filter_map(|line| line.to_str().ok()));
        request.extensions_mut().insert(Peer(visitor));
    }
}

/// Returns whether a request names exactly one host: hyper accepts two or none, and the next hop may choose the other one.
/// Neither is used here: every absolute URL comes from `PUBLIC_URL`.
fn has_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let is_authority = |host: &[u8]| Authority::try_from(host).is_ok_and(|host| !host.as_str().contains('@'));
    // An absolute request target would win over the header (RFC 9112, 3.2.2); no legitimate client needs it here.
    request.uri().authority().is_none()
        && second.is_none()
        && match first {
            Some(host) => is_authority(host.as_bytes()),
            None => request.version() == Version::HTTP_10,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, hosts: &[&str]) -> Request {
        let mut builder = Request::builder().uri(uri);
        for host in hosts {
            builder = builder.header(header::HOST, *host);
        }
        builder.body(axum::body::Body::empty()).unwrap()
    }

    #[test]
    fn a_request_needs_exactly_one_host() {
        assert!(has_one_host(&request("/", &["pay.example.com"])));
        assert!(has_one_host(&request("/", &["127.0.0.1:3000"])));
        for hosts in [
            &[][..],
            &["a.example", "b.example"],
            &["a b"],
            &[""],
            &["user@a.example"],
            &["a/b"],
        ] {
            assert!(!has_one_host(&request("/", hosts)), "{hosts:?}");
        }
        assert!(!has_one_host(&request(
            "http://evil.example/",
            &["pay.example.com"]
        )));
    }
}
