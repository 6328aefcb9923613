//! Counts of forged notifications, over all servers.

use domain::{Channel, Timestamp};

use super::{StoreError, Tx, execute, on};

/// Adds to the window that begins at `since`.
pub async fn add(tx: &mut Tx<'_>, channel: Channel, since: Timestamp, n: i64) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into forged_notices (channel, since, n)
        values ($1, $2, $3)
        on conflict (channel, since) do update set n = forged_notices.n + excluded.n";
    execute!(tx, SQL, |query| query
        .bind(channel.as_str())
        .bind(since.millis())
        .bind(n))
    .map(drop)
}

/// Counts the windows that begin after an instant.
pub async fn count(tx: &mut Tx<'_>, channel: Channel, after: Timestamp) -> Result<i64, StoreError> {
    const SQL: &str = "
        select cast(coalesce(sum(n), 0) as bigint)
        from forged_notices
        where channel = $1 and since > $2";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(channel.as_str())
        .bind(after.millis()))?;
    Ok(n)
}

/// Removes the windows that begin before an instant.
pub async fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        delete from forged_notices
        where since < $1";
    execute!(tx, SQL, |query| query.bind(before.millis())).map(drop)
}
