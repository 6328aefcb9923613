//! Database access: two engines, one SQL text per query, and writes that are durable before they are answered.
//!
//! Only the files below this one contain SQL. A write is a closure that may run again: after a lost race, and on SQLite
//! when the transaction that it shares with others was rolled back. Each run sees the same time and draws the same ids.

mod after_commit;
pub(crate) mod api_keys;
pub(crate) mod append_only;
pub(crate) mod audit_log;
pub(crate) mod backup;
pub(crate) mod credit_requests;
pub(crate) mod deliveries;
pub(crate) mod epay_attempts;
pub(crate) mod epay_merchants;
pub(crate) mod epay_refunds;
pub(crate) mod events;
pub(crate) mod figures;
pub(crate) mod forged_notifications;
pub(crate) mod gateway_calls;
pub(crate) mod idempotency;
pub(crate) mod incidents;
pub(crate) mod invariants;
pub(crate) mod ledger;
pub mod lock;
pub(crate) mod login_attempts;
pub(crate) mod login_devices;
#[cfg(feature = "faults")]
pub(crate) mod mistakes;
pub(crate) mod notes;
pub(crate) mod notifications;
pub(crate) mod orders;
pub(crate) mod overdue;
pub(crate) mod payments;
pub(crate) mod personal;
mod readiness;
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
mod sqlite;
#[cfg(feature = "faults")]
mod step;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod users;
pub(crate) mod webhook_endpoints;

use std::marker::PhantomData;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPool, PgPoolOptions, PgSeverity};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Postgres, Sqlite, Transaction};

use self::after_commit::AfterCommit;
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
const POSTGRES_CONNECTIONS: u32 = 16;

/// Connection pool of one engine; cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    Sqlite(SqliteDb),
    Postgres(PgPool),
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
    outlives: PhantomData<&'a ()>,
}

#[derive(Debug)]
pub(crate) enum Engine {
    /// SQLite's writing connection, lent to one closure.
    Writer(Loan),
    Reader(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

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
    /// PostgreSQL's serialization failure, deadlock and lock timeout, and our own compare-and-set.
    fn is_lost_race(&self) -> bool {
        match self {
            StoreError::Stale => true,
            StoreError::Sql(sqlx::Error::Database(error)) => {
                matches!(
                    error.code().as_deref(),
                    Some("40001" | "40P01" | "23505" | "55P03")
                )
            }
            _ => false,
        }
    }
}

/// Runs one query on the transaction's engine; anything but a `select` counts as a write.
macro_rules! on {
    ($tx:expr, $sql:expr, $method:ident, |$query:ident| $build:expr) => {{
        let outcome = match &mut $tx.engine {
            $crate::store::Engine::Writer(loan) => {
                $crate::store::cut_point().await;
                match loan.lend($sql) {
                    Ok(connection) => {
                        let $query = sqlx::query_as($sql);
                        let outcome = $build.$method(connection).await;
                        loan.note(outcome)
                    }
                    Err(broken) => Err(broken),
                }
            }
            $crate::store::Engine::Reader(transaction) => {
                let $query = sqlx::query_as($sql);
                $build.$method(&mut **transaction).await
            }
            $crate::store::Engine::Postgres(transaction) => {
                let $query = sqlx::query_as($sql);
                $build.$method(&mut **transaction).await
            }
        };
        $tx.note(outcome)
    }};
}

/// Runs one statement without rows and returns how many rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr, |$query:ident| $build:expr) => {{
        let outcome = match &mut $tx.engine {
            $crate::store::Engine::Writer(loan) => {
                $crate::store::cut_point().await;
                match loan.lend($sql) {
                    Ok(connection) => {
                        let $query = sqlx::query($sql);
                        let outcome = $build.execute(connection).await;
                        loan.note(outcome).map(|done| done.rows_affected())
                    }
                    Err(broken) => Err(broken),
                }
            }
            $crate::store::Engine::Reader(transaction) => {
                let $query = sqlx::query($sql);
                $build
                    .execute(&mut **transaction)
                    .await
                    .map(|done| done.rows_affected())
            }
            $crate::store::Engine::Postgres(transaction) => {
                let $query = sqlx::query($sql);
                $build
                    .execute(&mut **transaction)
                    .await
                    .map(|done| done.rows_affected())
            }
        };
        $tx.note(outcome)
    }};
}

