//! The database: there or to be made, writable, durable, of a schema that this program knows, and of these merchants.

use std::time::Duration;

use payments::Clock;
use payments::backup::find_newest_order;
use payments::store::lock;
use payments::store::{SchemaFacts, StoreError, read_schema};
use secrecy::ExposeSecret as _;

use super::Report;
use super::files::{check_directory, is_writable};
use crate::backup::directory_of;
use crate::bootstrap::sqlite_file;
use crate::config::Config;
use crate::start_report::describe_database;
use crate::{connect_to_audit, merchants, secrets};

const NAME: &str = "DATABASE_URL";
/// Clocks of the servers of one database may differ by a little.
const SLACK: Duration = Duration::from_mins(5);

pub async fn check(config: &Config, report: &mut Report) {
    let url = config.database_url.expose_secret();
    let shown = describe_database(url);
    if let Some(file) = sqlite_file(url) {
        if !check_directory(NAME, directory_of(&file), report) {
            return;
        }
        if !file.exists() {
            return report.ok(NAME, format!("{shown} will be made at the first start"));
        }
        if !is_writable(&file) {
            return report.fail(NAME, format!("{shown} cannot be read and written by this user"));
        }
        if lock::is_taken(url) {
            report.ok(NAME, format!("{shown} is served by a running server"));
        }
    } else if url.starts_with("sqlite:") {
        return report.ok(NAME, "a database in memory, which is lost at every stop");
    }
    match read_schema(url).await {
        Ok(facts) => check_schema(config, &shown, facts, report).await,
        Err(error) => note_unreadable(&shown, &error, report),
    }
}

fn note_unreadable(shown: &str, error: &StoreError, report: &mut Report) {
    let problem = match error {
        StoreError::NotDurable(_) | StoreError::Engine => error.to_string(),
        error if error.is_bad_address() => {
            "is not the address of a SQLite file or of a PostgreSQL database".to_owned()
        }
        error => format!("{shown} cannot be opened: {}", crate::telemetry::chain(error)),
    };
    report.fail(NAME, problem);
}

async fn check_schema(config: &Config, shown: &str, facts: SchemaFacts, report: &mut Report) {
    let known = facts.known_version;
    match facts.version {
        None => report.ok(
            NAME,
            format!("{shown} is empty: the tables are made at the first start"),
        ),
        Some(version) if version > known => report.fail(
            NAME,
            format!("{shown} has schema {version}, which a newer program made; this one knows {known}"),
        ),
        Some(version) if version < known => report.ok(
            NAME,
            format!("{shown} has schema {version}; the next start brings it to {known}"),
        ),
        Some(version) => {
            report.ok(NAME, format!("{shown}, schema {version}, commits are durable"));
            check_contents(config, report).await;
        }
    }
}

/// Checks the contents of a database of this schema that a start would refuse.
async fn check_contents(config: &Config, report: &mut Report) {
    let url = config.database_url.expose_secret();
    let services = match connect_to_audit(config, url).await {
        Ok(services) => services,
        Err(failure) => return report.add_failure(&failure, NAME),
    };
    match merchants::check_merchants(config, &services).await {
        Ok(accepted) if accepted.is_empty() => report.ok(
            "merchants",
            "no payment is open at an account that is not configured",
        ),
        Ok(_) => report.warn(
            "ACCEPT_OTHER_MERCHANT",
            "payments of another merchant are left alone",
        ),
        Err(failure) => report.add_failure(&failure, NAME),
    }
    match secrets::check_readable(config, &services.db).await {
        Ok(()) => report.ok("SECRETS_KEY", "opens what is sealed in the database"),
        Err(failure) => report.add_failure(&failure, "SECRETS_KEY"),
    }
    let now = Clock::System.now();
    match find_newest_order(&services).await {
        Ok(Some(order)) if order.created_at > now + SLACK => report.fail(
            "clock",
            format!(
                "the newest order was created at {}, after the time of this clock: set it by NTP",
                payments::rfc3339(order.created_at)
            ),
        ),
        _ => report.ok(
            "clock",
            format!("{} is not before the newest order", payments::rfc3339(now)),
        ),
    }
    services.db.close().await;
}
