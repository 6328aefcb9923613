//! The TCP side: one listener for both gateways, the wallet and the control page.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use tokio::net::TcpListener;

use crate::courier::Courier;
use crate::wire::{Ending, Reply, Request};
use crate::{control, wallet};

const LARGEST_BODY: usize = 1024 * 1024;
/// A call that hangs is let go after this; every client gives up long before.
const LONGEST_HANG: Duration = Duration::from_secs(120);

pub(crate) async fn serve(listener: TcpListener, courier: Arc<Courier>) -> std::io::Result<()> {
    let router = Router::new().fallback(receive).with_state(Arc::clone(&courier));
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { courier.until_stopped().await })
        .await
}

async fn receive(State(courier): State<Arc<Courier>>, request: HttpRequest) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return respond(Reply::new(413, "text/plain", "too large"));
    };
    let headers = parts.headers.iter();
    let request = Request {
        method: parts.method.to_string(),
        target: parts
            .uri
            .path_and_query()
            .map_or("/".to_owned(), ToString::to_string),
        headers: headers
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body,
    };
    let reply = route(&courier, &request).await;
    if reply.ending == Ending::Never {
        tokio::select! {
            () = tokio::time::sleep(LONGEST_HANG) => {}
            () = courier.until_stopped() => {}
        }
    }
    respond(reply)
}

async fn route(courier: &Arc<Courier>, request: &Request) -> Reply {
    // A page of another site must not pay in the name of whoever runs the simulator.
    if request.header("sec-fetch-site") == Some("cross-site") && request.method != "GET" {
        return Reply::new(403, "text/plain", "cross-site requests are refused");
    }
    match request.path() {
        "/" => Reply::new(303, "text/plain", "").with_header("location", "/_control"),
        "/wallet" => wallet::handle(courier, request),
        path => match path.strip_prefix("/_control") {
            Some(rest) => control::handle(courier, request, rest).await,
            None => courier.answer(request).await,
        },
    }
}

fn respond(reply: Reply) -> Response<Body> {
    let n_bytes = reply.body.len();
    let mut response = Response::new(match reply.ending {
        Ending::Whole | Ending::Never => Body::from(reply.body),
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
