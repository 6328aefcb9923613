//! One HTTP call to a gateway: bounded in time and size, without redirects, proxies or compression.
//!
//! What comes back is bytes that nobody has verified yet.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Request};
use url::Url;

use super::{GatewayError, KeyError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// The longest answer either gateway gives to our calls is a few kilobytes.
const MOST_BYTES: usize = 256 * 1024;
/// WeChat's edge refuses a request without one (protocols 1.1).
const USER_AGENT: &str = concat!("Tongqian/", env!("CARGO_PKG_VERSION"));

#[derive(Debug)]
pub struct Transport {
    client: Client,
}

/// What came back, as it was received.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Transport {
    pub fn new(setting: &'static str, base: &Url) -> Result<Transport, KeyError> {
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy();
        if base.scheme() == "http" {
            // A simulator beside us needs no roots, and a container without any must still start.
            builder = builder.tls_certs_only([]);
        }
        let client = builder
            .build()
            .map_err(|error| KeyError::new(setting, format!("no secure connections from here: {error}")))?;
        Ok(Transport { client })
    }

    pub async fn send(&self, request: Request) -> Result<Answer, GatewayError> {
        let mut response = self.client.execute(request).await.map_err(not_answered)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(not_answered)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(GatewayError::unknown("the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

impl Answer {
    /// A header for the log; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The base URL of a gateway.
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

/// The address we give to a gateway: parameters in it would be mixed into what Alipay signs, and WeChat refuses
/// them (T-14).
pub fn notify_url(text: &str) -> Result<String, KeyError> {
    let url = base_url("PUBLIC_URL", text)?;
    Ok(url.into())
}

fn not_answered(error: reqwest::Error) -> GatewayError {
    if error.is_connect() {
        // Nothing was sent.
        return GatewayError::RetrySame {
            reason: "no connection".to_owned(),
        };
    }
    let reason = if error.is_timeout() {
        "timed out"
    } else {
        "the connection broke"
    };
    GatewayError::unknown(reason)
}