pub(crate) use {execute, on};

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
        let plain: PgConnectOptions = url.parse()?;
        let options = plain.clone().options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(2))
            // sqlx 0.9.0 may hand an open transaction back to the pool when `begin` is cancelled
            // (transact-rs/sqlx #4385); the next writes would answer Ok and vanish.
            .after_release(|connection, _| {
                Box::pin(async move {
                    sqlx::query("rollback").execute(&mut *connection).await?;
                    Ok(true)
                })
            })
            .connect_with(options)
            .await?;
        require_durable(&pool).await?;
        migrate_postgres(&plain).await?;
        if guards == Guards::PutUp {
            append_only::protect_postgres(&pool).await?;
        }
        Ok(Db::Postgres(pool))
    }

    /// Runs `work` in one transaction and returns after its commit. `work` may run more than once.
    pub(crate) async fn write<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        crash_point!("store.before_write");
        // Boxed: every verb awaits this, and its state would otherwise be part of each verb's future.
        let written = Box::pin(self.write_again(work)).await;
        crash_point!("store.after_write");
        written
    }

    async fn write_again<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let mut n_reruns = 0;
        let draws = &Draws::default();
        loop {
            let outcome = match self {
                Db::Sqlite(sqlite) => sqlite.write(&work, draws).await,
                Db::Postgres(pool) => write_postgres(pool, &work, draws).await,
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

    async fn read<'a, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let engine = match self {
            Db::Sqlite(sqlite) => Engine::Reader(sqlite.readers().begin().await.map_err(StoreError::from)?),
            Db::Postgres(pool) => {
                let begin = pool
                    .begin_with("begin isolation level repeatable read read only")
                    .await;
                Engine::Postgres(begin.map_err(StoreError::from)?)
            }
        };
        let mut tx = Tx::new(engine);
        let value = work(&mut tx).await?;
        tx.commit().await?;
        Ok(value)
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

    /// Closes the connections; committed data stays.
    pub async fn close(&self) {
        match self {
            Db::Sqlite(sqlite) => sqlite.close().await,
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx<'_> {
    fn new(engine: Engine) -> Self {
        Tx {
            engine,
            is_broken: false,
            after_commit: AfterCommit::default(),
            events: Vec::new(),
            outlives: PhantomData,
        }
    }

    /// Records how a statement ended. A missing row is an answer, not a failure.
    pub(crate) fn note<R>(&mut self, outcome: Result<R, sqlx::Error>) -> Result<R, sqlx::Error> {
        self.is_broken |= is_failure(&outcome);
        outcome
    }

    /// Keeps an effect outside the database until the commit: a closure that is run again, or whose writes are taken back,
    /// has none.
    pub(crate) fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.after_commit.add(effect);
    }

    /// Tells of a change; the event is written before the commit, and with it.
    pub(crate) fn record_event(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    /// [`Tx::record_event`] for a change that may be one that no event tells of.
    pub(crate) fn record_events(&mut self, event: Option<NewEvent>) {
        self.events.extend(event);
    }

    /// Writes the events of this transaction behind what its closure did, in as few statements as there can be.
    async fn finish<T, E: FromStore>(&mut self, result: Result<T, E>) -> Result<T, E> {
        let value = result?;
        let mut recorded = std::mem::take(&mut self.events);
        if !recorded.is_empty() {
            recorded.sort_by_key(|event| event.kind.rank());
            events::insert(self, &recorded).await?;
        }
        Ok(value)
    }

    /// Whether other transactions may write at the same time.
    fn has_rivals(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// PostgreSQL answers the COMMIT of a failed transaction with a rollback that looks like success.
    fn check(&self) -> Result<(), StoreError> {
        if self.is_broken {
            return Err(broken().into());
        }
        Ok(())
    }

    async fn commit(self) -> Result<(), StoreError> {
        match self.engine {
            Engine::Reader(transaction) => transaction.commit().await?,
            Engine::Postgres(transaction) => transaction.commit().await.map_err(failed_commit)?,
            Engine::Writer(_) => unreachable!("the writer of SQLite commits its groups itself"),
        }
        self.after_commit.run();
        Ok(())
    }
}

async fn write_postgres<'a, T, E, F>(pool: &PgPool, work: &F, draws: &Draws) -> Result<T, E>
where
    E: FromStore,
    F: Work<'a, T, E>,
{
    let mut tx = Tx::new(Engine::Postgres(pool.begin().await.map_err(StoreError::from)?));
    let value = draws
        .replay(async {
            let result = work(&mut tx).await;
            tx.finish(result).await
        })
        .await?;
    tx.check()?;
    crash_point!("store.before_commit");
    tx.commit().await?;
    Ok(value)
}

/// Classifies a failed COMMIT of PostgreSQL. An ERROR means that the transaction is rolled back; after a broken connection,
/// or a FATAL that closed it, the commit may have taken effect.
fn failed_commit(error: sqlx::Error) -> StoreError {
    const COMPLETION_UNKNOWN: &str = "40003";
    let is_certain = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|error| error.severity() == PgSeverity::Error && error.code() != COMPLETION_UNKNOWN);
    if is_certain {
        return error.into();
    }
    tracing::error!(%error, "the outcome of a commit is not known");
    StoreError::CommitUnknown
}

/// Migrates over a connection of its own: a statement over millions of rows takes longer than the timeout of a request.
async fn migrate_postgres(plain: &PgConnectOptions) -> Result<(), StoreError> {
    let patient = plain.clone().options([("lock_timeout", "60s")]);
    let mut connection = patient.connect().await?;
    MIGRATIONS.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    Ok(())
}

async fn require_durable(pool: &PgPool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await?;
    match find_not_durable(&mut connection).await? {
        Some(setting) => Err(StoreError::NotDurable(setting)),
        None => Ok(()),
    }
}

/// The setting by which a commit may be lost, if there is one.
async fn find_not_durable(connection: &mut PgConnection) -> Result<Option<&'static str>, StoreError> {
    for (setting, question) in [
        ("fsync", "show fsync"),
        ("synchronous_commit", "show synchronous_commit"),
        ("full_page_writes", "show full_page_writes"),
    ] {
        let value: String = sqlx::query_scalar(question).fetch_one(&mut *connection).await?;
        if value == "off" {
            return Ok(Some(setting));
        }
    }
    Ok(None)
}
