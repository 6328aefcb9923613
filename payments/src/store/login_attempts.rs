//! Counters of login attempts: one row per key and window of time.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// Count of a window.
pub async fn find(tx: &mut Tx<'_>, key: &str, ends_at: Timestamp) -> Result<i64, StoreError> {
    const SQL: &str = "select n from login_attempts where key = $1 and ends_at = $2";
    let row: Option<(i64,)> = on!(tx, SQL, fetch_optional, |query| query
        .bind(key)
        .bind(ends_at.millis()))?;
    Ok(row.map_or(0, |(n,)| n))
}

/// Increments the counter and returns it.
pub async fn count(tx: &mut Tx<'_>, key: &str, ends_at: Timestamp) -> Result<i64, StoreError> {
    const SQL: &str = "
        insert into login_attempts (key, ends_at, n)
        values ($1, $2, 1)
        on conflict (key, ends_at) do update set n = login_attempts.n + 1
        returning n";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query.bind(key).bind(ends_at.millis()))?;
    Ok(n)
}

/// Decrements the counter of an attempt that succeeded.
pub async fn uncount(tx: &mut Tx<'_>, key: &str, ends_at: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update login_attempts set n = n - 1 where key = $1 and ends_at = $2 and n > 0";
    execute!(tx, SQL, |query| query.bind(key).bind(ends_at.millis())).map(drop)
}

/// Removes the windows that are over.
pub async fn forget(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "delete from login_attempts where ends_at <= $1";
    execute!(tx, SQL, |query| query.bind(now.millis())).map(drop)
}
