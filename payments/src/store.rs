//! Database access: two engines, one SQL text per query, and writes that are durable before they are answered.
//!
//! Only the files below this one contain SQL. A write is a closure that may run again: after a lost race, and on SQLite
//! when the transaction that it shares with others was rolled back. Each run sees the same time and draws the same ids.

mod after_commit;
pub(crate) mod alarms;
pub(crate) mod api_keys;
pub(crate) mod append_only;
pub(crate) mod approvals;
pub(crate) mod audit_log;
pub(crate) mod backup;
pub(crate) mod batch;
pub(crate) mod commit_span;
mod connections;
pub(crate) mod credit_requests;
pub(crate) mod deliveries;
pub(crate) mod due_times;
pub(crate) mod epay_attempts;
pub(crate) mod epay_merchants;
pub(crate) mod epay_refunds;
mod error;
pub(crate) mod events;
pub(crate) mod fee_entries;
pub(crate) mod figures;
pub(crate) mod files;
mod first_run;
pub(crate) mod forged_notifications;
pub(crate) mod gateway_calls;
pub(crate) mod held_logins;
pub(crate) mod idempotency;
pub(crate) mod incidents;
pub(crate) mod invariants;
pub(crate) mod ledger;
pub mod lock;
pub(crate) mod login_attempts;
pub(crate) mod login_devices;
pub(crate) mod notes;
pub(crate) mod notifications;
pub(crate) mod orders;
pub(crate) mod overdue;
pub(crate) mod payment_links;
pub(crate) mod payments;
pub(crate) mod personal;
mod postgres;
mod readiness;
pub(crate) mod reconciliation_differences;
pub(crate) mod reconciliations;
pub(crate) mod recovery_codes;
pub(crate) mod refund_approvals;
pub(crate) mod refunds;
pub(crate) mod requesters;
pub(crate) mod retention;
mod schema;
pub(crate) mod search;
pub(crate) mod served_accounts;
pub(crate) mod servers;
pub(crate) mod sessions;
pub(crate) mod shipping_uploads;
mod sqlite;
pub(crate) mod statements;
#[cfg(feature = "faults")]
mod step;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod used_forms;
pub(crate) mod users;
pub(crate) mod webhook_endpoints;
pub(crate) mod wechat_openids;

use std::marker::PhantomData;

use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::{PgConnection, SqliteConnection};

use self::after_commit::AfterCommit;
use self::connections::Borrowed;
pub(crate) use self::error::FromStore;
pub use self::error::StoreError;
pub(crate) use self::first_run::FirstRun;
pub use self::postgres::PostgresDb;
use self::postgres::find_not_durable;
pub use self::schema::{SchemaFacts, read_schema};
pub use self::sqlite::SqliteDb;
#[cfg(feature = "faults")]
pub use self::sqlite::{CommitTrouble, LostCommit};
use self::sqlite::{Guards, Loan};
use crate::clock::Draws;
use crate::model::event::NewEvent;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");
/// Retries of a lost race on PostgreSQL before the caller gets the error.
const MAX_RERUNS: u32 = 3;

/// Connection pool of one engine; cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    Sqlite(SqliteDb),
    Postgres(PostgresDb),
}

/// Transaction of one engine. It is never alive across a call to a gateway.
///
/// `'a` is the lifetime of the values that a closure borrows: a future that holds `&'t mut Tx<'a>` may hold them too.
#[derive(Debug)]
pub struct Tx<'a> {
    pub(crate) engine: Engine,
    /// A statement failed: nothing of the transaction may be committed, whatever its closure returns.
    is_broken: bool,
    after_commit: AfterCommit,
    /// Events of what was changed, written before the commit.
    events: Vec<NewEvent>,
    /// Whether a batch waits for the next statement or the end of the transaction, and `begin` for the first write.
    holds_batches: bool,
    held_batch: Vec<batch::write::Write>,
    /// A compare-and-set of a batch that had waited was lost.
    has_lost_race: bool,
    /// Counts statements: [`Db::read_one`] and [`Db::write_one`] allow one.
    n_statements: u32,
    outlives: PhantomData<&'a ()>,
}

