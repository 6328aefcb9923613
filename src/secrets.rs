//! The key that encrypts secrets at rest: `SECRETS_KEY`, or a file of mode 0600 beside the database, made at the first start.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use payments::secrets::{KEY_BYTES, Secrets, SecretsError};
use payments::store::Db;
use payments::{Clock, Services};
use secrecy::ExposeSecret as _;

use crate::bootstrap::sqlite_file;
use crate::config::{Config, ConfigError};
use crate::{Failure, telemetry};

const SETTING: &str = "SECRETS_KEY";
/// Key file with PostgreSQL, in the working directory.
const FALLBACK: &str = "data/secrets.key";

/// Reads the key, or creates it when the database holds no encrypted secret yet.
pub async fn load(config: &Config, db: &Db) -> Result<Secrets, Failure> {
    if let Some(key) = &config.secrets_key {
        return Ok(Secrets::new(*key.expose_secret()));
    }
    let url = config.database_url.expose_secret();
    let is_sqlite = url.starts_with("sqlite:");
    let Some(file) = key_file(url) else {
        // A database in memory does not outlive its key.
        return Ok(Secrets::new(Clock::System.entropy()));
    };
    if file.exists() {
        return read_secrets(&file);
    }
    if payments::secrets::has_sealed(db).await? {
        return Err(missing_secrets(Some(&file)).into());
    }
    if !is_sqlite {
        tracing::warn!(
            "SECRETS_KEY is not set: every server of this database needs the same; this one makes {}",
            file.display()
        );
    }
    make_secrets(&file)
}

/// Encrypts secrets that an earlier version stored plain, and refuses a key that does not decrypt the stored ones.
pub async fn check(services: &Services) -> Result<(), Failure> {
    match payments::secrets::seal_plain_secrets(services).await? {
        Ok(()) => Ok(()),
        Err(SecretsError::OtherKey) => Err(other_key().into()),
        Err(error @ SecretsError::Damaged) => {
            // It concerns one person only: others must be able to log in and reset that second factor.
            tracing::error!(
                error = telemetry::chain(&error),
                "a second factor in the database cannot be opened"
            );
            Ok(())
        }
    }
}

/// Looks whether the key opens what is sealed in the database. It makes no key and seals nothing.
pub async fn check_readable(config: &Config, db: &Db) -> Result<(), Failure> {
    let file = key_file(config.database_url.expose_secret());
    let secrets = match (&config.secrets_key, &file) {
        (Some(key), _) => Secrets::new(*key.expose_secret()),
        (None, Some(file)) if file.exists() => read_secrets(file)?,
        (None, _) => {
            return match payments::secrets::has_sealed(db).await? {
                true => Err(missing_secrets(file.as_deref()).into()),
                false => Ok(()),
            };
        }
    };
    match payments::secrets::open_all(&secrets, db).await? {
        Err(SecretsError::OtherKey) => Err(other_key().into()),
        // Of one person only, who can be reset in the console.
        Ok(()) | Err(SecretsError::Damaged) => Ok(()),
    }
}

fn missing_secrets(file: Option<&Path>) -> ConfigError {
    let file = file.map_or_else(String::new, |file| format!(" ({})", file.display()));
    let problem = format!(
        "missing: secrets in this database are sealed, and the file with their key is not there{file}"
    );
    ConfigError::new(SETTING, problem)
}

fn other_key() -> ConfigError {
    ConfigError::new(
        SETTING,
        "is not the key that the secrets in this database are sealed with",
    )
}

fn key_file(database_url: &str) -> Option<PathBuf> {
    if !database_url.starts_with("sqlite:") {
        return Some(PathBuf::from(FALLBACK));
    }
    Some(sqlite_file(database_url)?.parent()?.join("secrets.key"))
}

fn read_secrets(file: &Path) -> Result<Secrets, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        ConfigError::new(
            SETTING,
            format!("is not set, and {} cannot be read: {error}", file.display()),
        )
    })?;
    let mode = std::fs::metadata(file).map_or(0o600, |meta| meta.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!("{} can be read by others: chmod 600 it", file.display());
    }
    let key = Secrets::parse_key(&text).ok_or_else(|| {
        ConfigError::new(
            SETTING,
            format!(
                "is not set, and {} does not hold 32 bytes as base64",
                file.display()
            ),
        )
    })?;
    Ok(Secrets::new(key))
}

/// Creates the key file and syncs it before its first use. Of two processes at once the later one reads the file.
fn make_secrets(file: &Path) -> Result<Secrets, Failure> {
    let key: [u8; KEY_BYTES] = Clock::System.entropy();
    match write_new(file, &Secrets::key_text(&key)) {
        Ok(()) => Ok(Secrets::new(key)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => read_secrets(file),
        Err(error) => Err(ConfigError::new(
            SETTING,
            format!("is not set, and {} cannot be made: {error}", file.display()),
        )
        .into()),
    }
}

/// Writes under a temporary name first, so that no process reads half a key.
fn write_new(file: &Path, text: &str) -> std::io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let draft = directory.join(format!(".secrets.key.{}", std::process::id()));
    let mut out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(out, "{text}")?;
    out.sync_all()?;
    let linked = std::fs::hard_link(&draft, file);
    std::fs::remove_file(&draft)?;
    linked?;
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("deep/secrets.key");
        make_secrets(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(Secrets::parse_key(&text).is_some());
        make_secrets(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        std::fs::write(&file, "short").unwrap();
        let problem = read_secrets(&file).unwrap_err().to_string();
        assert!(
            problem.contains("SECRETS_KEY") && problem.contains("secrets.key"),
            "{problem}"
        );
        assert_eq!(key_file("postgres://localhost/x"), Some(PathBuf::from(FALLBACK)));
        assert_eq!(
            key_file("sqlite:///var/x.db"),
            Some(PathBuf::from("/var/secrets.key"))
        );
    }
}
