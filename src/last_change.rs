//! File with the newest change of an order, beside an SQLite database: a database that does not hold it was restored from an
//! older backup. On PostgreSQL there is none: many servers share the database, and none of them has a place beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use payments::Services;
use payments::restore::{LastChange, find_last_change, note_restored};
use secrecy::ExposeSecret as _;

use crate::backup::directory_of;
use crate::bootstrap::sqlite_file;
use crate::config::Config;
use crate::{Failure, telemetry};

/// The file, and what it holds; cheap to clone.
#[derive(Debug, Clone)]
pub struct LastChangeFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    written: Mutex<Option<LastChange>>,
}

/// Content of the file.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    order_id: String,
    version: i64,
    changed_at_ms: i64,
}

impl LastChangeFile {
    /// `None` with PostgreSQL and with a database in memory.
    pub fn of(config: &Config) -> Option<LastChangeFile> {
        let mut path = sqlite_file(config.database_url.expose_secret())?.into_os_string();
        path.push(".last-change");
        Some(LastChangeFile(Arc::new(Inner {
            path: path.into(),
            written: Mutex::default(),
        })))
    }

    /// Compares the database of this start with what was remembered, and remembers what it holds.
    pub async fn check(&self, services: &Services) -> Result<(), Failure> {
        match self.read() {
            Ok(Some(remembered)) => {
                note_restored(services, &remembered).await?;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "{} is not readable: an older copy of the database is not noticed", self.0.path.display());
            }
        }
        self.remember(services).await;
        Ok(())
    }

    /// Writes the newest change, if there is a newer one. A file that cannot be written costs the next start its comparison.
    pub async fn remember(&self, services: &Services) {
        let found = match find_last_change(services).await {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(
                    error = telemetry::chain(&error),
                    "the newest change is not remembered"
                );
                return;
            }
        };
        let mut written = self.0.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.as_ref() == Some(&found) {
            return;
        }
        match self.write(&found) {
            Ok(()) => *written = Some(found),
            Err(error) => tracing::warn!(%error, "{} is not written", self.0.path.display()),
        }
    }

    fn read(&self) -> io::Result<Option<LastChange>> {
        let text = match fs::read(&self.0.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let content: Content = serde_json::from_slice(&text)?;
        Ok(Some(LastChange {
            order_id: content.order_id,
            version: content.version,
            changed_at: Timestamp::from_millis(content.changed_at_ms),
        }))
    }

    /// Under another name first: half a file would hide an older copy.
    fn write(&self, change: &LastChange) -> io::Result<()> {
        let content = Content {
            order_id: change.order_id.clone(),
            version: change.version,
            changed_at_ms: change.changed_at.millis(),
        };
        let mut draft = self.0.path.clone().into_os_string();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        let mut options = OpenOptions::new();
        let mut out = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        out.write_all(&serde_json::to_vec(&content)?)?;
        out.sync_all()?;
        fs::rename(&draft, &self.0.path)?;
        File::open(directory_of(&self.0.path))?.sync_all()
    }
}
