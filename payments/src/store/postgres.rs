//! PostgreSQL: connections, and transactions of one statement or of several. One statement is committed by its own end;
//! several stand between `begin` and `commit`, and a write that fails is rolled back before its caller gets the error.

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgSeverity};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Notify;

use super::connections::{Borrowed, Connections};
use super::sqlite::Guards;
use super::{Engine, FromStore, MIGRATIONS, StoreError, Tx, Work, append_only, is_read};
use crate::clock::Draws;

const MAX_CONNECTIONS: u32 = 16;
/// Limits of a session, in PostgreSQL's words.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "5s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
];
/// Limits of a migration, which may take as long as it needs, also where the role has others.
const MIGRATION_LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "60s"),
    ("idle_in_transaction_session_timeout", "0"),
];
/// Waits up to a minute for a server that migrates before this one, and then keeps the lock however long the migrations take.
const MIGRATION_TURN: &str = "
    begin;
    set local statement_timeout = 0;
    set local lock_timeout = '60s';
    set local idle_in_transaction_session_timeout = 0;
    select pg_advisory_xact_lock(7430418)";
/// Bounds the wait for a connection: a caller of a server that is gone gets 503, and tries again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// A database on a PostgreSQL server; cheap to clone.
#[derive(Debug, Clone)]
pub struct PostgresDb {
    connections: Connections<PgConnection>,
    event_bell: Arc<Notify>,
}

impl PostgresDb {
    pub(super) async fn open(url: &str, guards: Guards) -> Result<PostgresDb, StoreError> {
        let plain: PgConnectOptions = url.parse()?;
        let options = plain.clone().options(LIMITS);
        let connections = Connections::open(options, MAX_CONNECTIONS, ACQUIRE_TIMEOUT).await?;
        let mut borrowed = connections.acquire().await?;
        let found = find_not_durable(borrowed.lend()).await;
        if let Some(setting) = borrowed.note(found)? {
            return Err(StoreError::NotDurable(setting));
        }
        let warned = warn_of_missing_limits(borrowed.lend()).await;
        borrowed.note(warned)?;
        run_migrations(&plain).await?;
        if guards == Guards::PutUp {
            let protected = append_only::protect_postgres(borrowed.lend()).await;
            borrowed.note(protected)?;
        }
        drop(borrowed);
        Ok(PostgresDb {
            connections,
            event_bell: Arc::default(),
        })
    }

    /// Begins a transaction that sees one unchanging state and writes nothing.
    pub(super) async fn begin_snapshot(&self) -> Result<Engine, StoreError> {
        self.begin("begin isolation level repeatable read read only")
            .await
    }

    /// Lends a connection outside of any transaction: each statement is one of its own.
    pub(super) async fn borrow(&self) -> Result<Engine, StoreError> {
        Ok(Engine::Postgres(self.connections.acquire().await?))
    }

    async fn begin(&self, sql: &'static str) -> Result<Engine, StoreError> {
        let mut borrowed = self.connections.acquire().await?;
        borrowed.enter_transaction();
        send_command(&mut borrowed, sql).await?;
        Ok(Engine::Postgres(borrowed))
    }

    /// Runs `work` in one transaction. `begin` waits for its first write, and a batch that is its only write needs none.
    pub(super) async fn write<'a, T, E, F>(&self, work: &F, draws: &Draws) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let mut tx = Tx {
            holds_batches: true,
            ..Tx::new(self.borrow().await?)
        };
        let outcome = match tx.run_work(work, draws).await {
            Ok(value) => tx.commit().await.map(|()| value).map_err(E::from),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(value) => {
                tx.after_commit.run(&self.event_bell);
                Ok(value)
            }
            Err(error) => {
                tx.roll_back().await;
                Err(error)
            }
        }
    }

    /// Runs a `work` that is one statement, and so a transaction by itself.
    pub(super) async fn write_one<'a, T, E, F>(&self, work: &F, draws: &Draws) -> Result<T, E>
    where
        E: FromStore,
        F: Work<'a, T, E>,
    {
        let mut tx = Tx::new(self.borrow().await?);
        crash_point!("store.before_commit");
        let result = draws.replay(work(&mut tx)).await;
        tx.require_one_statement();
        debug_assert!(tx.events.is_empty(), "an event is a second statement");
        let Engine::Postgres(borrowed) = &tx.engine else {
            unreachable!("a closure does not change its engine")
        };
        if borrowed.is_unanswered() {
            tracing::error!("the outcome of a write is not known");
            return Err(StoreError::CommitUnknown.into());
        }
        if result.is_ok() {
            tx.after_commit.run(&self.event_bell);
        }
        result
    }

    pub(super) fn event_bell(&self) -> &Notify {
        &self.event_bell
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let mut borrowed = self.connections.acquire().await?;
        Ok(send_command(&mut borrowed, "select 1").await?)
    }

    pub(super) async fn close(&self) {
        self.connections.close().await;
    }
}

