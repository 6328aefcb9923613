//! Advisory lock on an embedded database: a second server on one file would share neither its jobs nor its leases.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;

/// Held while the server runs. The operating system releases it however the process ends.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another server uses the database {}", .0.display())]
    InUse(PathBuf),
    #[error("{} cannot be locked", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl DatabaseLock {
    /// Takes the lock beside a SQLite file. `None`: the database is not a file and needs no lock.
    pub fn take(url: &str) -> Result<Option<DatabaseLock>, LockError> {
        let Some(database) = file_of(url) else {
            return Ok(None);
        };
        let path = path_beside(database.clone());
        let fail = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DatabaseLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(database)),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }
}

/// Whether a server holds the lock of a database now. It makes no file.
pub fn is_taken(url: &str) -> bool {
    let Some(database) = file_of(url) else {
        return false;
    };
    let Ok(file) = File::open(path_beside(database)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn file_of(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") {
        return None;
    }
    let options: SqliteConnectOptions = url.parse().ok()?;
    let path = options.get_filename();
    let is_memory = url.contains(":memory:") || url.contains("mode=memory");
    (!is_memory).then(|| path.to_owned())
}

/// Resolves links: two names of one file share one lock.
fn path_beside(database: PathBuf) -> PathBuf {
    let database = database.canonicalize().unwrap_or(database);
    let mut name = database.into_os_string();
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time_holds_a_file_whatever_it_is_called() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("shop.db");
        std::fs::write(&file, "").unwrap();
        let other_name = directory.path().join("other.db");
        std::os::unix::fs::symlink(&file, &other_name).unwrap();
        let url = format!("sqlite://{}", file.display());
        let other_url = format!("sqlite://{}?mode=rwc", other_name.display());
        let lock = DatabaseLock::take(&url).unwrap();
        assert!(lock.is_some());
        assert!(matches!(DatabaseLock::take(&url), Err(LockError::InUse(_))));
        assert!(matches!(DatabaseLock::take(&other_url), Err(LockError::InUse(_))));
        assert!(is_taken(&other_url));
        drop(lock);
        assert!(!is_taken(&other_url) && !is_taken("sqlite::memory:"));
        assert!(DatabaseLock::take(&other_url).unwrap().is_some());
        assert!(DatabaseLock::take("sqlite::memory:").unwrap().is_none());
        assert!(DatabaseLock::take("postgres://localhost/shop").unwrap().is_none());
    }
}
