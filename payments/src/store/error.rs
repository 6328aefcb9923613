//! Errors of the store: which of them a later try may not meet, and which are lost races.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A compare-and-set was lost: the closure is run again on the current data.
    #[error("the row has changed since it was read")]
    Stale,
    #[error("a row cannot be read: {0}")]
    Corrupt(&'static str),
    /// The commit may have taken effect. It is never retried here: the caller must look before trying again.
    #[error("the database gave no answer to a commit, which may have taken effect")]
    CommitUnknown,
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
    #[error("the migrations failed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("DATABASE_URL must start with sqlite: or postgres:")]
    Engine,
    /// A setting without which an acknowledged notification could be lost at a power failure.
    #[error("PostgreSQL runs with {0} = off: an acknowledged payment could be lost")]
    NotDurable(&'static str),
}

impl StoreError {
    /// Whether the address cannot be parsed: no connection was tried.
    pub fn is_bad_address(&self) -> bool {
        matches!(self, StoreError::Sql(sqlx::Error::Configuration(_)))
    }

    /// Whether the database is unavailable: missing, silent, out of connections, or not writable. The same work may succeed
    /// later.
    pub fn is_absence(&self) -> bool {
        match self {
            StoreError::CommitUnknown => true,
            // Retried too often.
            StoreError::Stale => true,
            StoreError::Sql(
                sqlx::Error::Io(_)
                // The peer is not, or no longer, a database: a proxy, or a connection that was cut in a message.
                | sqlx::Error::Protocol(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
            ) => true,
            StoreError::Sql(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                    is_absence_of_sqlite(&code)
                } else {
                    is_absence_of_postgres(&code)
                }
            }
            _ => false,
        }
    }
}

/// Unavailability on SQLite: busy (5), locked (6), read-only (8), a failed read or write (10), a full disk (13), a file
/// that cannot be opened (14). Compares the low byte of the extended code.
fn is_absence_of_sqlite(code: &str) -> bool {
    const PRIMARY: i32 = 0xFF;
    code.parse::<i32>()
        .is_ok_and(|code| matches!(code & PRIMARY, 5 | 6 | 8 | 10 | 13 | 14))
}

/// Unavailability on PostgreSQL: connection failures (class 08), refused logins (28), a full disk or no memory (53),
/// shutdown, startup and statement timeouts (57), and system errors (58); a missing database, a read-only server, and races
/// that were lost at every try.
fn is_absence_of_postgres(code: &str) -> bool {
    const CLASSES: [&str; 5] = ["08", "28", "53", "57", "58"];
    CLASSES.iter().any(|class| code.starts_with(class))
        || matches!(code, "3D000" | "25006" | "40001" | "40P01" | "55P03")
}

/// An error of a write that may be a lost race.
pub(crate) trait FromStore: From<StoreError> + Send {
    fn store_error(&self) -> Option<&StoreError>;
}

impl FromStore for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl StoreError {
    /// A serialization failure, deadlock or lock timeout of PostgreSQL, a unique value that another transaction was first to
    /// write (on SQLite too: 1555 and 2067), and our own compare-and-set.
    pub(super) fn is_lost_race(&self) -> bool {
        match self {
            StoreError::Stale => true,
            StoreError::Sql(sqlx::Error::Database(error)) => {
                matches!(
                    error.code().as_deref(),
                    Some("40001" | "40P01" | "23505" | "55P03" | "1555" | "2067")
                )
            }
            _ => false,
        }
    }
}
