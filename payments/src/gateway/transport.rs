//! One HTTP call to a gateway: bounded in time and size, without redirects, proxies or compression.
//!
//! The returned bytes are not verified yet.

#[cfg(feature = "faults")]
mod in_process;

use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Request};
use tracing::warn;
use url::Url;

#[cfg(feature = "faults")]
pub use self::in_process::InProcess;
use super::drift::{Drift, DriftWatch};
use super::{GatewayError, KeyError};
use crate::{Clock, traces};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of one try: starting a payment may take two calls and twenty seconds at most (`start::CALL`).
const TRY_TIMEOUT: Duration = Duration::from_secs(8);
/// Timeout of one try when each call may go to two hosts.
const BACKED_TRY_TIMEOUT: Duration = Duration::from_millis(4500);
/// Maximum size of an answer: the longest that either gateway gives to our calls is a few kilobytes.
const MOST_BYTES: usize = 256 * 1024;
/// Maximum size of a file: a day of a hundred thousand trades is forty megabytes, and only a nightly job waits for it.
const MOST_FILE_BYTES: usize = 64 * 1024 * 1024;
const FILE_TIMEOUT: Duration = Duration::from_mins(2);
/// Maximum length of `notify_url` that both gateways accept (docs/gateway-facts.md 1.6.1, 2.1).
const MOST_NOTIFY_URL: usize = 255;
/// User agent: WeChat's edge refuses a request without one (docs/gateway-facts.md 1.1).
const NAME: &str = concat!("Tongqian/", env!("CARGO_PKG_VERSION"));
const NAME_AT_BACKUP: HeaderValue =
    HeaderValue::from_static(concat!("Tongqian/", env!("CARGO_PKG_VERSION"), " (Retried-V1)"));

#[derive(Debug)]
pub struct Transport {
    line: Line,
    backup: Option<Url>,
    clock: Clock,
    drift: DriftWatch,
}

/// Connection that requests are sent over.
#[derive(Debug)]
enum Line {
    Http(Client),
    #[cfg(feature = "faults")]
    InProcess(InProcess),
}

/// Answer as received.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The answer came from the backup host, and the first host may have processed the same bytes before.
    pub is_repeated: bool,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    time: Duration,
    n_bytes: usize,
}

/// Reason why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nothing was sent.
    NoConnection,
    /// The request may have been processed.
    Lost(&'static str),
    TooLong,
}

impl Transport {
    pub fn new(setting: &'static str, base: &Url, clock: Clock) -> Result<Transport, KeyError> {
        Transport::with_backup(setting, base, None, clock)
    }

    /// Adds a backup host: a call that `base` does not answer is sent to it once more.
    pub fn with_backup(
        setting: &'static str,
        base: &Url,
        backup: Option<Url>,
        clock: Clock,
    ) -> Result<Transport, KeyError> {
        let mut builder = Client::builder()
            .user_agent(NAME)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy();
        if [Some(base), backup.as_ref()]
            .into_iter()
            .flatten()
            .all(|url| url.scheme() == "http")
        {
            // A local simulator needs no root certificates, and a container without any must still start.
            builder = builder.tls_certs_only([]);
        }
        let client = builder
            .build()
            .map_err(|error| KeyError::new(setting, format!("no secure connections from here: {error}")))?;
        let line = Line::Http(client);
        Ok(Transport {
            line,
            backup,
            clock,
            drift: DriftWatch::default(),
        })
    }

    pub fn drift(&self) -> Drift {
        self.drift.last()
    }

    /// Sends all further requests to a function, for tests.
    #[cfg(feature = "faults")]
    pub fn reroute(&mut self, gateway: InProcess) {
        self.line = Line::InProcess(gateway);
    }

    pub async fn send(&self, request: Request) -> Result<Answer, GatewayError> {
        let time = match self.backup {
            Some(_) => BACKED_TRY_TIMEOUT,
            None => TRY_TIMEOUT,
        };
        let limits = Limits {
            time,
            n_bytes: MOST_BYTES,
        };
        self.exchange(request, limits).await
    }

    /// Like [`Transport::send`], with the limits of a file download.
    pub async fn download(&self, request: Request) -> Result<Answer, GatewayError> {
        let limits = Limits {
            time: FILE_TIMEOUT,
            n_bytes: MOST_FILE_BYTES,
        };
        self.exchange(request, limits).await
    }

