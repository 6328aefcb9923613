//! Recovery codes that are not used yet, as hashes.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// Replaces the set, so that of two sets made at the same time only one stays.
pub async fn replace(tx: &mut Tx<'_>, user_id: &str, hashes: &[String]) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into recovery_codes (user_id, n, hash)
        values ($1, $2, $3)
        on conflict (user_id, n) do update set hash = excluded.hash, used_at = null";
    for (n, hash) in (1_i64..).zip(hashes) {
        execute!(tx, SQL, |query| query.bind(user_id).bind(n).bind(hash.as_str())).map(drop)?;
    }
    Ok(())
}

pub async fn remove(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    const SQL: &str = "delete from recovery_codes where user_id = $1";
    execute!(tx, SQL, |query| query.bind(user_id)).map(drop)
}

/// Uses up a code. `false`: it was used before, or never existed.
pub async fn spend(tx: &mut Tx<'_>, user_id: &str, hash: &str, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str =
        "update recovery_codes set used_at = $3 where user_id = $1 and hash = $2 and used_at is null";
    let n_changed = execute!(tx, SQL, |query| query.bind(user_id).bind(hash).bind(now.millis()))?;
    Ok(n_changed == 1)
}

pub async fn count_left(tx: &mut Tx<'_>, user_id: &str) -> Result<i64, StoreError> {
    const SQL: &str = "select count(*) from recovery_codes where user_id = $1 and used_at is null";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query.bind(user_id))?;
    Ok(n)
}
