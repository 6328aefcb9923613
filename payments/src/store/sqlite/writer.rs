//! Writer task: owns the only connection that writes, and alone begins, commits and rolls back.
//!
//! It lends the connection to one closure after the other and commits when no closure waits, or when enough share the
//! commit. A closure that fails or is dropped undoes its own writes only. No caller can drop a commit, so this task always
//! sees its outcome, and a member runs again only after a rollback that is certain.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::loan::{Loan, Outcome, Returned, Undo, Verdict, send};
#[cfg(any(test, feature = "faults"))]
use super::trouble::{CommitTrouble, LostCommit};
use crate::store::StoreError;

/// Maximum of closures in one commit: more only make the first of them wait.
const MAX_GROUP: u32 = 128;

#[derive(Debug)]
pub(super) enum Request {
    Turn(oneshot::Sender<Result<Loan, StoreError>>),
    /// In a simulation: an admitted member waits for the commit.
    #[cfg(feature = "faults")]
    Commit,
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// Missing while it is lent, and after it was closed because it could not roll back.
    connection: Option<SqliteConnection>,
    group: Option<Group>,
    requests: mpsc::UnboundedReceiver<Request>,
    #[cfg(any(test, feature = "faults"))]
    trouble: CommitTrouble,
    #[cfg(feature = "faults")]
    commits_when_told: bool,
}

/// Closures of one open transaction.
#[derive(Debug, Default)]
struct Group {
    waiting: Vec<oneshot::Sender<Outcome>>,
    n_turns: u32,
    has_writes: bool,
}

impl Group {
    fn end(self, outcome: Outcome) {
        for member in self.waiting {
            // An error means that its caller is gone.
            let _ = member.send(outcome);
        }
    }
}

impl Writer {
    pub(super) fn new(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        requests: mpsc::UnboundedReceiver<Request>,
    ) -> Writer {
        Writer {
            options,
            connection: Some(connection),
            group: None,
            requests,
            #[cfg(any(test, feature = "faults"))]
            trouble: CommitTrouble::default(),
            #[cfg(feature = "faults")]
            commits_when_told: false,
        }
    }

    #[cfg(any(test, feature = "faults"))]
    pub(super) fn in_trouble(self, trouble: CommitTrouble) -> Writer {
        Writer { trouble, ..self }
    }

    #[cfg(feature = "faults")]
    pub(super) fn commits_when_told(self, commits_when_told: bool) -> Writer {
        Writer {
            commits_when_told,
            ..self
        }
    }

    /// Runs until the database is closed or all its handles are dropped.
    pub(super) async fn run(mut self) {
        while let Some(request) = self.next_request().await {
            match request {
                Request::Turn(reply) => self.serve(reply).await,
                #[cfg(feature = "faults")]
                Request::Commit => self.commit().await,
                Request::Close(reply) => {
                    self.close().await;
                    // An error means that the caller is gone.
                    let _ = reply.send(());
                    return;
                }
            }
        }
        self.close().await;
    }

    /// Returns the next request; commits before it waits for one.
    async fn next_request(&mut self) -> Option<Request> {
        if self.group.is_some() && self.commits_by_itself() {
            match self.requests.try_recv() {
                Ok(request) => return Some(request),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => self.commit().await,
            }
        }
        self.requests.recv().await
    }

    #[cfg(not(feature = "faults"))]
    fn commits_by_itself(&self) -> bool {
        true
    }

    #[cfg(feature = "faults")]
    fn commits_by_itself(&self) -> bool {
        !self.commits_when_told
    }

    /// Lends the connection to one closure and judges the result.
    async fn serve(&mut self, reply: oneshot::Sender<Result<Loan, StoreError>>) {
        if reply.is_closed() {
            return;
        }
        let connection = match self.begin().await {
            Ok(connection) => connection,
            Err(error) => {
                // An error means that its caller is gone.
                drop(reply.send(Err(error)));
                return;
            }
        };
        let undo = self.undo_of_turn();
        let (back, returned) = oneshot::channel();
        // A loan that is not received returns by its destructor.
        drop(reply.send(Ok(Loan::new(connection, undo, back))));
        match returned.await {
            Ok(returned) => self.take_back(returned).await,
            Err(_) => {
                tracing::error!("the writing connection was lost with a closure; its group is run again");
                self.end_group(Outcome::RolledBack);
            }
        }
        if self
            .group
            .as_ref()
            .is_some_and(|group| group.n_turns >= MAX_GROUP)
        {
            self.commit().await;
        }
    }

