//! Batches: several writes in one round trip, as a list of statements on SQLite and as data-modifying `with` queries on
//! PostgreSQL.
//!
//! On PostgreSQL all of them see the state before the first: no write of a batch may depend on another, and no two may
//! change one row. The events that the transaction has recorded so far go with the batch.
//!
//! On PostgreSQL a batch waits for the next statement of its transaction. When none comes, the batch is the whole transaction
//! and is sent without `begin` and `commit`.

pub(crate) mod write;

use sqlx::AssertSqlSafe;

use self::write::Value;
pub use self::write::Write;
use super::postgres::failed_commit;
use super::{Engine, StoreError, Tx, cut_point, events};

/// Binds the values of all writes to a query of any engine.
macro_rules! bind_values {
    ($query:expr, $writes:expr) => {{
        let mut query = $query;
        for value in $writes.iter().flat_map(|write: &Write| &write.values) {
            query = match value {
                Value::Text(text) => query.bind(text.as_deref()),
                Value::Integer(number) => query.bind(*number),
                Value::Truth(truth) => query.bind(*truth),
            };
        }
        query
    }};
}

impl Tx<'_> {
    /// Runs the writes, and writes the events that were recorded so far, in one round trip. A write that does not change
    /// as many rows as it must is a lost race; on PostgreSQL a later statement, or the commit, fails with it.
    pub(crate) async fn run_batch(
        &mut self,
        writes: impl IntoIterator<Item = Write> + Send,
    ) -> Result<(), StoreError> {
        let told = self.take_events().map(|recorded| events::insert(&recorded));
        let batch: Vec<Write> = writes.into_iter().chain(told).collect();
        self.run_or_hold(batch).await
    }

    async fn run_or_hold(&mut self, batch: Vec<Write>) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        if !self.holds_batches {
            return self.run_now(&batch).await;
        }
        self.send_held().await?;
        self.held_batch = batch;
        Ok(())
    }

    async fn run_now(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        let changed = self.send_batch(batch).await?;
        let has_lost = batch
            .iter()
            .zip(changed)
            .any(|(write, n_changed)| write.n_expected.is_some_and(|n_expected| n_changed != n_expected));
        if has_lost { Err(StoreError::Stale) } else { Ok(()) }
    }

    /// Runs one write and returns how many rows it changed.
    pub(crate) async fn run_write(&mut self, write: Write) -> Result<u64, StoreError> {
        if self.holds_batches {
            self.begin().await?;
            self.send_held().await?;
        }
        let changed = self.send_batch(&[write]).await?;
        Ok(changed.into_iter().sum())
    }

    /// Sends the batch that waited, in a transaction that has begun.
    pub(super) async fn send_held(&mut self) -> Result<(), StoreError> {
        if self.held_batch.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        let batch = std::mem::take(&mut self.held_batch);
        let outcome = self.run_now(&batch).await;
        self.has_lost_race |= matches!(outcome, Err(StoreError::Stale));
        outcome
    }

    /// Sends the batch that waited as a transaction of its own, which commits all of it or nothing.
    pub(super) async fn commit_held(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.held_batch);
        let Engine::Postgres(borrowed) = &mut self.engine else {
            unreachable!("only PostgreSQL holds batches")
        };
        let query = bind_values!(sqlx::query(AssertSqlSafe(nest_alone(&batch))), batch);
        let outcome = query.execute(borrowed.lend()).await;
        match borrowed.note(outcome) {
            Ok(_) => Ok(()),
            Err(error) if is_division_by_zero(&error) => Err(StoreError::Stale),
            Err(error) => Err(failed_commit(error)),
        }
    }

    /// Returns how many rows each of the writes changed.
    async fn send_batch(&mut self, writes: &[Write]) -> Result<Vec<u64>, StoreError> {
        // Each row is the number of the write that changed it.
        let outcome: Result<Vec<(i64,)>, sqlx::Error> = match &mut self.engine {
            Engine::Writer(loan) => {
                cut_point().await;
                let sql = join_statements(writes);
                match loan.lend(&sql) {
                    Ok(connection) => {
                        let query = bind_values!(sqlx::query_as(AssertSqlSafe(sql)), writes);
                        let outcome = query.fetch_all(connection).await;
                        loan.note(outcome)
                    }
                    Err(broken) => Err(broken),
                }
            }
            Engine::Reader(_) => unreachable!("readers write nothing"),
            Engine::Postgres(borrowed) => {
                let sql = nest_statements(writes);
                let query = bind_values!(sqlx::query_as(AssertSqlSafe(sql)), writes);
                let outcome = query.fetch_all(borrowed.lend()).await;
                borrowed.note(outcome)
            }
        };
        let mut n_changed = vec![0; writes.len()];
        for (number,) in self.note(outcome)? {
            let number = usize::try_from(number).map_err(|_| StoreError::Corrupt("returning"))?;
            n_changed[number] += 1;
        }
        Ok(n_changed)
    }
}

