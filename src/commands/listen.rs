//! `tongqian listen`: follows the feed of a server and posts each event to a program under development, signed like a webhook.

use std::time::{Duration, Instant};

use domain::{EventId, EventType};
use payments::Clock;
use payments::webhook::{WebhookSecret, signed_headers};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use crate::config::{Config, ConfigError};
use crate::{Failure, say, stop, telemetry};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(15);
/// Pause after a page that was not full, and after a server that did not answer.
const BETWEEN_PAGES: Duration = Duration::from_millis(500);
/// Pauses before the attempts of one post.
const PAUSES_MS: [u64; 5] = [0, 500, 1000, 2000, 4000];
const PAGE: usize = 100;

/// Options of the command line.
#[derive(Debug, Clone, clap::Args)]
pub struct ListenOptions {
    #[arg(long, value_parser = parse_url)]
    pub forward_to: Url,
    /// Base URL of the server; by default PUBLIC_URL
    #[arg(long, value_parser = parse_url)]
    pub server: Option<Url>,
    /// By default API_KEY
    #[arg(long, value_parser = parse_key)]
    pub api_key: Option<SecretString>,
    /// Types of events, separated by commas; all by default
    #[arg(long, value_delimiter = ',', value_parser = parse_event_type)]
    pub events: Vec<EventType>,
    /// Begin after this event; by default with what happens from now on
    #[arg(long, value_parser = parse_event_id)]
    pub after: Option<EventId>,
    /// whsec_ and base64; by default one is made and printed
    #[arg(long, value_parser = parse_secret)]
    pub secret: Option<WebhookSecret>,
}

fn parse_url(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "must be an absolute http or https URL".to_owned())
}

fn parse_key(text: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(text))
}

fn parse_event_type(word: &str) -> Result<EventType, String> {
    EventType::parse(word).ok_or_else(|| "must be a type of event such as order.paid".to_owned())
}

fn parse_event_id(text: &str) -> Result<EventId, String> {
    let id = EventId::is_made_by_us(text)
        .then(|| EventId::parse(text))
        .flatten();
    id.ok_or_else(|| "must be the id of an event".to_owned())
}

fn parse_secret(text: &str) -> Result<WebhookSecret, String> {
    WebhookSecret::parse(text).ok_or_else(|| "must be whsec_ and base64 of 24 to 64 bytes".to_owned())
}

/// Follows the feed until the process is told to stop.
pub async fn listen(config: &Config, options: ListenOptions) -> Result<(), Failure> {
    let forwarder = Forwarder::new(config, options)?;
    tokio::select! {
        ended = forwarder.run() => ended,
        () = stop::signal() => Ok(()),
    }
}

struct Forwarder {
    options: ListenOptions,
    server: String,
    api_key: SecretString,
    secret: WebhookSecret,
    client: Client,
}

/// A page of the feed; events are passed on byte by byte.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    data: Vec<Box<RawValue>>,
    next_after: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Result of one question to the server.
enum Polled {
    Page(Page),
    /// It may be there again later.
    Away(String),
}

impl Forwarder {
    fn new(config: &Config, options: ListenOptions) -> Result<Forwarder, Failure> {
        let server = match (&options.server, &config.public_url) {
            (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
            (None, Some(url)) => url.as_str().to_owned(),
            (None, None) => {
                return Err(ConfigError::new("--server", "missing, and PUBLIC_URL is not set").into());
            }
        };
        let api_key = options
            .api_key
            .clone()
            .or_else(|| config.api_key.clone())
            .ok_or_else(|| ConfigError::new("--api-key", "missing, and API_KEY is not set"))?;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy();
        if server.starts_with("http:") && options.forward_to.scheme() == "http" {
            // Programs on one machine need no roots, and a container without any must still start.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(Failure::setting(
            "--forward-to",
            "no secure connections from here",
        ))?;
        let secret = options.secret.clone().unwrap_or_else(|| {
            let secret = WebhookSecret::new(Clock::System.entropy());
            say(&format!("secret: {}", secret.to_text()));
            secret
        });
        Ok(Forwarder {
            options,
            server,
            api_key,
            secret,
            client,
        })
    }