#[derive(Debug)]
pub(crate) enum Engine {
    /// SQLite's writing connection, lent to one closure.
    Writer(Loan),
    Reader(Borrowed<SqliteConnection>),
    Postgres(Borrowed<PgConnection>),
}

/// Work of one transaction. It may run again, so it borrows what it needs.
///
/// Not an `async` closure: those cannot promise that their future is `Send` (rust-lang/rust #102211).
pub(crate) trait Work<'a, T, E>:
    for<'t> Fn(&'t mut Tx<'a>) -> BoxFuture<'t, Result<T, E>> + Send + Sync
{
}

impl<'a, T, E, F> Work<'a, T, E> for F where
    F: for<'t> Fn(&'t mut Tx<'a>) -> BoxFuture<'t, Result<T, E>> + Send + Sync
{
}

/// Number of statements of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    One,
    Several,
}

/// Parses rows, of which the database may hold some that it should not.
pub(crate) fn parse_rows<Row, T>(rows: Vec<Row>) -> Result<Vec<T>, StoreError>
where
    T: TryFrom<Row, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}

/// Runs one query on the transaction's engine and returns its rows; anything but a `select` counts as a write.
macro_rules! on {
    ($tx:expr, $sql:expr, $method:ident, |$query:ident| $build:expr) => {
        $crate::store::run_query!($tx, $sql, query_as, |$query| $build, $method, |rows| rows)
    };
}

/// Runs one statement without rows and returns how many rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr, |$query:ident| $build:expr) => {
        $crate::store::run_query!($tx, $sql, query, |$query| $build, execute, |done| done
            .rows_affected())
    };
}

/// Runs one statement of either kind. The query is built for the engine of the transaction, so its code is written for both.
macro_rules! run_query {
    ($tx:expr, $sql:expr, $new:ident, |$query:ident| $build:expr, $method:ident, |$done:ident| $result:expr) => {{
        let outcome = match &mut $tx.engine {
            $crate::store::Engine::Writer(loan) => {
                $crate::store::cut_point().await;
                match loan.lend($sql) {
                    Ok(connection) => {
                        let $query = sqlx::$new($sql);
                        let outcome = $build.$method(connection).await;
                        loan.note(outcome).map(|$done| $result)
                    }
                    Err(broken) => Err(broken),
                }
            }
            $crate::store::Engine::Reader(borrowed) => {
                let $query = sqlx::$new($sql);
                let outcome = $build.$method(borrowed.lend()).await;
                borrowed.note(outcome).map(|$done| $result)
            }
            $crate::store::Engine::Postgres(_) => match $tx.open_for($sql).await {
                Ok(borrowed) => {
                    let $query = sqlx::$new($sql);
                    let outcome = $build.$method(borrowed.lend()).await;
                    borrowed.note(outcome).map(|$done| $result)
                }
                Err(broken) => Err(broken),
            },
        };
        $tx.note(outcome).map_err($crate::store::StoreError::from)
    }};
}

pub(crate) use {execute, on, run_query};