/// Joins the writes to a list: `insert … returning 0; update … returning 1`.
fn join_statements(writes: &[Write]) -> String {
    let mut sql = String::new();
    let mut n_bound = 0;
    for (place, write) in writes.iter().enumerate() {
        if place > 0 {
            sql.push_str("; ");
        }
        push_shifted(&mut sql, write.sql, n_bound);
        sql.push_str(&format!(" returning {place}"));
        n_bound += write.values.len();
    }
    sql
}

/// Nests the writes: `with w0 as (insert … returning 1), w1 as (…) select 0 from w0 union all select 1 from w1`. The parts
/// of the union are read in their order, and each `with` query runs when it is first read.
fn nest_statements(writes: &[Write]) -> String {
    let mut sql = String::new();
    push_nested(&mut sql, writes);
    push_changed(&mut sql, writes.len());
    sql
}

/// Nests the writes to a statement that fails, and so changes nothing, when one of them does not change as many rows as it
/// must. SQL raises no errors of its own: the statement divides by zero.
fn nest_alone(writes: &[Write]) -> String {
    let mut sql = String::new();
    push_nested(&mut sql, writes);
    sql.push_str(", changed (place) as (");
    push_changed(&mut sql, writes.len());
    sql.push_str(") select 1 / (case when true");
    for (place, write) in writes.iter().enumerate() {
        if let Some(n_expected) = write.n_expected {
            sql.push_str(&format!(
                " and count(*) filter (where place = {place}) = {n_expected}"
            ));
        }
    }
    sql.push_str(" then 1 else 0 end) from changed");
    sql
}

fn is_division_by_zero(error: &sqlx::Error) -> bool {
    const DIVISION_BY_ZERO: &str = "22012";
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some(DIVISION_BY_ZERO)
}

/// Appends the `with` queries: `with w0 as (insert … returning 1), w1 as (…)`.
fn push_nested(sql: &mut String, writes: &[Write]) {
    let mut n_bound = 0;
    for (place, write) in writes.iter().enumerate() {
        sql.push_str(&format!(
            "{} w{place} as (",
            if place == 0 { "with" } else { "," }
        ));
        push_shifted(sql, write.sql, n_bound);
        sql.push_str(" returning 1)");
        n_bound += write.values.len();
    }
}

/// Appends a query with a row for each row that was changed: the place of its write.
fn push_changed(sql: &mut String, n_writes: usize) {
    for place in 0..n_writes {
        let union = if place == 0 { "" } else { " union all" };
        sql.push_str(&format!("{union} select cast({place} as bigint) from w{place}"));
    }
}

/// Appends a statement with its `$1` as `$(1 + by)`, and so on. No text of ours has a `$` in a literal.
fn push_shifted(target: &mut String, sql: &str, by: usize) {
    let mut parts = sql.split('$');
    target.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let n_digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(n_digits);
        let number: usize = number.parse().unwrap_or_default();
        target.push_str(&format!("${}{rest}", number + by));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_has_its_own_values() {
        let writes = [
            Write::exactly(1, "update a set x = $2 where id = $1")
                .bind("a")
                .bind(1),
            Write::at_most("insert into b values ($1, $10)").bind(true),
        ];
        assert_eq!(
            join_statements(&writes),
            "update a set x = $2 where id = $1 returning 0; insert into b values ($3, $12) returning 1"
        );
        assert_eq!(
            nest_statements(&writes),
            "with w0 as (update a set x = $2 where id = $1 returning 1), w1 as (insert into b values ($3, $12) \
             returning 1) select cast(0 as bigint) from w0 union all select cast(1 as bigint) from w1"
        );
        assert_eq!(
            nest_alone(&writes[..1]),
            "with w0 as (update a set x = $2 where id = $1 returning 1), changed (place) as ( select cast(0 as bigint) \
             from w0) select 1 / (case when true and count(*) filter (where place = 0) = 1 then 1 else 0 end) from changed"
        );
    }
}
