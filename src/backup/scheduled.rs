//! Scheduled backups: one file a run, of which the newest are kept.

use std::path::{Path, PathBuf};

use payments::Services;
use secrecy::{ExposeSecret as _, SecretString};

use super::{BackupError, DRAFT, sum_file_of, write_backup};
use crate::bootstrap::make_private_directory;
use crate::config::{Config, ScheduledBackups};
use crate::telemetry;

const PREFIX: &str = "tongqian-";
const SUFFIX: &str = ".db";

/// Source and destination of scheduled backups.
#[derive(Debug, Clone)]
pub struct BackupPlan {
    database_url: SecretString,
    backups: ScheduledBackups,
}

impl BackupPlan {
    /// `None`: no backups are scheduled.
    pub fn of(config: &Config) -> Option<BackupPlan> {
        Some(BackupPlan {
            database_url: config.database_url.clone(),
            backups: config.backups.clone()?,
        })
    }

    pub fn cron(&self) -> &str {
        self.backups.cron.as_str()
    }
}

/// Makes a backup, removes the oldest ones, and raises an incident when either fails.
pub async fn run_backup(services: &Services, plan: &BackupPlan) -> Result<usize, payments::Error> {
    let outcome = write_scheduled(services, plan).await;
    if let Ok(file) = &outcome {
        tracing::info!(file = %file.display(), "backup written to {}", file.display());
    }
    let failure = outcome.err().map(|error| telemetry::chain(&error));
    payments::backup::record_backup(services, failure.as_deref()).await?;
    Ok(1)
}

async fn write_scheduled(services: &Services, plan: &BackupPlan) -> Result<PathBuf, BackupError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::Io { path, source }
    };
    let directory = &plan.backups.directory;
    make_private_directory(directory).map_err(fail(directory))?;
    let file = directory.join(name_at(&payments::rfc3339(services.clock.now())));
    write_backup(plan.database_url.expose_secret(), &file).await?;
    remove_oldest(directory, plan.backups.n_kept).map_err(fail(directory))?;
    Ok(file)
}

/// `tongqian-20261128T040000Z.db` of `2026-11-28T04:00:00.000Z`: names sort by time.
fn name_at(rfc3339: &str) -> String {
    let seconds = rfc3339.split('.').next().unwrap_or(rfc3339).trim_end_matches('Z');
    let stamp: String = seconds.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{PREFIX}{stamp}Z{SUFFIX}")
}

/// Removes what is beyond the newest `n_kept`, and what a killed server left half written; only files with names of ours.
fn remove_oldest(directory: &Path, n_kept: usize) -> std::io::Result<()> {
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        match name.split_once(DRAFT) {
            // One server holds the database, so nobody else writes here.
            Some((name_of_whole, _)) if is_ours(name_of_whole) => {
                std::fs::remove_file(directory.join(&name))?
            }
            None if is_ours(&name) => names.push(name),
            _ => {}
        }
    }
    names.sort_unstable();
    let n_removed = names.len().saturating_sub(n_kept);
    for name in &names[..n_removed] {
        let file = directory.join(name);
        std::fs::remove_file(&file)?;
        match std::fs::remove_file(sum_file_of(&file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn is_ours(name: &str) -> bool {
    let stamp = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX));
    stamp.is_some_and(|stamp| {
        stamp.len() == 16 && stamp.ends_with('Z') && stamp.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_backups_are_kept_and_other_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for second in 10..15 {
            let name = name_at(&format!("2026-11-28T04:00:{second}.000Z"));
            std::fs::write(path.join(&name), "").unwrap();
            std::fs::write(path.join(format!("{name}.sha256")), "").unwrap();
        }
        std::fs::write(path.join("tongqian-20261128T040009Z.db.part-77"), "").unwrap();
        for other in ["notes.txt", "tongqian-old.db", "tongqian.db"] {
            std::fs::write(path.join(other), "").unwrap();
        }
        remove_oldest(path, 2).unwrap();
        let mut names: Vec<String> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "notes.txt",
                "tongqian-20261128T040013Z.db",
                "tongqian-20261128T040013Z.db.sha256",
                "tongqian-20261128T040014Z.db",
                "tongqian-20261128T040014Z.db.sha256",
                "tongqian-old.db",
                "tongqian.db",
            ]
        );
    }
}
