//! Parsers of single settings.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use domain::Channel;
use secrecy::SecretString;
use url::Url;

/// A week: longer than any gateway's code is valid.
const MAX_MINUTES: u64 = 10_080;
const MILLIS_PER_MINUTE: u64 = 60_000;

/// Base of every absolute URL, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    pub fn parse(text: &str) -> Result<PublicUrl, String> {
        let url = Url::parse(text).map_err(|_| "is not an absolute URL")?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("must begin with http:// or https:// and a host".to_owned());
        }
        let is_bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare {
            return Err("must have no path, query or user: everything is served from the root".to_owned());
        }
        Ok(PublicUrl(url.origin().ascii_serialization()))
    }

    pub fn of(address: SocketAddr) -> PublicUrl {
        PublicUrl(format!("http://{address}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Address of a gateway's notifications; [`crate::http::router`] serves it.
    pub fn notification_address(&self, channel: Channel) -> String {
        format!("{}/api/billing/payments/notify/{channel}", self.0)
    }

    pub fn is_secure(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// Schedule of a job: a cron expression with seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron(String);

impl Cron {
    /// Parses six fields, or the classic five, which run at second 0.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let n_fields = text.split_whitespace().count();
        let expression = if n_fields == 5 {
            format!("0 {text}")
        } else {
            text.to_owned()
        };
        match tokio_cron_scheduler::Job::new(expression.as_str(), |_, _| {}) {
            Ok(_) => Ok(Cron(expression)),
            Err(_) => Err("is not a cron expression such as */5 * * * * *".to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| "is not an address such as 127.0.0.1:3000".to_owned())
}

pub fn parse_database_url(text: &str) -> Result<SecretString, String> {
    let is_known = ["sqlite:", "postgres:", "postgresql:"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    if is_known {
        Ok(SecretString::from(text))
    } else {
        Err("must begin with sqlite: or postgres:".to_owned())
    }
}

/// Returns whether a SQLite database would be in memory: by name or parameter, or because the name is empty.
pub fn is_in_memory(database_url: &str) -> bool {
    let Some(rest) = database_url.strip_prefix("sqlite:") else {
        return false;
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    path.is_empty() || path.contains(":memory:") || query.split('&').any(|pair| pair == "mode=memory")
}

/// Parses an API key: the characters that can follow `Bearer `.
pub fn parse_api_key(text: &str) -> Result<SecretString, String> {
    if text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(SecretString::from(text))
    } else {
        Err("must be at most 255 visible ASCII characters".to_owned())
    }
}

pub fn parse_max_connections(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (16..=1_000_000).contains(number))
        .ok_or_else(|| "must be a number of connections from 16 to 1000000".to_owned())
}

/// Parses minutes as a decimal, exact to the millisecond: `15`, `0.05`.
pub fn parse_minutes(text: &str) -> Result<Duration, String> {
    let problem =
        || format!("must be a number of minutes above 0 and up to {MAX_MINUTES}, such as 15 or 0.5");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits =
        |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(problem());
    }
    let scale = fraction.bytes().fold(1_u64, |scale, _| scale * 10);
    let whole: u64 = whole.parse().map_err(|_| problem())?;
    let fraction: u64 = fraction.parse().map_err(|_| problem())?;
    let millis = whole * MILLIS_PER_MINUTE + fraction * MILLIS_PER_MINUTE / scale;
    if millis == 0 || millis > MAX_MINUTES * MILLIS_PER_MINUTE {
        return Err(problem());
    }
    Ok(Duration::from_millis(millis))
}

/// Parses hours as a decimal: `24`, `0.5`.
pub fn parse_hours(text: &str) -> Result<Duration, String> {
    let hours = parse_minutes(text).map(|minutes| minutes * 60);
    hours.map_err(|_| format!("must be a number of hours above 0 and up to {MAX_MINUTES}, such as 24 or 0.5"))
}

/// Parses a gateway's base URL. It must not contain what would end up in logs or signatures.
pub fn parse_gateway_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|_| "is not an absolute URL")?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !is_plain {
        return Err("must be an http or https URL without query or user".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
