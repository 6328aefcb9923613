//! SQLite with one writer and group commit: closures that wait together share one `fdatasync`.
//!
//! A task owns the connection that writes ([`writer`]). It lends the connection to one closure after the other and commits
//! when no closure waits, so no caller that goes away can take a commit, or its outcome, with it.

mod files;
mod loan;
#[cfg(any(test, feature = "faults"))]
mod trouble;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{Notify, mpsc, oneshot};

pub(crate) use self::loan::Loan;
use self::loan::Outcome;
#[cfg(any(test, feature = "faults"))]
pub use self::trouble::{CommitTrouble, LostCommit};
use self::writer::{Request, Writer};
use super::after_commit::AfterCommit;
use super::connections::{Borrowed, Connections};
use super::{Engine, FromStore, StoreError, Tx, Work, append_only};
use crate::clock::Draws;

const READERS: u32 = 8;
/// Longest wait for a reader of the file: readers are only ever busy, so a crowd waits for its turn.
const READER_TIMEOUT: Duration = Duration::from_secs(30);
/// Limits retries of a closure whose group keeps being rolled back.
const MAX_TURNS: u32 = 100;

/// Whether missing append-only triggers are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guards {
    PutUp,
    AsTheyAre,
}

#[derive(Debug, Clone)]
pub struct SqliteDb {
    requests: mpsc::UnboundedSender<Request>,
    readers: Connections<SqliteConnection>,
    event_bell: Arc<Notify>,
    #[cfg(any(test, feature = "faults"))]
    trouble: CommitTrouble,
    #[cfg(feature = "faults")]
    is_simulated: bool,
}

/// Outcome of a closure on the lent connection. Its result counts when its group is committed.
struct Turn<T, E> {
    result: Result<T, E>,
    outcome: oneshot::Receiver<Outcome>,
    after_commit: AfterCommit,
}

impl SqliteDb {
    pub(super) async fn open(
        url: &str,
        migrations: &Migrator,
        guards: Guards,
    ) -> Result<SqliteDb, StoreError> {
        // NORMAL does not sync at every commit: acknowledged payments would be lost at a power failure.
        let (options, connection) = connect_file(url, SqliteSynchronous::Full, migrations, guards).await?;
        SqliteDb::start(options, connection, false).await
    }

    /// Opens without syncing: a simulated crash loses no page of memory.
    #[cfg(feature = "faults")]
    pub(super) async fn simulated(url: &str, migrations: &Migrator) -> Result<SqliteDb, StoreError> {
        let (options, connection) =
            connect_file(url, SqliteSynchronous::Off, migrations, Guards::PutUp).await?;
        SqliteDb::start(options, connection, true).await
    }