    /// Returns the connection with a transaction open on it.
    async fn begin(&mut self) -> Result<SqliteConnection, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        if self.group.is_none() {
            match sqlx::query("begin immediate").execute(&mut connection).await {
                Ok(_) => self.group = Some(Group::default()),
                Err(error) => {
                    self.connection = rolled_back(connection).await;
                    return Err(error.into());
                }
            }
        }
        Ok(connection)
    }

    fn undo_of_turn(&mut self) -> Undo {
        let Some(group) = &mut self.group else {
            return Undo::Transaction;
        };
        group.n_turns += 1;
        if group.waiting.is_empty() {
            Undo::Transaction
        } else {
            Undo::SavepointLater(group.n_turns)
        }
    }

    async fn take_back(&mut self, returned: Returned) {
        let Returned {
            connection,
            verdict,
            undo,
            wrote,
            is_broken,
            ..
        } = returned;
        let connection = self.connection.insert(connection);
        if let (Verdict::Admitted(_), Undo::Savepoint(number)) = (&verdict, undo) {
            // Open savepoints would make SQLite copy each changed page again for every one of them.
            send(connection, format!("release turn{number}"));
        }
        let (is_admitted, waits) = match verdict {
            Verdict::Admitted(sender) => (true, Some(sender)),
            Verdict::Failed(sender) => (false, Some(sender)),
            Verdict::Dropped => (false, None),
        };
        let is_undone = is_admitted || !(wrote || is_broken) || self.undo(undo).await;
        match (&mut self.group, waits) {
            (Some(group), Some(sender)) if is_admitted => {
                group.has_writes |= wrote;
                group.waiting.push(sender);
            }
            // It may have read what the other members wrote: its refusal holds only when they are committed.
            (Some(group), Some(sender)) if is_undone && group.has_writes => group.waiting.push(sender),
            (_, Some(sender)) => {
                let outcome = if is_undone {
                    Outcome::Committed
                } else {
                    Outcome::RolledBack
                };
                // An error means that its caller is gone.
                let _ = sender.send(outcome);
            }
            (_, None) => {}
        }
    }

    /// Undoes the writes of one closure. `false`: the other members' writes were undone too, and they run again.
    async fn undo(&mut self, undo: Undo) -> bool {
        match (undo, &mut self.connection) {
            (Undo::Savepoint(number), Some(connection)) => {
                let sql = format!("rollback to turn{number}; release turn{number}");
                let back = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(false);
                if let Err(error) = back.execute(&mut *connection).await {
                    tracing::warn!(%error, "a savepoint is gone; its whole group is run again");
                    self.roll_back(Outcome::RolledBack).await;
                    return false;
                }
                true
            }
            _ => {
                // Without other members this is the closure's own transaction. With some, a closure that had not written
                // yet has met a failing statement, and it is unknown whether the transaction is still open.
                let is_alone = self.group.as_ref().is_none_or(|group| group.waiting.is_empty());
                self.roll_back(Outcome::RolledBack).await;
                is_alone
            }
        }
    }

    /// Commits and reports the outcome to every member.
    async fn commit(&mut self) {
        let Some(group) = self.group.take() else { return };
        let Some(mut connection) = self.connection.take() else {
            return group.end(Outcome::RolledBack);
        };
        if group.waiting.is_empty() {
            self.connection = rolled_back(connection).await;
            return;
        }
        crash_point!("store.before_commit");
        #[cfg(any(test, feature = "faults"))]
        if let Some(lost) = self.trouble.meet().await {
            if lost == LostCommit::TookEffect {
                drop(sqlx::query("commit").execute(&mut connection).await);
            }
            self.connection = rolled_back(connection).await;
            return group.end(Outcome::Unknown);
        }
        let outcome = match sqlx::query("commit").execute(&mut connection).await {
            Ok(_) => {
                self.connection = Some(connection);
                Outcome::Committed
            }
            Err(error) => {
                let outcome = outcome_of(&error);
                tracing::error!(%error, "a commit of {} writes failed: {outcome:?}", group.waiting.len());
                self.connection = rolled_back(connection).await;
                outcome
            }
        };
        #[cfg(any(test, feature = "faults"))]
        self.trouble.delay_answer().await;
        group.end(outcome);
    }

    async fn roll_back(&mut self, outcome: Outcome) {
        if let Some(connection) = self.connection.take() {
            self.connection = rolled_back(connection).await;
        }
        self.end_group(outcome);
    }

    fn end_group(&mut self, outcome: Outcome) {
        if let Some(group) = self.group.take() {
            group.end(outcome);
        }
    }

    /// Empties the WAL into the file and closes it.
    async fn close(&mut self) {
        self.commit().await;
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let emptied = sqlx::query("pragma wal_checkpoint(truncate)")
            .execute(&mut connection)
            .await;
        if let Err(error) = emptied {
            tracing::warn!(%error, "the log could not be written into the database file; it stays beside it");
        }
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }
}

/// Rolls back. A connection that cannot is closed, which undoes its writes.
async fn rolled_back(mut connection: SqliteConnection) -> Option<SqliteConnection> {
    match sqlx::query("rollback").execute(&mut connection).await {
        Ok(_) => Some(connection),
        Err(error) => {
            tracing::debug!(%error, "a connection that cannot roll back is replaced");
            // The next one waits for the lock until this one is gone.
            drop(connection.close().await);
            None
        }
    }
}

/// Classifies a failed COMMIT.
///
/// After BUSY, LOCKED and a violated constraint SQLite leaves the transaction open, so the rollback is certain
/// (sqlite.org/lang_transaction.html). After an I/O error or on a full disk the commit's frame may be in the WAL already:
/// if the process dies before the frame is overwritten, recovery takes it for committed.
fn outcome_of(error: &sqlx::Error) -> Outcome {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const CONSTRAINT: i32 = 19;
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok());
    // The low byte is the primary code.
    match code.map(|code| code & 0xff) {
        Some(BUSY | LOCKED | CONSTRAINT) => Outcome::RolledBack,
        _ => Outcome::Unknown,
    }
}
