//! Outbound requests to addresses that people and programs give us, behind a guard against server-side request forgery (SSRF).
//!
//! Webhooks, notifications of other protocols and operators' robots all go through [`OutboundGuard`]. A name is resolved once
//! for a connection, every address that it has must be public, and the connection goes to one of these addresses. Redirects,
//! user names in URLs and the proxies of the environment are not used, and 1 KiB of an answer is read.

mod address;
mod mail;
mod network;

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use url::{Host, Url};

use self::address::is_public;
pub use self::mail::{Letter, MailServer};
pub use self::network::{Network, Networks};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time of a request from its beginning to the end of what is read of its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Limits what is read of an answer's body.
pub const MAX_ANSWER_BYTES: usize = 1024;
const MAX_URL_BYTES: usize = 2048;
const USER_AGENT: &str = concat!("Tongqian/", env!("CARGO_PKG_VERSION"));

/// Sends requests to public addresses, and to the networks that the operator allows; cheap to clone.
#[derive(Clone)]
pub struct OutboundGuard(Arc<Inner>);

struct Inner {
    allowed: Networks,
    /// Client for http addresses. It loads no certificates of authorities, so that it works in a container that has none.
    plain: OnceLock<Result<Client, String>>,
    secure: OnceLock<Result<Client, String>>,
}

/// A request to an address that is not ours.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// An answer, cut off after [`MAX_ANSWER_BYTES`] of its body.
#[derive(Debug, Clone)]
pub struct OutboundAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error(transparent)]
    Refused(#[from] AddressRefusal),
    #[error("no connection: {0}")]
    NoConnection(String),
    #[error("no answer within 15 seconds")]
    TimedOut,
    #[error("the answer broke off: {0}")]
    Broken(String),
}

/// Reason why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address {}", self.message())]
pub enum AddressRefusal {
    Malformed,
    Credentials,
    NotPublic,
}

impl AddressRefusal {
    pub const fn message(self) -> &'static str {
        match self {
            AddressRefusal::Malformed => {
                "must be an absolute http or https URL of at most 2048 ASCII characters"
            }
            AddressRefusal::Credentials => "must not contain a user name or password",
            AddressRefusal::NotPublic => {
                "must lead to a public address; WEBHOOK_ALLOWED_NETWORKS may allow others"
            }
        }
    }
}

impl fmt::Debug for OutboundGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OutboundGuard")
            .field("allowed", &self.0.allowed)
            .finish_non_exhaustive()
    }
}

impl Default for OutboundGuard {
    fn default() -> OutboundGuard {
        OutboundGuard::new(Networks::default())
    }
}

impl OutboundGuard {
    /// A guard that allows these networks beside all public addresses.
    pub fn new(allowed: Networks) -> OutboundGuard {
        OutboundGuard(Arc::new(Inner {
            allowed,
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }))
    }

    /// Parses an address from outside (a webhook, a notify URL), and refuses one that is never called. A name is not resolved here: it may
    /// lead elsewhere by the time it is called.
    pub fn parse_url(&self, text: &str) -> Result<Url, AddressRefusal> {
        let is_plain = text.len() <= MAX_URL_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        let url = Url::parse(text)
            .ok()
            .filter(|_| is_plain)
            .ok_or(AddressRefusal::Malformed)?;
        self.check_url(&url)?;
        Ok(url)
    }

    fn check_url(&self, url: &Url) -> Result<(), AddressRefusal> {
        if !matches!(url.scheme(), "http" | "https") || url.port() == Some(0) {
            return Err(AddressRefusal::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressRefusal::Credentials);
        }
        // The parser has read every spelling of an address (decimal, octal, hexadecimal, short) as an address.
        match url.host().ok_or(AddressRefusal::Malformed)? {
            Host::Ipv4(address) => self.require_callable(&[address.into()]),
            Host::Ipv6(address) => self.require_callable(&[address.into()]),
            Host::Domain(name) if is_loopback_name(name) => {
                self.require_callable(&[IpAddr::from([127, 0, 0, 1])])
            }
            Host::Domain(_) => Ok(()),
        }
    }