    #[cfg_attr(
        not(feature = "faults"),
        expect(unused_variables, reason = "only a simulation commits when it is told to")
    )]
    async fn start(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        is_simulated: bool,
    ) -> Result<SqliteDb, StoreError> {
        let read_only = options.clone().read_only(true).create_if_missing(false);
        let readers = Connections::open(read_only, READERS, READER_TIMEOUT).await?;
        let (sender, requests) = mpsc::unbounded_channel();
        let writer = Writer::new(options, connection, requests);
        #[cfg(any(test, feature = "faults"))]
        let trouble = CommitTrouble::default();
        #[cfg(any(test, feature = "faults"))]
        let writer = writer.in_trouble(trouble.clone());
        #[cfg(feature = "faults")]
        let writer = writer.commits_when_told(is_simulated);
        tokio::spawn(writer.run());
        Ok(SqliteDb {
            requests: sender,
            readers,
            event_bell: Arc::default(),
            #[cfg(any(test, feature = "faults"))]
            trouble,
            #[cfg(feature = "faults")]
            is_simulated,
        })
    }

    #[cfg(feature = "faults")]
    pub(super) fn is_simulated(&self) -> bool {
        self.is_simulated
    }

    /// Fault injection for the commits of this database.
    #[cfg(any(test, feature = "faults"))]
    pub fn trouble(&self) -> &CommitTrouble {
        &self.trouble
    }

    pub(super) fn exists(url: &str) -> Result<bool, StoreError> {
        let options: SqliteConnectOptions = url.parse()?;
        Ok(options.get_filename().exists())
    }

    pub(super) const fn readers(&self) -> &Connections<SqliteConnection> {
        &self.readers
    }

    pub(super) fn event_bell(&self) -> &Notify {
        &self.event_bell
    }

    /// Begins a transaction that sees one unchanging state.
    pub(super) async fn begin_snapshot(&self) -> Result<Engine, StoreError> {
        let mut borrowed = self.readers.acquire().await?;
        borrowed.enter_transaction();
        send_command(&mut borrowed, "begin").await?;
        Ok(Engine::Reader(borrowed))
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let mut borrowed = self.readers.acquire().await?;
        Ok(send_command(&mut borrowed, "select 1").await?)
    }

    /// Commits what is admitted and closes every connection; afterwards the `.db` file alone is the whole database.
    pub(super) async fn close(&self) {
        // The readers first: the WAL can be emptied only without readers.
        self.readers.close().await;
        let (reply, closed) = oneshot::channel();
        if self.requests.send(Request::Close(reply)).is_ok() {
            // An error says that the task has ended already.
            drop(closed.await);
        }
    }

    pub(super) async fn write<'a, T, E, F>(&self, work: &F, draws: &Draws) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        for _ in 0..MAX_TURNS {
            let Turn {
                result,
                outcome,
                after_commit,
            } = self.in_one_step(Box::pin(self.take_turn(work, draws))).await?;
            match self.in_one_step(self.hear(outcome)).await {
                Outcome::Committed => {
                    if result.is_ok() {
                        after_commit.run(&self.event_bell);
                    }
                    return result;
                }
                // Its own statement found no room: SQLite has ended the transaction of all, and this one would fail again.
                Outcome::RolledBack if result.as_ref().is_err_and(is_absence) => return result,
                Outcome::RolledBack => self.note_rerun(),
                Outcome::Unknown => return Err(StoreError::CommitUnknown.into()),
            }
        }
        Err(StoreError::Stale.into())
    }

    /// Runs the closure on the lent connection. Its result counts once its group is committed.
    async fn take_turn<'a, T, E, F>(&self, work: &F, draws: &Draws) -> Result<Turn<T, E>, StoreError>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let closed = || StoreError::Sql(sqlx::Error::PoolClosed);
        let (reply, turn) = oneshot::channel();
        self.requests.send(Request::Turn(reply)).map_err(|_| closed())?;
        let loan = turn.await.map_err(|_| closed())??;
        let mut tx = Tx::new(Engine::Writer(loan));
        let result = tx.run_work(work, draws).await;
        let Engine::Writer(loan) = tx.engine else {
            unreachable!("a closure does not change its engine")
        };
        let outcome = loan.give_back(result.is_ok());
        Ok(Turn {
            result,
            outcome,
            after_commit: tx.after_commit,
        })
    }

    /// Waits for the outcome from the writer task. Without one it is unknown whether the commit took effect.
    async fn hear(&self, outcome: oneshot::Receiver<Outcome>) -> Outcome {
        #[cfg(feature = "faults")]
        if self.is_simulated {
            // An error means that the task has ended; then the outcome stays unknown too.
            drop(self.requests.send(Request::Commit));
            crate::faults::cut_point().await;
        }
        outcome.await.unwrap_or(Outcome::Unknown)
    }

    #[cfg(any(test, feature = "faults"))]
    fn note_rerun(&self) {
        self.trouble.note_rerun();
    }

    #[cfg(not(any(test, feature = "faults")))]
    fn note_rerun(&self) {
        tracing::debug!("a write is run again because its group was rolled back");
    }

    #[cfg(not(feature = "faults"))]
    async fn in_one_step<T>(&self, work: impl Future<Output = T>) -> T {
        work.await
    }

    /// In a simulation a turn is one step, and so is a commit: the executor chooses what runs between them.
    #[cfg(feature = "faults")]
    pub(super) async fn in_one_step<T>(&self, work: impl Future<Output = T>) -> T {
        if self.is_simulated {
            super::step::in_one_step(work).await
        } else {
            work.await
        }
    }
}

/// Whether the database could not run a statement, in its present state.
fn is_absence<E: FromStore>(error: &E) -> bool {
    matches!(error.store_error(), Some(error @ StoreError::Sql(_)) if error.is_absence())
}

async fn send_command(
    borrowed: &mut Borrowed<SqliteConnection>,
    sql: &'static str,
) -> Result<(), sqlx::Error> {
    let sent = sqlx::raw_sql(sql).execute(borrowed.lend()).await;
    borrowed.note(sent).map(drop)
}

/// Ends a transaction that has only read.
pub(super) async fn end_snapshot(mut borrowed: Borrowed<SqliteConnection>) {
    match send_command(&mut borrowed, "rollback").await {
        Ok(()) => borrowed.leave_transaction(),
        Err(error) => tracing::debug!(%error, "a connection that cannot roll back is replaced"),
    }
}

/// Opens the file, creates it when there is none, and migrates its schema.
async fn connect_file(
    url: &str,
    synchronous: SqliteSynchronous,
    migrations: &Migrator,
    guards: Guards,
) -> Result<(SqliteConnectOptions, SqliteConnection), StoreError> {
    let options: SqliteConnectOptions = url.parse()?;
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    files::create_private(url, options.get_filename());
    let mut connection = options.connect().await?;
    migrations.run_direct(None, &mut connection, false).await?;
    if guards == Guards::PutUp {
        append_only::protect_sqlite(&mut connection).await?;
    }
    Ok((options, connection))
}
