//! HTTP in front of the state: routes, and how an answer ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use hyper::body::Incoming;

use crate::dispatcher::Dispatcher;
use crate::faults::Host;
use crate::wire::{Ending, Reply, Request};
use crate::{alipay, control, wallet, wechat};

const LARGEST_BODY: usize = 1024 * 1024;
/// Longest hang of a call; every client gives up long before.
const LONGEST_HANG: Duration = Duration::from_mins(2);

/// Marks a connection to be broken instead of an answer.
#[derive(Debug)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken off by a fault")
    }
}

impl std::error::Error for Broken {}

pub(crate) async fn receive(
    dispatcher: Arc<Dispatcher>,
    host: Host,
    peer: IpAddr,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Broken> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST_BODY).await else {
        return Ok(into_response(Reply::new(413, "text/plain", "too large")));
    };
    // A connection opened before the outage must not bypass it.
    if dispatcher.state().faults.refuses(host) {
        return Err(Broken);
    }
    let request = Request::new(host, peer, &parts, body);
    let reply = route_request(&dispatcher, &request).await;
    match reply.ending {
        Ending::Reset => return Err(Broken),
        Ending::Never => tokio::select! {
            () = tokio::time::sleep(LONGEST_HANG) => {}
            () = dispatcher.until_stopped() => {}
        },
        Ending::Whole | Ending::Truncated => {}
    }
    Ok(into_response(reply))
}

async fn route_request(dispatcher: &Arc<Dispatcher>, request: &Request) -> Reply {
    // CSRF: a page of another site must not pay for the person running the simulator. A merchant's signed form does
    // not pay: it leads to a cashier.
    let is_foreign = request.header("sec-fetch-site") == Some("cross-site");
    if is_foreign && request.method != "GET" && request.path() != "/gateway.do" {
        return Reply::new(403, "text/plain", "cross-site requests are refused");
    }
    match request.path() {
        "/" => Reply::new(303, "text/plain", "").with_header("location", "/_control"),
        "/wallet" => wallet::handle(dispatcher, request),
        wechat::oauth::AUTHORIZE_PATH => wechat::oauth::authorize(dispatcher, request),
        wechat::oauth::TOKEN_PATH => {
            dispatcher.act(|state, now_ms| wechat::oauth::exchange(state, now_ms, request))
        }
        alipay::CASHIER_PATH => alipay::handle_cashier(dispatcher, request),
        wechat::CASHIER_PATH => wechat::handle_cashier(dispatcher, request),
        path => match path.strip_prefix("/_control") {
            Some(rest) => control::handle(dispatcher, request, rest).await,
            None => dispatcher.answer(request).await,
        },
    }
}

fn into_response(reply: Reply) -> Response<Body> {
    let n_bytes = reply.body.len();
    let mut response = Response::new(match reply.ending {
        Ending::Whole | Ending::Never | Ending::Reset => Body::from(reply.body),
        Ending::Truncated => broken_off(Bytes::from(reply.body)),
    });
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("our status codes are in range");
    for (name, value) in reply.headers {
        let value =
            HeaderValue::from_bytes(value.as_bytes()).expect("our header values have no control bytes");
        response.headers_mut().append(name, value);
    }
    if reply.ending == Ending::Truncated {
        response
            .headers_mut()
            .insert("content-length", HeaderValue::from(n_bytes));
    }
    response
}

/// Half of the promised bytes, then the connection breaks.
fn broken_off(body: Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    Body::from_stream(stream::iter([
        Ok(half),
        Err(std::io::Error::other("cut off by a fault")),
    ]))
}