    /// Refuses all addresses of a name when one of them may not be called.
    fn require_callable(&self, addresses: &[IpAddr]) -> Result<(), AddressRefusal> {
        let is_callable = |address: &IpAddr| is_public(*address) || self.0.allowed.contain(*address);
        if !addresses.is_empty() && addresses.iter().all(is_callable) {
            Ok(())
        } else {
            Err(AddressRefusal::NotPublic)
        }
    }

    /// Refuses a host that is never called. A name is not resolved here.
    fn check_host(&self, host: &str) -> Result<(), AddressRefusal> {
        match host.parse::<IpAddr>() {
            Ok(address) => self.require_callable(&[address]),
            Err(_) if is_loopback_name(host) => self.require_callable(&[IpAddr::from([127, 0, 0, 1])]),
            Err(_) => Ok(()),
        }
    }

    /// Resolves a name once, for one connection, when all of its addresses may be called.
    async fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let found = tokio::net::lookup_host((host, port)).await?;
        let sockets: Vec<SocketAddr> = found.collect();
        let addresses: Vec<IpAddr> = sockets.iter().map(SocketAddr::ip).collect();
        self.require_callable(&addresses)?;
        Ok(sockets)
    }

    /// Sends a POST request; see [`OutboundGuard::send`].
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<OutboundAnswer, OutboundError> {
        let request = OutboundRequest {
            method: Method::POST,
            url: url.clone(),
            headers,
            body,
        };
        self.send(request).await
    }

    /// Sends one request and reads the beginning of its answer. An answer of any status is an answer.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        self.check_url(&request.url)?;
        let client = self
            .client(request.url.scheme() == "https")
            .map_err(OutboundError::NoConnection)?;
        let sent = client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .timeout(REQUEST_TIMEOUT)
            .send();
        let mut response = sent.await.map_err(no_answer)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while body.len() < MAX_ANSWER_BYTES {
            match response.chunk().await.map_err(no_answer)? {
                Some(chunk) => body.extend_from_slice(&chunk),
                None => break,
            }
        }
        body.truncate(MAX_ANSWER_BYTES);
        Ok(OutboundAnswer {
            status,
            headers,
            body,
        })
    }

    fn client(&self, is_secure: bool) -> Result<&Client, String> {
        let cell = if is_secure { &self.0.secure } else { &self.0.plain };
        let built = cell.get_or_init(|| {
            let resolver = GuardedResolver(self.clone());
            let builder = Client::builder()
                .user_agent(USER_AGENT)
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(REQUEST_TIMEOUT)
                .redirect(Policy::none())
                .no_proxy()
                // A kept connection may be closed by its peer just when the next request is written to it.
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::new(resolver));
            let builder: ClientBuilder = if is_secure {
                builder
            } else {
                builder.tls_certs_only([])
            };
            builder.build().map_err(|error| error.to_string())
        });
        built.as_ref().map_err(Clone::clone)
    }
}

/// Names that lead to this machine by definition (RFC 6761).
fn is_loopback_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Resolves a name once and gives its addresses to the connection when all of them may be called.
struct GuardedResolver(OutboundGuard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let sockets = guard.resolve(name.as_str(), 0).await?;
            let addresses: Addrs = Box::new(sockets.into_iter());
            Ok(addresses)
        })
    }
}

fn no_answer(error: reqwest::Error) -> OutboundError {
    let error = error.without_url();
    let mut cause = error.source();
    let mut last = error.to_string();
    while let Some(inner) = cause {
        if let Some(refusal) = inner.downcast_ref::<AddressRefusal>() {
            return OutboundError::Refused(*refusal);
        }
        last = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() && !error.is_connect() {
        OutboundError::TimedOut
    } else if error.is_connect() {
        OutboundError::NoConnection(last)
    } else {
        OutboundError::Broken(last)
    }
}

#[cfg(test)]
mod tests;
