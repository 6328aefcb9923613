//! SQLite with one writer and group commit: closures that wait together share one `fdatasync`.
//!
//! A caller runs its closure inside the group's transaction, then queues once more for the writer. The queue is fair,
//! so everybody who waited meanwhile has had a turn, and whoever is first again commits for all of them.

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{Mutex, watch};

use super::{Engine, FromStore, StoreError, Tx, Work};

const READERS: u32 = 8;
/// More closures than this in one commit only make the first of them wait.
const MAX_GROUP: u32 = 128;
/// A closure whose neighbours keep failing is told so instead of waiting for ever.
const MAX_TURNS: u32 = 100;

#[derive(Debug, Clone)]
pub struct SqliteDb {
    writer: Arc<Mutex<Writer>>,
    readers: SqlitePool,
}

/// The only connection that writes.
#[derive(Debug)]
struct Writer {
    options: SqliteConnectOptions,
    /// Lent to the closure that runs. Missing at the next turn, its caller has gone in the middle of it, and took the
    /// connection and the whole group with it.
    connection: Option<SqliteConnection>,
    group: Option<Group>,
}

/// The closures of one open transaction.
#[derive(Debug)]
struct Group {
    outcome: watch::Sender<Outcome>,
    n_members: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Open,
    Committed,
    /// A neighbour failed and took the transaction with it: run again.
    RolledBack,
}

impl SqliteDb {
    pub(super) async fn open(url: &str, migrations: &Migrator) -> Result<SqliteDb, StoreError> {
        let options: SqliteConnectOptions = url.parse()?;
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL does not sync at every commit: acknowledged payments would be lost with the power.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let mut connection = options.connect().await?;
        migrations.run_direct(None, &mut connection, false).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.clone().read_only(true).create_if_missing(false))
            .await?;
        let writer = Writer {
            options,
            connection: Some(connection),
            group: None,
        };
        Ok(SqliteDb {
            writer: Arc::new(Mutex::new(writer)),
            readers,
        })
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The journal mode and the synchronous level of the writer, as SQLite reports them.
    #[cfg(test)]
    pub(super) async fn durability(&self) -> Result<(String, i64), StoreError> {
        let mut writer = self.writer.lock().await;
        let connection = writer
            .connection
            .as_mut()
            .expect("no closure runs while the writer is locked");
        let journal_mode = sqlx::query_scalar("pragma journal_mode")
            .fetch_one(&mut *connection)
            .await?;
        let synchronous = sqlx::query_scalar("pragma synchronous")
            .fetch_one(&mut *connection)
            .await?;
        Ok((journal_mode, synchronous))
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        let mut writer = self.writer.lock().await;
        if let Err(error) = writer.commit().await {
            tracing::error!(%error, "the last group of writes was not committed");
        }
    }

    pub(super) async fn write<'a, T, E, F>(&self, work: &F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        for _ in 0..MAX_TURNS {
            let (value, mut outcome) = {
                let mut writer = self.writer.lock().await;
                let connection = writer.join().await?;
                let mut tx = Tx::new(Engine::Writer {
                    connection,
                    wrote: false,
                });
                let result = work(&mut tx).await;
                let Engine::Writer { connection, wrote } = tx.engine else {
                    unreachable!("a closure does not change its engine")
                };
                writer.connection = Some(connection);
                match result {
                    Ok(value) => (value, writer.admit().await?),
                    Err(error) => {
                        writer.take_out(wrote).await?;
                        return Err(error);
                    }
                }
            };
            if self.committed(&mut outcome).await? {
                return Ok(value);
            }
        }
        Err(StoreError::Stale.into())
    }

    /// Waits for the turn after everybody who was already waiting, and commits unless somebody has.
    async fn committed(&self, outcome: &mut watch::Receiver<Outcome>) -> Result<bool, StoreError> {
        loop {
            let state = *outcome.borrow_and_update();
            match state {
                Outcome::Committed => return Ok(true),
                Outcome::RolledBack => return Ok(false),
                Outcome::Open => {}
            }
            tokio::select! {
                biased;
                // The sender never goes away while the group is open; a closed channel means a failed commit.
                changed = outcome.changed() => if changed.is_err() { return Ok(false) },
                mut writer = self.writer.lock() => {
                    if *outcome.borrow() == Outcome::Open {
                        writer.commit().await?;
                    }
                }
            }
        }
    }
}

impl Writer {
    /// Lends the connection, with a healthy transaction open on it.
    async fn join(&mut self) -> Result<SqliteConnection, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.end_group(Outcome::RolledBack);
                self.options.connect().await?
            }
        };
        if self.group.is_none() {
            if let Err(error) = sqlx::query("begin immediate").execute(&mut connection).await {
                self.connection = Some(connection);
                return Err(error.into());
            }
            self.group = Some(Group {
                outcome: watch::Sender::new(Outcome::Open),
                n_members: 0,
            });
        }
        Ok(connection)
    }

    /// Counts a closure that went well into the group.
    async fn admit(&mut self) -> Result<watch::Receiver<Outcome>, StoreError> {
        let group = self.group.as_mut().expect("a closure runs only in an open group");
        group.n_members += 1;
        let outcome = group.outcome.subscribe();
        if group.n_members >= MAX_GROUP {
            self.commit().await?;
        }
        Ok(outcome)
    }

    /// A closure failed. What it only read needs no undoing; what it wrote takes the whole group back.
    async fn take_out(&mut self, wrote: bool) -> Result<(), StoreError> {
        let is_alone = self.group.as_ref().is_some_and(|group| group.n_members == 0);
        if wrote || is_alone {
            self.roll_back().await
        } else {
            Ok(())
        }
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let Some(connection) = self.connection.as_mut().filter(|_| self.group.is_some()) else {
            self.end_group(Outcome::RolledBack);
            return Ok(());
        };
        match sqlx::query("commit").execute(connection).await {
            Ok(_) => {
                self.end_group(Outcome::Committed);
                Ok(())
            }
            // A failed commit may leave the transaction open (disk full): it must not swallow the next group.
            Err(error) => {
                let _ = self.roll_back().await;
                Err(error.into())
            }
        }
    }

    async fn roll_back(&mut self) -> Result<(), StoreError> {
        self.end_group(Outcome::RolledBack);
        let Some(connection) = self.connection.as_mut() else {
            return Ok(());
        };
        sqlx::query("rollback").execute(connection).await?;
        Ok(())
    }

    fn end_group(&mut self, outcome: Outcome) {
        if let Some(group) = self.group.take() {
            group.outcome.send_replace(outcome);
        }
    }
}
