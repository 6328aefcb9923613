//! Known login browsers, by a hash of their cookie.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// Whether the user of this address has logged in from this browser before.
pub async fn is_known(tx: &mut Tx<'_>, email: &str, hash: &str) -> Result<bool, StoreError> {
    const SQL: &str = "
        select d.hash
        from login_devices d join users u on u.id = d.user_id
        where u.email = $1 and d.hash = $2 and u.disabled_at is null";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query.bind(email).bind(hash))?;
    Ok(row.is_some())
}

pub async fn remember(tx: &mut Tx<'_>, user_id: &str, hash: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into login_devices (user_id, hash, created_at, seen_at)
        values ($1, $2, $3, $3)
        on conflict (user_id, hash) do update set seen_at = excluded.seen_at";
    execute!(tx, SQL, |query| query.bind(user_id).bind(hash).bind(now.millis())).map(drop)
}

/// Forgets all browsers of a user. After a change of password they may include an attacker's.
pub async fn forget_all(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    const SQL: &str = "delete from login_devices where user_id = $1";
    execute!(tx, SQL, |query| query.bind(user_id)).map(drop)
}