/// Refuses a compare-and-set that changed no row: another writer was first.
pub(crate) fn ensure_one_row(n_rows: u64) -> Result<(), StoreError> {
    if n_rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// Point where a simulation may drop a write in the middle.
#[cfg(feature = "faults")]
pub(crate) use crate::faults::cut_point;

#[cfg(not(feature = "faults"))]
pub(crate) fn cut_point() -> std::future::Ready<()> {
    std::future::ready(())
}

fn is_failure<R>(outcome: &Result<R, sqlx::Error>) -> bool {
    !matches!(outcome, Ok(_) | Err(sqlx::Error::RowNotFound))
}

/// Whether an error is an answer of the database, so that its connection is as good as before.
fn is_answer(error: &sqlx::Error) -> bool {
    postgres::is_certain(error)
}

fn broken() -> sqlx::Error {
    sqlx::Error::Protocol("a statement of this transaction has failed before".to_owned())
}

pub(crate) fn is_read(sql: &str) -> bool {
    sql.trim_start().starts_with("select")
}

impl Db {
    /// Whether the database exists. Only a SQLite file is created by connecting.
    pub fn exists(url: &str) -> Result<bool, StoreError> {
        if url.starts_with("sqlite:") {
            return SqliteDb::exists(url);
        }
        Ok(true)
    }

    /// Connects, checks that commits are durable, migrates the schema and creates missing append-only triggers.
    pub async fn connect(url: &str) -> Result<Db, StoreError> {
        Db::connect_with(url, Guards::PutUp).await
    }

    /// Like [`Db::connect`], but leaves missing append-only triggers missing, for the audit to find.
    pub async fn connect_to_audit(url: &str) -> Result<Db, StoreError> {
        Db::connect_with(url, Guards::AsTheyAre).await
    }

    async fn connect_with(url: &str, guards: Guards) -> Result<Db, StoreError> {
        if url.starts_with("sqlite:") {
            return Ok(Db::Sqlite(SqliteDb::open(url, &MIGRATIONS, guards).await?));
        }
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(StoreError::Engine);
        }
        Ok(Db::Postgres(PostgresDb::open(url, guards).await?))
    }

    /// Runs `work` in one transaction and returns after its commit. `work` may run more than once.
    pub(crate) async fn write<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        crash_point!("store.before_write");
        let written = commit_span::in_commit_span(self, self.write_again(work, Span::Several)).await;
        crash_point!("store.after_write");
        written
    }

    /// Runs a `work` that is one statement: PostgreSQL commits it by itself, without `begin` and `commit`. `work` may run
    /// more than once.
    pub(crate) async fn write_one<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        crash_point!("store.before_write");
        let written = commit_span::in_commit_span(self, self.write_again(work, Span::One)).await;
        crash_point!("store.after_write");
        written
    }

    async fn write_again<'a, T, E, F>(&self, work: F, span: Span) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let mut n_reruns = 0;
        let draws = &Draws::default();
        loop {
            let outcome = match (self, span) {
                (Db::Sqlite(sqlite), _) => sqlite.write(&work, draws).await,
                (Db::Postgres(postgres), Span::Several) => postgres.write(&work, draws).await,
                (Db::Postgres(postgres), Span::One) => postgres.write_one(&work, draws).await,
            };
            match outcome {
                Err(error)
                    if n_reruns < MAX_RERUNS && error.store_error().is_some_and(StoreError::is_lost_race) =>
                {
                    n_reruns += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs `work` on one unchanging snapshot of the data.
    pub(crate) async fn snapshot<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        self.in_one_step(Box::pin(self.read(work))).await
    }

    /// Runs a `work` that is one statement, and so sees one state without a transaction.
    pub(crate) async fn read_one<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        self.in_one_step(Box::pin(self.ask(work))).await
    }

    async fn ask<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let engine = match self {
            Db::Sqlite(sqlite) => Engine::Reader(sqlite.readers().acquire().await.map_err(StoreError::from)?),
            Db::Postgres(postgres) => postgres.borrow().await?,
        };
        let mut tx = Tx::new(engine);
        let value = work(&mut tx).await?;
        tx.require_one_statement();
        Ok(value)
    }

    async fn read<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let engine = match self {
            Db::Sqlite(sqlite) => sqlite.begin_snapshot().await?,
            Db::Postgres(postgres) => postgres.begin_snapshot().await?,
        };
        let mut tx = Tx::new(engine);
        let value = work(&mut tx).await;
        tx.end_snapshot().await;
        value
    }

    #[cfg(not(feature = "faults"))]
    async fn in_one_step<T>(&self, work: impl Future<Output = T>) -> T {
        work.await
    }

    /// In a simulation a transaction is one step: the executor chooses what runs between two of them.
    #[cfg(feature = "faults")]
    async fn in_one_step<T>(&self, work: impl Future<Output = T>) -> T {
        match self {
            Db::Sqlite(sqlite) if sqlite.is_simulated() => step::in_one_step(work).await,
            _ => work.await,
        }
    }

    /// Opens a migrated file for a simulation: transactions are steps, and no commit waits for the disk.
    #[cfg(feature = "faults")]
    pub async fn simulated(url: &str) -> Result<Db, StoreError> {
        Ok(Db::Sqlite(SqliteDb::simulated(url, &MIGRATIONS).await?))
    }

    /// Fault injection for the commits of a SQLite database.
    #[cfg(feature = "faults")]
    pub fn trouble(&self) -> Option<&CommitTrouble> {
        match self {
            Db::Sqlite(sqlite) => Some(sqlite.trouble()),
            Db::Postgres(_) => None,
        }
    }

    /// Returns when the job that publishes events and delivers them has work: each transaction that recorded an event or made
    /// a delivery due wakes it after its commit. A ring before the wait is not lost.
    pub async fn event_due(&self) {
        match self {
            Db::Sqlite(sqlite) => sqlite.event_bell().notified().await,
            Db::Postgres(postgres) => postgres.event_bell().notified().await,
        }
    }

    /// Closes the connections; committed data stays.
    pub async fn close(&self) {
        match self {
            Db::Sqlite(sqlite) => sqlite.close().await,
            Db::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl<'a> Tx<'a> {
    fn new(engine: Engine) -> Self {
        Tx {
            engine,
            is_broken: false,
            after_commit: AfterCommit::default(),
            events: Vec::new(),
            holds_batches: false,
            held_batch: Vec::new(),
            has_lost_race: false,
            n_statements: 0,
            outlives: PhantomData,
        }
    }

    /// Records how a statement ended. A missing row is an answer, not a failure.
    pub(crate) fn note<R>(&mut self, outcome: Result<R, sqlx::Error>) -> Result<R, sqlx::Error> {
        self.is_broken |= is_failure(&outcome);
        self.n_statements += 1;
        outcome
    }

    /// Keeps an effect outside the database until the commit: a closure that is run again, or whose writes are taken back,
    /// has none.
    pub(crate) fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.after_commit.add(effect);
    }

    /// Tells of a change; the event is written with the next batch, or before the commit.
    pub(crate) fn record_event(&mut self, event: NewEvent) {
        self.record_events(Some(event));
    }

    /// [`Tx::record_event`] for a change that may be one that no event tells of.
    pub(crate) fn record_events(&mut self, event: Option<NewEvent>) {
        if let Some(event) = event {
            self.wake_event_job();
            self.events.push(event);
        }
    }

    /// Wakes the job of events after the commit: something is to be published or delivered.
    fn wake_event_job(&mut self) {
        self.after_commit.wake_event_job();
    }

    /// Takes recorded events for one statement: a cause before what follows from it.
    fn take_events(&mut self) -> Option<Vec<NewEvent>> {
        if self.events.is_empty() {
            return None;
        }
        self.events.sort_by_key(|event| event.kind.rank());
        let n_taken = self.events.len().min(events::MAX_EVENTS);
        Some(self.events.drain(..n_taken).collect())
    }

    /// Runs a closure and writes the events that it recorded. It fails when one of its statements did, whatever it returns.
    async fn run_work<T, E, F>(&mut self, work: &F, draws: &Draws) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let result = draws
            .replay(async {
                let value = work(self).await?;
                while !self.events.is_empty() {
                    self.run_batch([]).await?;
                }
                Ok(value)
            })
            .await;
        if self.has_lost_race {
            return Err(StoreError::Stale.into());
        }
        // PostgreSQL answers the COMMIT of a failed transaction with a rollback that looks like success.
        if self.is_broken {
            return result.and(Err(StoreError::from(broken()).into()));
        }
        result
    }

    /// Refuses a second statement: it would see another state than the first, or last although the first failed.
    fn require_one_statement(&self) {
        debug_assert!(
            self.n_statements <= 1,
            "{} statements need a transaction",
            self.n_statements
        );
    }

    /// Whether other transactions may write at the same time.
    fn has_rivals(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Ends a transaction that has only read: nothing of it can be lost. A connection that does not answer is closed.
    async fn end_snapshot(self) {
        match self.engine {
            Engine::Reader(borrowed) => sqlite::end_snapshot(borrowed).await,
            Engine::Postgres(borrowed) => postgres::end_snapshot(borrowed).await,
            Engine::Writer(_) => unreachable!("the writer of SQLite commits its groups itself"),
        }
    }
}