impl Tx<'_> {
    /// Makes the transaction ready for a statement: sends `begin` before its first write, and the batch that waited.
    pub(crate) async fn open_for(&mut self, sql: &str) -> Result<&mut Borrowed<PgConnection>, sqlx::Error> {
        // A read before the first write sees no more in a transaction: each statement sees what is committed.
        if self.holds_batches && !(self.held_batch.is_empty() && (self.has_begun() || is_read(sql))) {
            Box::pin(self.open()).await?;
        }
        Ok(self.borrowed())
    }

    async fn open(&mut self) -> Result<(), sqlx::Error> {
        self.begin().await?;
        match self.send_held().await {
            Ok(()) => Ok(()),
            Err(StoreError::Sql(error)) => Err(error),
            Err(_) => Err(super::broken()),
        }
    }

    /// Sends `begin`, once.
    pub(super) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        if self.has_begun() {
            return Ok(());
        }
        let borrowed = self.borrowed();
        borrowed.enter_transaction();
        let begun = send_command(borrowed, "begin").await;
        // Without it the statements after it would commit one by one.
        self.note(begun)
    }

    /// Commits what was written.
    async fn commit(&mut self) -> Result<(), StoreError> {
        if self.has_begun() {
            self.send_held().await?;
        }
        crash_point!("store.before_commit");
        if self.has_begun() {
            return commit_borrowed(self.borrowed()).await;
        }
        if self.held_batch.is_empty() {
            return Ok(());
        }
        self.commit_held().await
    }

    /// Rolls back what was written. A connection that cannot is closed, which undoes what it did.
    async fn roll_back(&mut self) {
        let borrowed = self.borrowed();
        if !borrowed.is_in_transaction() || borrowed.is_unanswered() {
            return;
        }
        match send_command(borrowed, "rollback").await {
            Ok(()) => borrowed.leave_transaction(),
            Err(error) => tracing::debug!(%error, "a connection that cannot roll back is replaced"),
        }
    }

    fn has_begun(&mut self) -> bool {
        self.borrowed().is_in_transaction()
    }

    fn borrowed(&mut self) -> &mut Borrowed<PgConnection> {
        let Engine::Postgres(borrowed) = &mut self.engine else {
            unreachable!("only PostgreSQL holds batches")
        };
        borrowed
    }
}

async fn send_command(borrowed: &mut Borrowed<PgConnection>, sql: &'static str) -> Result<(), sqlx::Error> {
    let sent = sqlx::raw_sql(sql).execute(borrowed.lend()).await;
    borrowed.note(sent).map(drop)
}

async fn commit_borrowed(borrowed: &mut Borrowed<PgConnection>) -> Result<(), StoreError> {
    send_command(borrowed, "commit").await.map_err(failed_commit)?;
    borrowed.leave_transaction();
    Ok(())
}

/// Ends a transaction that has only read.
pub(super) async fn end_snapshot(mut borrowed: Borrowed<PgConnection>) {
    if commit_borrowed(&mut borrowed).await.is_err() {
        tracing::debug!("a connection that cannot end its snapshot is replaced");
    }
}

/// Whether an error is the server's answer that its statement has changed nothing. After a broken connection, or a FATAL
/// that closed it, the statement may have taken effect.
pub(super) fn is_certain(error: &sqlx::Error) -> bool {
    const COMPLETION_UNKNOWN: &str = "40003";
    let Some(error) = error.as_database_error() else {
        return false;
    };
    error
        .try_downcast_ref::<PgDatabaseError>()
        .is_none_or(|error| error.severity() == PgSeverity::Error && error.code() != COMPLETION_UNKNOWN)
}

pub(super) fn failed_commit(error: sqlx::Error) -> StoreError {
    if is_certain(&error) {
        return error.into();
    }
    tracing::error!(%error, "the outcome of a commit is not known");
    StoreError::CommitUnknown
}

/// Migrates over a connection of its own: a statement over millions of rows takes longer than the timeout of a request.
///
/// One server migrates at a time. Its lock belongs to the transaction of a second connection and not to a session, which in
/// PgBouncer's transaction mode would leave it with a connection that others use.
async fn run_migrations(plain: &PgConnectOptions) -> Result<(), StoreError> {
    let patient = plain.clone().options(MIGRATION_LIMITS);
    let mut turn = plain.connect().await?;
    sqlx::raw_sql(MIGRATION_TURN).execute(&mut turn).await?;
    let mut connection = patient.connect().await?;
    let mut migrations = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    migrations.set_locking(false);
    migrations.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    // It was idle for all that time, and may have been closed: the migrations are committed all the same.
    if let Err(error) = turn.close().await {
        tracing::warn!(%error, "the lock of the migrations ended before them");
    }
    Ok(())
}

/// Warns of limits that did not arrive: PgBouncer drops them where it is told to ignore them.
async fn warn_of_missing_limits(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for (name, _) in LIMITS {
        let value: Option<String> = sqlx::query_scalar("select nullif(current_setting($1), '0')")
            .bind(name)
            .fetch_one(&mut *connection)
            .await?;
        if value.is_none() {
            tracing::warn!(
                "PostgreSQL has no {name} for this server: set it for its role (alter role … set {name} = …)"
            );
        }
    }
    Ok(())
}

/// The setting by which a commit may be lost, if there is one.
pub(super) async fn find_not_durable(
    connection: &mut PgConnection,
) -> Result<Option<&'static str>, sqlx::Error> {
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
