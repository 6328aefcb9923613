//! Scheduled backups of an SQLite database.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::value::{Cron, is_in_memory};
use super::{ConfigError, Source};

const DIRECTORY: &str = "BACKUP_DIR";
/// By the clock of Beijing, when few people pay.
const CRON: &str = "0 0 4 * * *";
const N_KEPT: usize = 14;

#[derive(Debug, Clone)]
pub struct ScheduledBackups {
    pub directory: PathBuf,
    pub cron: Cron,
    /// Number of files that stay; older ones are removed.
    pub n_kept: usize,
}

/// `None`: no backups are scheduled.
pub(super) fn read(
    source: &Source,
    database_url: &SecretString,
) -> Result<Option<ScheduledBackups>, ConfigError> {
    let cron = source.parsed("BACKUP_CRON", Cron::parse)?;
    let n_kept = source.parsed("BACKUP_KEEP", parse_number)?;
    let Some(directory) = source.text(DIRECTORY).map(PathBuf::from) else {
        let set = [("BACKUP_CRON", cron.is_some()), ("BACKUP_KEEP", n_kept.is_some())];
        return match set.into_iter().find(|(_, is_set)| *is_set) {
            None => Ok(None),
            Some((name, _)) => Err(ConfigError::new(
                DIRECTORY,
                format!("missing: {name} is set without it"),
            )),
        };
    };
    let url = database_url.expose_secret();
    if !url.starts_with("sqlite:") || is_in_memory(url) {
        return Err(ConfigError::new(
            DIRECTORY,
            "is for a SQLite file only: back up PostgreSQL with pg_dump or by archiving its log (README, Backup)",
        ));
    }
    let cron = match cron {
        Some(cron) => cron,
        None => Cron::parse(CRON).map_err(|problem| ConfigError::new("BACKUP_CRON", problem))?,
    };
    Ok(Some(ScheduledBackups {
        directory,
        cron,
        n_kept: n_kept.unwrap_or(N_KEPT),
    }))
}

fn parse_number(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| "must be a number of backups from 1 to 10000".to_owned())
}
