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

use super::{Engine, FromStore, StoreError, Tx, Work, append_only};

const READERS: u32 = 8;
/// More closures than this in one commit only make the first of them wait.
const MAX_GROUP: u32 = 128;
/// A closure whose neighbours keep failing is told so instead of waiting for ever.
const MAX_TURNS: u32 = 100;
const NOBODY_RUNS: &str = "no closure runs while the writer is locked";

#[derive(Debug, Clone)]
pub struct SqliteDb {
    writer: Arc<Mutex<Writer>>,
    readers: SqlitePool,
    #[cfg(feature = "faults")]
    is_simulated: bool,
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
        // NORMAL does not sync at every commit: acknowledged payments would be lost with the power.
        SqliteDb::with(url, SqliteSynchronous::Full, migrations).await
    }

    /// A simulated crash takes no page of memory with it, so there is no reason to wait for a disk.
    #[cfg(feature = "faults")]
    pub(super) async fn simulated(url: &str, migrations: &Migrator) -> Result<SqliteDb, StoreError> {
        Ok(SqliteDb {
            is_simulated: true,
            ..SqliteDb::with(url, SqliteSynchronous::Off, migrations).await?
        })
    }

    #[cfg(feature = "faults")]
    pub(super) fn is_simulated(&self) -> bool {
        self.is_simulated
    }

    async fn with(
        url: &str,
        synchronous: SqliteSynchronous,
        migrations: &Migrator,
    ) -> Result<SqliteDb, StoreError> {
        let options: SqliteConnectOptions = url.parse()?;
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
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
            #[cfg(feature = "faults")]
            is_simulated: false,
        })
    }

    pub(super) async fn protect(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        append_only::protect_sqlite(writer.connection.as_mut().expect(NOBODY_RUNS)).await
    }

    pub(super) fn exists(url: &str) -> Result<bool, StoreError> {
        let options: SqliteConnectOptions = url.parse()?;
        Ok(options.get_filename().exists())
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The journal mode and the synchronous level of the writer, as SQLite reports them.
    #[cfg(test)]
    pub(super) async fn durability(&self) -> Result<(String, i64), StoreError> {
        let mut writer = self.writer.lock().await;
        let connection = writer.connection.as_mut().expect(NOBODY_RUNS);
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
            let (result, mut outcome) = {
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
                    Ok(value) => (Ok(value), writer.admit().await?),
                    Err(error) => {
                        // After an error of its own, SQLite may have ended the transaction without saying so.
                        let is_sound = !matches!(error.store_error(), Some(StoreError::Sql(_)));
                        match writer.take_out(wrote || !is_sound).await {
                            None => return Err(error),
                            Some(outcome) => (Err(error), outcome),
                        }
                    }
                }
            };
            if self.committed(&mut outcome).await? {
                return result;
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
            // A connection that cannot begin is not kept: the next turn opens another one.
            sqlx::query("begin immediate").execute(&mut connection).await?;
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

    /// A closure failed. What it wrote takes the whole group back. What it only read needs no undoing, but it may
    /// have read what its neighbours wrote: its refusal is true when they are committed.
    async fn take_out(&mut self, must_undo: bool) -> Option<watch::Receiver<Outcome>> {
        let neighbours = self
            .group
            .as_ref()
            .filter(|group| group.n_members > 0 && !must_undo);
        let outcome = neighbours.map(|group| group.outcome.subscribe());
        if outcome.is_none() {
            self.roll_back().await;
        }
        outcome
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        if self.group.is_none() {
            return Ok(());
        }
        // Taken, not borrowed: whoever goes away during the commit leaves no connection behind whose state is unknown.
        let Some(mut connection) = self.connection.take() else {
            self.end_group(Outcome::RolledBack);
            return Ok(());
        };
        crash_point!("store.before_commit");
        let committed = sqlx::query("commit").execute(&mut connection).await;
        self.connection = Some(connection);
        match committed {
            Ok(_) => {
                self.end_group(Outcome::Committed);
                Ok(())
            }
            // A failed commit may leave the transaction open (disk full): it must not swallow the next group.
            Err(error) => {
                self.roll_back().await;
                Err(error.into())
            }
        }
    }

    /// A connection that cannot roll back is not kept: closing it undoes what it did.
    async fn roll_back(&mut self) {
        self.end_group(Outcome::RolledBack);
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        match sqlx::query("rollback").execute(&mut connection).await {
            Ok(_) => self.connection = Some(connection),
            Err(error) => tracing::warn!(%error, "a connection that cannot roll back is replaced"),
        }
    }

    fn end_group(&mut self, outcome: Outcome) {
        if let Some(group) = self.group.take() {
            group.outcome.send_replace(outcome);
        }
    }
}
