//! `tongqian backup` and `tongqian restore-check`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use payments::backup::{CopyFacts, find_newest_order, inspect_copy};
use payments::store::Db;
use secrecy::ExposeSecret as _;

use crate::backup::{BackupError, sum_file_of, sum_of, write_backup};
use crate::config::{Config, ConfigError, is_in_memory};
use crate::start_report::describe_database;
use crate::{Failure, connect_to_audit, say};

/// Copies the SQLite database into a new file while the server runs.
pub async fn back_up(config: &Config, file: &Path) -> Result<(), Failure> {
    let url = config.database_url.expose_secret();
    if !url.starts_with("sqlite:") {
        let line = pg_dump_line(url, file);
        let problem = format!("is PostgreSQL, which has its own tool. Use: {line}");
        return Err(ConfigError::new("DATABASE_URL", problem).into());
    }
    if is_in_memory(url) {
        return Err(ConfigError::new(
            "DATABASE_URL",
            "is a database in memory: there is no file to copy",
        )
        .into());
    }
    if !Db::exists(url).map_err(payments::Error::from)? {
        return Err(Failure::Refused(
            "there is no database at DATABASE_URL to copy".to_owned(),
        ));
    }
    let backup = write_backup(url, file).await.map_err(backup_failure)?;
    say(&format!("{} bytes in {}", backup.n_bytes, file.display()));
    say(&format!("sha256 {}", backup.sum));
    Ok(())
}

fn backup_failure(error: BackupError) -> Failure {
    match error {
        BackupError::Exists(_) => {
            Failure::Refused(format!("{error}: a backup is written to a new file only"))
        }
        BackupError::Io { path, source } => Failure::Io {
            what: format!("{} cannot be written", path.display()),
            source,
        },
        BackupError::Copy(error) => Failure::Core(error.into()),
    }
}

/// The command for the same on PostgreSQL, without the password.
fn pg_dump_line(url: &str, file: &Path) -> String {
    let mut shown = url::Url::parse(url).ok();
    if let Some(url) = &mut shown {
        // An error says that this address has no place for a password.
        let _ = url.set_password(None);
    }
    let shown = shown.map_or_else(|| "\"$DATABASE_URL\"".to_owned(), |url| format!("'{url}'"));
    format!(
        "pg_dump --format=custom --no-owner --file='{}' {shown}   ({})",
        file.display(),
        describe_database(url)
    )
}

/// Looks at a copy of a backup and prints a line for each thing that must be right.
pub async fn check_backup(config: &Config, file: &Path) -> Result<(), Failure> {
    let mut report = Report::default();
    let directory = tempfile::Builder::new()
        .prefix("tongqian-restore-")
        .tempdir()
        .map_err(Failure::io("no temporary directory"))?;
    let copy = directory.path().join("copy.db");
    std::fs::copy(file, &copy).map_err(Failure::io(format!("{} cannot be copied", file.display())))?;
    // A copy has the rights of its original, which may be read-only.
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600))
        .map_err(Failure::io("the copy cannot be made writable"))?;
    report.check_sum(file, &copy)?;
    match inspect_copy(&copy).await {
        Ok(facts) => report.check_facts(&facts),
        Err(error) => report.broken("the file is an SQLite database", &crate::telemetry::chain(&error)),
    }
    if report.n_broken == 0 {
        report.check_contents(config, &copy).await?;
    }
    report.end(file)
}

#[derive(Default)]
struct Report {
    n_broken: usize,
}

impl Report {
    fn ok(&mut self, what: &str) {
        say(&format!("ok\t{what}"));
    }

    fn broken(&mut self, what: &str, found: &str) {
        self.n_broken += 1;
        say(&format!("BROKEN\t{what}: {found}"));
    }

    /// A backup without its sum is looked at all the same.
    fn check_sum(&mut self, file: &Path, copy: &Path) -> Result<(), Failure> {
        let sum_file = sum_file_of(file);
        let wanted = match std::fs::read_to_string(&sum_file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                say(&format!(
                    "ok\tno sum to compare with: {} is not there",
                    sum_file.display()
                ));
                return Ok(());
            }
            Err(source) => {
                let what = format!("{} cannot be read", sum_file.display());
                return Err(Failure::Io { what, source });
            }
        };
        let found = sum_of(copy).map_err(Failure::io("the copy cannot be read"))?;
        let wanted = wanted.split_whitespace().next().unwrap_or_default();
        if wanted.eq_ignore_ascii_case(&found) {
            self.ok("the sum of the file is the one beside it");
        } else {
            self.broken(
                "the sum of the file is the one beside it",
                &format!("{found}, and {} says {wanted}", sum_file.display()),
            );
        }
        Ok(())
    }

    fn check_facts(&mut self, facts: &CopyFacts) {
        const WHOLE: &str = "every page of the file is whole";
        const REFERENCES: &str = "every reference leads to a row";
        match facts.damages.first() {
            None => self.ok(WHOLE),
            Some(first) => self.broken(WHOLE, first),
        }
        match facts.n_dangling {
            0 => self.ok(REFERENCES),
            n => self.broken(REFERENCES, &format!("{n} do not")),
        }
        let known = facts.known_version;
        match facts.version {
            None => self.broken("the file holds the tables of Tongqian", "it has none"),
            Some(version) if version > known => self.broken(
                "this program knows the schema",
                &format!("schema {version} was made by a newer program, this one knows {known}"),
            ),
            Some(version) if version < known => {
                self.ok(&format!(
                    "schema {version}; this program brings it to {known} at its start"
                ));
            }
            Some(version) => self.ok(&format!("schema {version}")),
        }
    }

    /// The copy is brought to the schema of this program first, as a start would do.
    async fn check_contents(&mut self, config: &Config, copy: &Path) -> Result<(), Failure> {
        let url = format!("sqlite://{}", copy.display());
        let services = connect_to_audit(config, &url).await?;
        for finding in payments::check_invariants(&services).await? {
            match finding.n_broken {
                0 => self.ok(finding.name),
                n => self.broken(finding.name, &n.to_string()),
            }
        }
        match find_newest_order(&services).await? {
            None => say("newest order\tnone"),
            Some(order) => say(&format!(
                "newest order\t{} ({}) of {}",
                order.order_no,
                order.state,
                payments::rfc3339(order.created_at)
            )),
        }
        services.db.close().await;
        Ok(())
    }

    fn end(self, file: &Path) -> Result<(), Failure> {
        match self.n_broken {
            0 => Ok(()),
            n => Err(Failure::Refused(format!("{}: {n} checks failed", file.display()))),
        }
    }
}
