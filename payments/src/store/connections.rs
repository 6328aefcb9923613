//! Connections that are kept open between statements, for the readers of SQLite and for PostgreSQL.
//!
//! The pool of sqlx tests a connection before and after each loan: two round trips, or two switches of threads, for every
//! statement. This one knows by itself which connection is clean: one that comes back in the middle of a statement or of a
//! transaction is closed, so no `begin` that was cancelled can swallow the writes after it (transact-rs/sqlx #4385).

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::is_failure;

const BETWEEN_CONNECTS: Duration = Duration::from_millis(100);
/// Idle time after which a connection is tested before it is lent: the server may have gone away meanwhile.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// Idle time after which a connection is closed: it keeps memory here and at the server.
const MAX_IDLE: Duration = Duration::from_mins(1);
/// Age after which a connection is closed, so that a server that moved to another address is found again.
const MAX_LIFE: Duration = Duration::from_mins(30);

const UNBROKEN: &str = "nothing panics while it holds the idle connections";

/// Pool of a bounded number of connections; cheap to clone.
#[derive(Debug)]
pub(crate) struct Connections<C: Connection>(Arc<Inner<C>>);

#[derive(Debug)]
struct Inner<C: Connection> {
    options: C::Options,
    n_most: u32,
    /// Longest wait of a caller for a connection.
    patience: Duration,
    permits: Arc<Semaphore>,
    /// Idle connections; the last one was given back last.
    idle: Mutex<VecDeque<Kept<C>>>,
}

#[derive(Debug)]
struct Kept<C> {
    connection: C,
    opened_at: Instant,
    idle_since: Instant,
}

/// Connection that is lent to one caller.
#[derive(Debug)]
pub(crate) struct Borrowed<C: Connection> {
    /// Missing only while the loan is taken apart.
    connection: Option<C>,
    opened_at: Instant,
    /// Set while the answer to a statement has not been read to its end.
    is_busy: bool,
    is_in_transaction: bool,
    owner: Arc<Inner<C>>,
    _permit: OwnedSemaphorePermit,
}

impl<C: Connection> Clone for Connections<C> {
    fn clone(&self) -> Self {
        Connections(Arc::clone(&self.0))
    }
}

impl<C: Connection> Connections<C> {
    /// Opens the first connection, so that a database that cannot be reached is known at once.
    pub(crate) async fn open(
        options: C::Options,
        n_most: u32,
        patience: Duration,
    ) -> Result<Connections<C>, sqlx::Error> {
        let connections = Connections(Arc::new(Inner {
            options,
            n_most,
            patience,
            permits: Arc::new(Semaphore::new(usize::try_from(n_most).unwrap_or(1))),
            idle: Mutex::default(),
        }));
        drop(connections.acquire().await?);
        Ok(connections)
    }

