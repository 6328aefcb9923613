//! Batches: several writes in one round trip, as a list of statements on SQLite and as data-modifying `with` queries on
//! PostgreSQL.
//!
//! On PostgreSQL all of them see the state before the first: no write of a batch may depend on another, and no two may
//! change one row. The events that the transaction has recorded so far go with the batch.

pub(crate) mod write;

use sqlx::AssertSqlSafe;

use self::write::Value;
pub use self::write::Write;
use super::{Engine, StoreError, Tx, cut_point, events};

/// Binds the values of all writes to a query of any engine.
macro_rules! bind_values {
    ($query:expr, $writes:expr) => {{
        let mut query = $query;
        for value in $writes.iter().flat_map(|write: &&Write| &write.values) {
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
    /// as many rows as it must is a lost race.
    pub(crate) async fn run_batch(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let told = self.take_events().map(|recorded| events::insert(&recorded));
        let all: Vec<&Write> = writes.iter().chain(&told).collect();
        let changed = self.send_batch(&all).await?;
        let has_lost = all
            .iter()
            .zip(changed)
            .any(|(write, n_changed)| write.n_expected.is_some_and(|n_expected| n_changed != n_expected));
        if has_lost { Err(StoreError::Stale) } else { Ok(()) }
    }

    /// Runs one write and returns how many rows it changed.
    pub(crate) async fn run_write(&mut self, write: &Write) -> Result<u64, StoreError> {
        let changed = self.send_batch(&[write]).await?;
        Ok(changed.into_iter().sum())
    }

    /// Returns how many rows each of the writes changed.
    async fn send_batch(&mut self, writes: &[&Write]) -> Result<Vec<u64>, StoreError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
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
fn join_statements(writes: &[&Write]) -> String {
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
fn nest_statements(writes: &[&Write]) -> String {
    let mut sql = String::new();
    let mut n_bound = 0;
    for (place, write) in writes.iter().enumerate() {
        sql.push_str(&format!(
            "{} w{place} as (",
            if place == 0 { "with" } else { "," }
        ));
        push_shifted(&mut sql, write.sql, n_bound);
        sql.push_str(" returning 1)");
        n_bound += write.values.len();
    }
    for place in 0..writes.len() {
        let union = if place == 0 { "" } else { " union all" };
        sql.push_str(&format!("{union} select cast({place} as bigint) from w{place}"));
    }
    sql
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
        let writes: Vec<&Write> = writes.iter().collect();
        assert_eq!(
            join_statements(&writes),
            "update a set x = $2 where id = $1 returning 0; insert into b values ($3, $12) returning 1"
        );
        assert_eq!(
            nest_statements(&writes),
            "with w0 as (update a set x = $2 where id = $1 returning 1), w1 as (insert into b values ($3, $12) \
             returning 1) select cast(0 as bigint) from w0 union all select cast(1 as bigint) from w1"
        );
    }
}
