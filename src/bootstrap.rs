//! The first start: directories, the first API key and the first owner, so that nobody needs a second tool to begin.

use std::path::{Path, PathBuf};

use payments::Services;
use payments::admin::{self, Role, Scope};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{Config, GatewayMode};
use crate::{Failure, password, say};

/// What was made at this start and is shown once.
#[derive(Debug, Default)]
pub struct Welcome {
    api_key: Option<SecretString>,
    admin: Option<(String, SecretString)>,
}

impl Welcome {
    pub fn print(&self) {
        if let Some(key) = &self.api_key {
            say(&format!("API key: {}", key.expose_secret()));
        }
        if let Some((email, password)) = &self.admin {
            say(&format!("Admin login: {email} / {}", password.expose_secret()));
        }
    }
}

pub async fn first_start(config: &Config, services: &Services) -> Result<Welcome, Failure> {
    let is_simulator = matches!(config.gateways, GatewayMode::Simulator);
    let mut welcome = Welcome::default();
    if let Some(key) = &config.api_key {
        admin::ensure_api_key(services, "API_KEY", key.expose_secret(), &Scope::ALL).await?;
    } else if is_simulator && !admin::has_api_keys(services).await? {
        let key = admin::create_api_key(services, "first start", &Scope::ALL).await?;
        welcome.api_key = Some(SecretString::from(key));
    }
    if admin::has_users(services).await? {
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

async fn create_owner(services: &Services, email: &str, password: &SecretString) -> Result<bool, Failure> {
    let hash = password::hash(password.clone()).await?;
    Ok(admin::create_user(services, email, &hash, Role::Owner).await?)
}

/// SQLite makes the file but not the directory it lies in.
pub fn make_directory_of(database_url: &str) -> Result<(), Failure> {
    let Some(directory) = sqlite_file(database_url).and_then(|file| file.parent().map(Path::to_owned)) else {
        return Ok(());
    };
    std::fs::create_dir_all(&directory).map_err(Failure::io(format!("cannot make {}", directory.display())))
}

/// Beside the database, so that a merchant who was given these keys can use them after a restart too.
pub fn simulator_keys_of(config: &Config) -> Option<PathBuf> {
    let file = sqlite_file(config.database_url.expose_secret())?;
    Some(file.parent()?.join("simulator"))
}

fn sqlite_file(database_url: &str) -> Option<PathBuf> {
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
