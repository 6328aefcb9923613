//! Logs, and traces when there is a collector. No secret, body or payer may be in either.
//!
//! Logs go to standard error, as text or JSON, filtered by `LOG`.

mod export;

use std::io::IsTerminal as _;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use payments::traces::SPAN_TARGET;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

pub(crate) use self::export::collector_client;
use crate::Failure;
use crate::config::{Log, LogFormat, TraceSettings};

/// Libraries with noisy logs; `LOG` may still enable them by name. Migrations make PostgreSQL notice what is there already.
/// Spans of traces are not for the log: disabled here, they cost nothing while there is no collector.
const QUIET: &str = "sqlx::postgres::notice=error,tokio_cron_scheduler=warn,otel=off";
/// Scope of our spans.
const SCOPE: &str = "tongqian";
/// Time for the last spans to be sent when the server ends.
const FLUSH: Duration = Duration::from_secs(3);

/// The traces of this process, to be flushed at its end.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

/// Initialises logging, once a process; a second call changes nothing.
pub fn init(log: &Log) {
    let Some(filter) = filter_of(log) else { return };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let outcome = match log.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .try_init(),
    };
    if outcome.is_err() {
        tracing::debug!("logging is set up already");
    }
}

/// Like [`init`], and begins to send traces to a collector.
pub fn init_with_traces(log: &Log, settings: &TraceSettings) -> Result<Traces, Failure> {
    let provider = export::start(settings)?;
    let Some(filter) = filter_of(log) else {
        return Ok(Traces(provider));
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).boxed(),
    };
    let spans = tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_tracer(provider.tracer(SCOPE));
    let outcome = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans.with_filter(Targets::new().with_target(SPAN_TARGET, LevelFilter::INFO)))
        .try_init();
    if outcome.is_err() {
        tracing::debug!("logging is set up already");
    }
    Ok(Traces(provider))
}

fn filter_of(log: &Log) -> Option<EnvFilter> {
    EnvFilter::try_new(format!("{QUIET},{}", log.filter)).ok()
}

impl Traces {
    /// Sends what has not been sent yet, within [`FLUSH`].
    pub async fn flush(self) {
        // The processor waits on its thread, which needs this runtime for the request.
        let flushed = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("the last spans were not sent to the collector in time");
        }
    }
}

/// Formats an error with all its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
