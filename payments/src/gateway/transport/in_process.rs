//! A gateway as a function in this process: the same bytes, without sockets and without real time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response};

use super::{Answer, NAME, Silence};

type Handler = dyn Fn(Request<Vec<u8>>, Duration) -> BoxFuture<'static, Result<Response<Vec<u8>>, Silence>>
    + Send
    + Sync;

/// Handler of every request. It gets the timeout of its caller and must keep to it.
#[derive(Clone)]
pub struct InProcess(Arc<Handler>);

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InProcess")
    }
}

impl InProcess {
    pub fn new(
        handler: impl Fn(Request<Vec<u8>>, Duration) -> BoxFuture<'static, Result<Response<Vec<u8>>, Silence>>
        + Send
        + Sync
        + 'static,
    ) -> InProcess {
        InProcess(Arc::new(handler))
    }

    pub(super) async fn answer(
        &self,
        request: reqwest::Request,
        patience: Duration,
    ) -> Result<Answer, Silence> {
        let body = request
            .body()
            .and_then(|body| body.as_bytes())
            .unwrap_or_default()
            .to_vec();
        let mut request: Request<reqwest::Body> = request.try_into().expect("what can be sent is a request");
        // Headers that the HTTP client adds by itself.
        request
            .headers_mut()
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(NAME));
        let (parts, body) = self.0(request.map(|_| body), patience).await?.into_parts();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            is_repeated: false,
        })
    }
}
