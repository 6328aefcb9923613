//! The writing connection in the hands of one closure.

use futures_util::FutureExt;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::writer::Outcome;
use crate::store::{broken, is_failure, is_read};

/// Goes back to the writer's task in every case: with a verdict, or from its destructor when the closure was dropped.
#[derive(Debug)]
pub(crate) struct Loan {
    /// Missing only while the loan is taken apart.
    connection: Option<SqliteConnection>,
    back: Option<oneshot::Sender<Returned>>,
    undo: Undo,
    wrote: bool,
    is_broken: bool,
}

/// A closure's end, as the writer's task hears of it.
#[derive(Debug)]
pub(super) struct Returned {
    pub connection: SqliteConnection,
    pub verdict: Verdict,
    pub undo: Undo,
    pub wrote: bool,
    /// A statement failed; SQLite may have ended the transaction without saying so.
    pub is_broken: bool,
    /// A planted bug: this refusal takes everybody's writes back.
    #[cfg(feature = "faults")]
    pub takes_all_back: bool,
}

#[derive(Debug)]
pub(super) enum Verdict {
    /// The closure went well; its caller waits for the commit.
    Admitted(oneshot::Sender<Outcome>),
    /// The closure returned an error; its caller waits whether what it read is true.
    Failed(oneshot::Sender<Outcome>),
    /// The closure was dropped in the middle, and nobody waits.
    Dropped,
}

/// How the writes of one closure can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// Nobody else has written in this transaction: all of it may be rolled back.
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

    /// The connection for one statement. After a failed one there is none: the transaction may be over, and a statement
    /// outside of it would be committed on its own.
    pub(crate) fn lend(&mut self, sql: &str) -> Result<&mut SqliteConnection, sqlx::Error> {
        if self.is_broken {
            return Err(broken());
        }
        if !is_read(sql) {
            self.begin_to_write();
        }
        Ok(self.connection.as_mut().expect("a loan holds its connection"))
    }

    /// Looks at how a statement ended.
    pub(crate) fn note<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_broken |= is_failure(&outcome);
        outcome
    }

    /// Were the savepoint not set, the undoing would fail and take the whole group back.
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
            // An error says that the task is gone, and the connection goes with it.
            drop(back.send(Returned {
                connection,
                #[cfg(feature = "faults")]
                takes_all_back: planted!("refusal takes its neighbours back")
                    && matches!(verdict, Verdict::Failed(_)),
                verdict,
                undo: self.undo,
                wrote: self.wrote,
                is_broken: self.is_broken,
            }));
        }
    }
}

/// Sends a statement without waiting for its answer, which is of no interest: the connection's thread takes its statements
/// in order, and the wait would cost each write two switches between threads.
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