    async fn run(&self) -> Result<(), Failure> {
        let mut after = match &self.options.after {
            Some(id) => Some(id.to_string()),
            // A page of a type that is in no feed is empty, and says where the feed ends now.
            None => self.wait_for_page("type=ping&limit=1").await?.next_after,
        };
        say(&format!(
            "Forwarding events of {} to {}",
            self.server, self.options.forward_to
        ));
        loop {
            let query = match &after {
                Some(id) => format!("after={id}&limit={PAGE}"),
                None => format!("limit={PAGE}"),
            };
            let page = self.wait_for_page(&query).await?;
            for event in &page.data {
                self.forward(event).await?;
            }
            after = page.next_after.or(after);
            if page.data.len() < PAGE {
                tokio::time::sleep(BETWEEN_PAGES).await;
            }
        }
    }

    /// Asks until the server answers.
    async fn wait_for_page(&self, query: &str) -> Result<Page, Failure> {
        let mut is_told = false;
        loop {
            match self.poll(query).await? {
                Polled::Page(page) => return Ok(page),
                Polled::Away(reason) => {
                    if !is_told {
                        tracing::warn!("{} does not answer, it is asked again: {reason}", self.server);
                        is_told = true;
                    }
                    tokio::time::sleep(BETWEEN_PAGES).await;
                }
            }
        }
    }

    async fn poll(&self, query: &str) -> Result<Polled, Failure> {
        let request = self
            .client
            .get(format!("{}/api/billing/events?{query}", self.server))
            .bearer_auth(self.api_key.expose_secret());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Polled::Away(telemetry::chain(&error.without_url()))),
        };
        let status = response.status();
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return Ok(Polled::Away(telemetry::chain(&error.without_url()))),
        };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Ok(Polled::Away(format!("it answered {}", status.as_u16())));
        }
        if !status.is_success() {
            let text: String = String::from_utf8_lossy(&body).chars().take(300).collect();
            let problem = format!("{} answered {}: {text}", self.server, status.as_u16());
            return Err(Failure::Refused(problem));
        }
        let page = serde_json::from_slice(&body)
            .map_err(|_| Failure::Refused(format!("{} is not a feed of events", self.server)))?;
        Ok(Polled::Page(page))
    }

    /// Posts one event, several times when need be, and prints what came of it.
    async fn forward(&self, event: &RawValue) -> Result<(), Failure> {
        let Head { id, kind } = serde_json::from_str(event.get())
            .map_err(|_| Failure::Refused(format!("{} is not a feed of events", self.server)))?;
        let wanted = &self.options.events;
        if !wanted.is_empty() && !EventType::parse(&kind).is_some_and(|kind| wanted.contains(&kind)) {
            return Ok(());
        }
        let mut problem = String::new();
        for pause in PAUSES_MS {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let begun = Instant::now();
            match self.post(&id, event.get()).await? {
                Ok(status) if status.is_success() => {
                    let ms = begun.elapsed().as_millis();
                    say(&format!("{kind} {id} {} {ms} ms", status.as_u16()));
                    return Ok(());
                }
                Ok(status) => problem = status.as_u16().to_string(),
                Err(reason) => problem = reason,
            }
        }
        say(&format!("{kind} {id} not delivered: {problem}"));
        Ok(())
    }

    async fn post(&self, id: &str, body: &str) -> Result<Result<StatusCode, String>, Failure> {
        let seconds = Clock::System.now().seconds();
        let headers = signed_headers(std::slice::from_ref(&self.secret), id, seconds, body.as_bytes())?;
        let request = self
            .client
            .post(self.options.forward_to.clone())
            .headers(headers)
            .body(body.to_owned());
        let sent = request.send().await;
        Ok(sent
            .map(|response| response.status())
            .map_err(|error| telemetry::chain(&error.without_url())))
    }
}