    /// Sends the request, and to the backup host when there is no answer. The backup gets the same bytes under the same
    /// signature, which names no host; an answer of any status is final (docs/gateway-facts.md 1.1).
    async fn exchange(&self, request: Request, limits: Limits) -> Result<Answer, GatewayError> {
        let again = self
            .backup
            .as_ref()
            .and_then(|backup| move_to_host(request.try_clone()?, backup));
        let first = match self.attempt(request, limits).await {
            Ok(answer) => return Ok(answer),
            Err(silence) => silence,
        };
        let Some(again) = again.filter(|_| first != Silence::TooLong) else {
            return Err(first.into());
        };
        warn!("{first:?} at the gateway; asking its backup host");
        match self.attempt(again, limits).await {
            Ok(answer) => Ok(Answer {
                is_repeated: first != Silence::NoConnection,
                ..answer
            }),
            // The first host may have processed the request, so the outcome stays unknown whatever happened to the second
            // try.
            Err(Silence::NoConnection) => Err(first.into()),
            Err(second) => Err(second.into()),
        }
    }

    async fn attempt(&self, mut request: Request, limits: Limits) -> Result<Answer, Silence> {
        traces::carry(request.headers_mut());
        crash_point!("gateway.before_call");
        let begun_at = self.clock.now();
        let answer = match &self.line {
            Line::Http(client) => over_http(client, request, limits).await,
            #[cfg(feature = "faults")]
            Line::InProcess(gateway) => gateway.answer(request, limits.time).await,
        };
        crash_point!("gateway.after_call");
        if let Ok(answer) = &answer {
            self.drift
                .compare(answer.header("Date"), begun_at, self.clock.now());
        }
        answer
    }
}

async fn over_http(client: &Client, mut request: Request, limits: Limits) -> Result<Answer, Silence> {
    *request.timeout_mut() = Some(limits.time);
    let mut response = client.execute(request).await.map_err(not_answered)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(not_answered)? {
        if body.len() + chunk.len() > limits.n_bytes {
            return Err(Silence::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body,
        is_repeated: false,
    })
}

/// Copies the request for another host; `None` when that is not possible, and then there is one try only.
fn move_to_host(mut request: Request, host: &Url) -> Option<Request> {
    let url = request.url_mut();
    url.set_scheme(host.scheme()).ok()?;
    url.set_host(host.host_str()).ok()?;
    url.set_port(host.port()).ok()?;
    request.headers_mut().insert(USER_AGENT, NAME_AT_BACKUP);
    Some(request)
}

impl Answer {
    /// Value of a header for the log; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Parses the base URL of a gateway.
pub fn base_url(setting: &'static str, text: &str) -> Result<Url, KeyError> {
    let wrong = || {
        KeyError::new(
            setting,
            "wanted an absolute http or https URL without query or fragment",
        )
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.has_host();
    if is_plain && matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(wrong())
    }
}

/// Parses the notification address that gateways are given. It may have no query: its parameters would be mixed into what
/// Alipay signs, and WeChat refuses them (T-14).
pub fn notify_url(text: &str) -> Result<String, KeyError> {
    let url: String = base_url("PUBLIC_URL", text)?.into();
    if url.len() > MOST_NOTIFY_URL {
        let message = format!(
            "found an address of {} bytes for notifications; wanted at most {MOST_NOTIFY_URL}",
            url.len()
        );
        return Err(KeyError::new("PUBLIC_URL", message));
    }
    Ok(url)
}

/// Parses the backup URL. Signatures cover the path, so it must have the same path as `base`.
pub fn backup_url(setting: &'static str, text: &str, base: &Url) -> Result<Url, KeyError> {
    let url = base_url(setting, text)?;
    if url.path().trim_end_matches('/') == base.path().trim_end_matches('/') {
        Ok(url)
    } else {
        let message = format!("found the path {}; wanted that of the first host", url.path());
        Err(KeyError::new(setting, message))
    }
}

fn not_answered(error: reqwest::Error) -> Silence {
    if error.is_connect() {
        Silence::NoConnection
    } else if error.is_timeout() {
        Silence::Lost("timed out")
    } else {
        Silence::Lost("the connection broke")
    }
}

impl From<Silence> for GatewayError {
    fn from(silence: Silence) -> GatewayError {
        match silence {
            Silence::NoConnection => GatewayError::RetrySame {
                reason: "no connection".to_owned(),
            },
            Silence::Lost(reason) => GatewayError::unknown(reason),
            Silence::TooLong => GatewayError::unknown("the answer is too long"),
        }
    }
}
