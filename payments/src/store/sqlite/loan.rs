//! Loan of the writing connection to one closure.

use futures_util::FutureExt;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use crate::store::{broken, is_failure, is_read};

/// Returns to the writer task in every case: with a verdict, or from its destructor when the closure was dropped.
#[derive(Debug)]
pub(crate) struct Loan {
    /// Missing only while the loan is taken apart.
    connection: Option<SqliteConnection>,
    back: Option<oneshot::Sender<Returned>>,
    undo: Undo,
    wrote: bool,
    is_broken: bool,
}

/// End of a closure, as reported to the writer task.
#[derive(Debug)]
pub(super) struct Returned {
    pub connection: SqliteConnection,
    pub verdict: Verdict,
    pub undo: Undo,
    pub wrote: bool,
    /// A statement failed; SQLite may have ended the transaction silently.
    pub is_broken: bool,
}

#[derive(Debug)]
pub(super) enum Verdict {
    /// The closure succeeded; its caller waits for the commit.
    Admitted(oneshot::Sender<Outcome>),
    /// The closure returned an error; its caller waits until the data it read is committed.
    Failed(oneshot::Sender<Outcome>),
    /// The closure was dropped in the middle; no caller waits.
    Dropped,
}

/// Outcome of a member's writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    /// Certainly not in the database: the closure may run again.
    RolledBack,
    /// The commit failed in a way that may have taken effect. A retry could write everything twice.
    Unknown,
}

/// Method of undoing the writes of one closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// No other closure has written in this transaction: all of it may be rolled back.
    Transaction,
    /// This savepoint is set before the first write.
    SavepointLater(u32),
    Savepoint(u32),
}

impl Loan {
    pub(super) fn new(connection: SqliteConnection, undo: Undo, back: oneshot::Sender<Returned>) -> Loan {
        Loan {
            connection: Some(connection),
            back: Some(back),
            undo,
            wrote: false,
            is_broken: false,
        }
    }

    /// Lends the connection for one statement. After a failed one there is none: the transaction may be over, and a
    /// statement outside of it would be committed on its own.
    pub(crate) fn lend(&mut self, sql: &str) -> Result<&mut SqliteConnection, sqlx::Error> {
        if self.is_broken {
            return Err(broken());
        }
        if !is_read(sql) {
            self.begin_to_write();
        }
        Ok(self.connection.as_mut().expect("a loan holds its connection"))
    }

    /// Records how a statement ended.
    pub(crate) fn note<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_broken |= is_failure(&outcome);
        outcome
    }

    /// Sets the savepoint: without it the undo would fail and roll back the whole group.
    fn begin_to_write(&mut self) {
        self.wrote = true;
        if let (Undo::SavepointLater(number), Some(connection)) = (self.undo, &mut self.connection) {
            send(connection, format!("savepoint turn{number}"));
            self.undo = Undo::Savepoint(number);
        }
    }

    /// Ends the turn; the outcome is that of the group's commit.
    pub(super) fn give_back(mut self, is_admitted: bool) -> oneshot::Receiver<Outcome> {
        let (sender, outcome) = oneshot::channel();
        self.send_back(if is_admitted {
            Verdict::Admitted(sender)
        } else {
            Verdict::Failed(sender)
        });
        outcome
    }

    fn send_back(&mut self, verdict: Verdict) {
        if let (Some(connection), Some(back)) = (self.connection.take(), self.back.take()) {
            // An error means that the task is gone, and the connection goes with it.
            drop(back.send(Returned {
                connection,
                verdict,
                undo: self.undo,
                wrote: self.wrote,
                is_broken: self.is_broken,
            }));
        }
    }
}

/// Sends a statement without waiting for its answer: the connection's thread runs its statements in order, and the wait
/// would cost each write two switches between threads.
pub(super) fn send(connection: &mut SqliteConnection, sql: String) {
    let sent = sqlx::query(sqlx::AssertSqlSafe(sql))
        .persistent(false)
        .execute(connection);
    drop(sent.now_or_never());
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.send_back(Verdict::Dropped);
    }
}
