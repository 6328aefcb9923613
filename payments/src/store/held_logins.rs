//! Logins between the password and the code of the second factor.

use domain::Timestamp;

use super::users::CredentialsRow;
use super::{StoreError, Tx, execute, on};

pub async fn insert(tx: &mut Tx<'_>, hash: &str, user_id: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "insert into held_logins (hash, user_id, created_at) values ($1, $2, $3)";
    execute!(tx, SQL, |query| query.bind(hash).bind(user_id).bind(now.millis())).map(drop)
}

/// Credentials of the person whose login is held under this hash since `begun_after`.
pub async fn find(
    tx: &mut Tx<'_>,
    hash: &str,
    begun_after: Timestamp,
) -> Result<Option<CredentialsRow>, StoreError> {
    const SQL: &str = "
        select u.id, u.email, u.password_hash, u.totp_secret
        from held_logins h join users u on u.id = h.user_id
        where h.hash = $1 and h.created_at > $2 and u.disabled_at is null";
    on!(tx, SQL, fetch_optional, |query| query
        .bind(hash)
        .bind(begun_after.millis()))
}

/// Removes the held logins of a person: they have logged in, or their password was changed.
pub async fn forget_all(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    const SQL: &str = "delete from held_logins where user_id = $1";
    execute!(tx, SQL, |query| query.bind(user_id)).map(drop)
}

/// Removes held logins that are over.
pub async fn forget_old(tx: &mut Tx<'_>, begun_before: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "delete from held_logins where created_at <= $1";
    execute!(tx, SQL, |query| query.bind(begun_before.millis())).map(drop)
}
