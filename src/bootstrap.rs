//! The first start: directories, the first API key and the first owner.

use std::path::{Path, PathBuf};

use payments::Services;
use payments::api_keys::{self, KeyDraft, KeyLimits, Scope};
use payments::users::{self, Role};
use payments::webhook;
use payments::{console, epay};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{Config, GatewayMode};
use crate::os_user::command_visit;
use crate::{Failure, password, say, start_report};

/// Credentials created at this start, which are shown once.
#[derive(Debug, Default)]
pub struct Welcome {
    api_key: Option<SecretString>,
    admin: Option<(String, SecretString)>,
    /// Hints for creating new credentials, when an earlier start has already shown the first ones.
    hints: Vec<&'static str>,
}

const KEY_HINT: &str = "For another API key: tongqian key create --name NAME";
const LOGIN_HINT: &str = "For another login of the console: tongqian admin create --email EMAIL";

impl Welcome {
    pub fn print(&self) {
        if let Some(key) = &self.api_key {
            say(&format!("API key: {}", key.expose_secret()));
        }
        if let Some((email, password)) = &self.admin {
            say(&format!("Admin login: {email} / {}", password.expose_secret()));
        }
        for hint in &self.hints {
            say(hint);
        }
    }
}

pub async fn first_start(config: &Config, services: &Services) -> Result<Welcome, Failure> {
    let is_simulator = matches!(config.gateways, GatewayMode::Simulator);
    let mut welcome = Welcome::default();
    if let Some(key) = &config.api_key {
        api_keys::ensure_api_key(
            services,
            &command_visit(),
            &draft_key("API_KEY"),
            key.expose_secret(),
        )
        .await?;
    } else if is_simulator && !api_keys::has_api_keys(services).await? {
        let key = api_keys::create_api_key(services, &command_visit(), &draft_key("first start")).await?;
        welcome.api_key = Some(SecretString::from(key));
    } else if is_simulator {
        welcome.hints.push(KEY_HINT);
    }
    if let Some(merchant) = config.epay.merchant.as_ref().filter(|_| config.epay.is_on) {
        let actor = command_visit();
        let public_key = merchant.public_key.as_deref();
        epay::ensure_merchant(services, &actor, merchant.pid, &merchant.key, public_key).await?;
    }
    if let Some(endpoint) = &config.webhooks.endpoint {
        webhook::ensure_endpoint(services, &endpoint.url, &endpoint.secret).await?;
    }
    if users::has_users(services).await? {
        if is_simulator && config.first_admin.is_none() {
            welcome.hints.push(LOGIN_HINT);
        }
        return Ok(welcome);
    }
    if let Some(owner) = &config.first_admin {
        create_owner(services, &owner.email, &owner.password).await?;
    } else if is_simulator {
        let email = "admin@example.com".to_owned();
        let password = SecretString::from(services.clock.nonce());
        if create_owner(services, &email, &password).await? {
            welcome.admin = Some((email, password));
        }
    }
    Ok(welcome)
}

const fn draft_key(name: &str) -> KeyDraft<'_> {
    KeyDraft {
        name,
        scopes: &Scope::ALL,
        limits: KeyLimits {
            per_refund: None,
            per_day: None,
        },
    }
}

async fn create_owner(services: &Services, email: &str, password: &SecretString) -> Result<bool, Failure> {
    let hash = password::hash(password.clone()).await?;
    let owner = console::Invitation {
        email,
        password_hash: &hash,
        role: Role::Owner,
        must_change_password: false,
    };
    Ok(console::invite(services, &command_visit(), owner).await?)
}

/// Creates the directory of a SQLite file, readable only by its owner: SQLite creates the file but not the directory.
pub fn make_directory_of(database_url: &str) -> Result<(), Failure> {
    let Some(directory) = sqlite_file(database_url).and_then(|file| file.parent().map(Path::to_owned)) else {
        return Ok(());
    };
    let what = format!("the directory {} cannot be made", directory.display());
    make_private_directory(&directory).map_err(Failure::setting("DATABASE_URL", what))
}

pub fn make_private_directory(directory: &Path) -> std::io::Result<()> {
    let mut made = std::fs::DirBuilder::new();
    made.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
    made.create(directory)
}

/// Directory of the simulator's files with PostgreSQL, which has no directory of ours.
const POSTGRES_SIMULATOR: &str = "data/simulator";

/// Returns the directory of the simulator's keys and the file of its state, beside the database: keys that were handed out
/// and trades under way survive a restart.
pub fn simulator_files(config: &Config) -> Option<(PathBuf, PathBuf)> {
    let url = config.database_url.expose_secret();
    if let Some(file) = sqlite_file(url) {
        let directory = file.parent()?.join("simulator");
        let books = directory.join(file.file_stem()?).with_extension("books.json");
        return Some((directory, books));
    }
    if url.starts_with("sqlite:") {
        return None;
    }
    let directory = PathBuf::from(POSTGRES_SIMULATOR);
    // With a remote database the working directory may be read-only.
    if let Err(error) = make_private_directory(&directory) {
        let shown = directory.display();
        tracing::warn!(%error, "the simulator loses its trades at the next start: {shown} cannot be created");
        return None;
    }
    // Without the password, which may change while the database stays the same.
    let name: String = start_report::describe_database(url)
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let books = directory.join(format!("{name}.books.json"));
    Some((directory, books))
}

pub fn sqlite_file(database_url: &str) -> Option<PathBuf> {
    let path = database_url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_a_sqlite_file_is_known() {
        for (url, file) in [
            ("sqlite://data/tongqian.db", Some("data/tongqian.db")),
            ("sqlite:data/tongqian.db?mode=rwc", Some("data/tongqian.db")),
            ("sqlite:///var/lib/tongqian.db", Some("/var/lib/tongqian.db")),
            ("sqlite::memory:", None),
            ("postgres://localhost/tongqian", None),
        ] {
            assert_eq!(sqlite_file(url), file.map(PathBuf::from), "{url}");
        }
    }
}