    /// Lends a connection that works, and opens one when none is idle.
    pub(crate) async fn acquire(&self) -> Result<Borrowed<C>, sqlx::Error> {
        if let Ok(permit) = Arc::clone(&self.0.permits).try_acquire_owned()
            && let Some(kept) = self.0.take_trusted()
        {
            return Ok(self.lend(kept, permit));
        }
        match timeout(self.0.patience, self.acquire_tested()).await {
            Ok(borrowed) => borrowed,
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    async fn acquire_tested(&self) -> Result<Borrowed<C>, sqlx::Error> {
        let permit = Arc::clone(&self.0.permits)
            .acquire_owned()
            .await
            .map_err(|_| sqlx::Error::PoolClosed)?;
        while let Some(mut kept) = self.0.take_newest() {
            if kept.connection.ping().await.is_ok() {
                return Ok(self.lend(kept, permit));
            }
        }
        loop {
            match self.0.options.connect().await {
                Ok(connection) => {
                    let now = Instant::now();
                    let kept = Kept {
                        connection,
                        opened_at: now,
                        idle_since: now,
                    };
                    return Ok(self.lend(kept, permit));
                }
                Err(error) if is_starting(&error) => sleep(BETWEEN_CONNECTS).await,
                Err(error) => return Err(error),
            }
        }
    }

    fn lend(&self, kept: Kept<C>, permit: OwnedSemaphorePermit) -> Borrowed<C> {
        Borrowed {
            connection: Some(kept.connection),
            opened_at: kept.opened_at,
            is_busy: false,
            is_in_transaction: false,
            owner: Arc::clone(&self.0),
            _permit: permit,
        }
    }

    /// Waits for what is lent, and closes every connection.
    pub(crate) async fn close(&self) {
        // Held to the end, so that no reader borrows in between. An error says that it is closed already.
        let all = self.0.permits.acquire_many(self.0.n_most).await;
        self.0.permits.close();
        let idle: Vec<Kept<C>> = self.0.idle().drain(..).collect();
        // An error says that the server is gone, and the connection with it.
        drop(join_all(idle.into_iter().map(|kept| kept.connection.close())).await);
        drop(all);
    }
}

/// Whether the server is starting: a moment later it may accept connections.
fn is_starting(error: &sqlx::Error) -> bool {
    const CANNOT_CONNECT_NOW: &str = "57P03";
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().as_deref() == Some(CANNOT_CONNECT_NOW),
        _ => false,
    }
}

impl<C: Connection> Inner<C> {
    fn idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Kept<C>>> {
        self.idle.lock().expect(UNBROKEN)
    }

    /// Takes the connection that was given back last, when that was a moment ago.
    fn take_trusted(&self) -> Option<Kept<C>> {
        let mut idle = self.idle();
        let is_trusted = idle
            .back()
            .is_some_and(|kept| kept.idle_since.elapsed() < TRUSTED_IDLE);
        if is_trusted { idle.pop_back() } else { None }
    }

    fn take_newest(&self) -> Option<Kept<C>> {
        self.idle().pop_back()
    }

    /// Keeps a clean connection, and closes those that were not needed for long.
    fn keep(&self, kept: Kept<C>) {
        let mut idle = self.idle();
        while idle
            .front()
            .is_some_and(|oldest| oldest.idle_since.elapsed() > MAX_IDLE)
        {
            idle.pop_front();
        }
        let is_old = kept.opened_at.elapsed() > MAX_LIFE;
        if !is_old && !self.permits.is_closed() {
            idle.push_back(kept);
        }
    }
}

impl<C: Connection> Borrowed<C> {
    /// Lends the connection for one statement. Until [`Borrowed::note`] has seen its end, the connection is not reused.
    pub(crate) fn lend(&mut self) -> &mut C {
        self.is_busy = true;
        self.connection.as_mut().expect("a loan holds its connection")
    }

    /// Records how a statement ended.
    pub(crate) fn note<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_busy = is_failure(&outcome) && !outcome.as_ref().is_err_and(super::is_answer);
        outcome
    }

    /// Whether a statement was sent and got no answer.
    pub(crate) const fn is_unanswered(&self) -> bool {
        self.is_busy
    }

    /// Marks the connection to be closed at its return, unless [`Borrowed::leave_transaction`] is reached.
    pub(crate) const fn enter_transaction(&mut self) {
        self.is_in_transaction = true;
    }

    pub(crate) const fn leave_transaction(&mut self) {
        self.is_in_transaction = false;
    }

    pub(crate) const fn is_in_transaction(&self) -> bool {
        self.is_in_transaction
    }
}

impl<C: Connection> Drop for Borrowed<C> {
    fn drop(&mut self) {
        if self.is_busy || self.is_in_transaction {
            return;
        }
        if let Some(mut connection) = self.connection.take() {
            // A statement of megabytes leaves its buffers behind.
            connection.shrink_buffers();
            self.owner.keep(Kept {
                connection,
                opened_at: self.opened_at,
                idle_since: Instant::now(),
            });
        }
    }
}
