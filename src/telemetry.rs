//! Logs: to standard error, as text or JSON, filtered by `LOG`. No secret, body or payer may be logged.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Libraries with noisy logs; `LOG` may still enable them by name. Migrations make PostgreSQL notice what is there already.
/// Spans of traces are not for the log.
const QUIET: &str = "sqlx::postgres::notice=error,tokio_cron_scheduler=warn,otel=off";

/// Initialises logging, once a process; a second call changes nothing.
pub fn init(log: &Log) {
    let Ok(filter) = EnvFilter::try_new(format!("{QUIET},{}", log.filter)) else {
        return;
    };
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
