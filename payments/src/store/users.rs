//! Users of the console.

use domain::{Timestamp, UserId};

use super::{StoreError, Tx, execute, on};
use crate::model::user::Role;

/// Credentials that a login is compared with.
#[derive(Debug, sqlx::FromRow)]
pub struct CredentialsRow {
    pub id: String,
    pub email: String,
    pub password_hash: String,
    pub totp_secret: Option<String>,
}

#[derive(Debug, sqlx::FromRow)]
pub struct UserRow {
    pub id: String,
    pub email: String,
    pub role: String,
    pub has_totp: bool,
    pub created_at: i64,
    pub must_change_password: bool,
    pub disabled_at: Option<i64>,
    pub seen_at: Option<i64>,
}

pub async fn find_credentials(tx: &mut Tx<'_>, email: &str) -> Result<Option<CredentialsRow>, StoreError> {
    const SQL: &str = "
        select id, email, password_hash, totp_secret
        from users
        where email = $1 and disabled_at is null";
    on!(tx, SQL, fetch_optional, |query| query.bind(email))
}

pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<UserRow>, StoreError> {
    const SQL: &str = "
        select u.id, u.email, u.role, u.totp_secret is not null as has_totp, u.created_at, u.must_change_password,
            u.disabled_at, (select max(s.seen_at) from sessions s where s.user_id = u.id) as seen_at
        from users u
        order by u.id
        limit 500";
    on!(tx, SQL, fetch_all, |query| query)
}

/// Every stored TOTP secret with its owner.
pub async fn list_totp_secrets(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>, StoreError> {
    const SQL: &str = "select id, totp_secret from users where totp_secret is not null order by id";
    on!(tx, SQL, fetch_all, |query| query)
}

/// Replaces the secret only while it is unchanged.
pub async fn replace_totp_secret(
    tx: &mut Tx<'_>,
    user_id: &str,
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    const SQL: &str = "update users set totp_secret = $3 where id = $1 and totp_secret = $2";
    execute!(tx, SQL, |query| query.bind(user_id).bind(from).bind(to)).map(drop)
}

/// `step` is the time step of the code that proved it: the code must not work a second time.
pub async fn set_totp(
    tx: &mut Tx<'_>,
    user_id: &str,
    secret: Option<&str>,
    step: i64,
) -> Result<(), StoreError> {
    const SQL: &str = "update users set totp_secret = $2, totp_step = $3 where id = $1";
    execute!(tx, SQL, |query| query.bind(user_id).bind(secret).bind(step)).map(drop)
}

/// `false`: a code of this step or of a later one was used already.
pub async fn use_totp_step(tx: &mut Tx<'_>, user_id: &str, step: i64) -> Result<bool, StoreError> {
    const SQL: &str = "update users set totp_step = $2 where id = $1 and totp_step < $2";
    let n_changed = execute!(tx, SQL, |query| query.bind(user_id).bind(step))?;
    Ok(n_changed == 1)
}

/// Counts one try at a code. `false`: there were `most` already, and the last of them after `since`. Without a try since
/// then the count begins anew.
pub async fn count_code_try(
    tx: &mut Tx<'_>,
    user_id: &str,
    most: i64,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update users
        set code_tries = case when code_tried_at > $3 then code_tries + 1 else 1 end, code_tried_at = $4
        where id = $1 and (code_tries < $2 or code_tried_at <= $3)";
    let n_changed = execute!(tx, SQL, |query| query
        .bind(user_id)
        .bind(most)
        .bind(since.millis())
        .bind(now.millis()))?;
    Ok(n_changed == 1)
}

/// Number of tries, and when the last was.
pub async fn code_tries(tx: &mut Tx<'_>, user_id: &str) -> Result<(i64, i64), StoreError> {
    const SQL: &str = "select code_tries, code_tried_at from users where id = $1";
    on!(tx, SQL, fetch_one, |query| query.bind(user_id))
}

/// Resets the count after a correct code.
pub async fn forget_code_tries(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    const SQL: &str = "update users set code_tries = 0 where id = $1";
    execute!(tx, SQL, |query| query.bind(user_id)).map(drop)
}

/// Locks the owners until the commit: other changes of owners wait.
pub async fn hold_owners(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    const SQL: &str = "update users set role = role where role = 'owner' and disabled_at is null";
    // SQLite has one writer: no lock is needed, and a refusal then has nothing to undo.
    if !tx.has_rivals() {
        return Ok(());
    }
    execute!(tx, SQL, |query| query).map(drop)
}

/// Locks the person until the commit: their other acts wait.
pub async fn hold(tx: &mut Tx<'_>, email: &str) -> Result<(), StoreError> {
    const SQL: &str = "update users set role = role where email = $1";
    if !tx.has_rivals() {
        return Ok(());
    }
    execute!(tx, SQL, |query| query.bind(email)).map(drop)
}

/// Role before the change; `None` when there is no such person.
pub async fn role_of(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<(String, String)>, StoreError> {
    const SQL: &str = "select email, role from users where id = $1 and disabled_at is null";
    on!(tx, SQL, fetch_optional, |query| query.bind(user_id))
}

pub async fn set_role(tx: &mut Tx<'_>, user_id: &str, role: Role) -> Result<(), StoreError> {
    const SQL: &str = "update users set role = $2 where id = $1";
    execute!(tx, SQL, |query| query.bind(user_id).bind(role.as_str())).map(drop)
}

pub async fn disable(tx: &mut Tx<'_>, user_id: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update users set disabled_at = $2 where id = $1 and disabled_at is null";
    execute!(tx, SQL, |query| query.bind(user_id).bind(now.millis())).map(drop)
}

/// Ends the disabling. `false`: the person was not disabled.
pub async fn enable(tx: &mut Tx<'_>, user_id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "update users set disabled_at = null where id = $1 and disabled_at is not null";
    let n_changed = execute!(tx, SQL, |query| query.bind(user_id))?;
    Ok(n_changed == 1)
}

/// Address of a person, also of a disabled one.
pub async fn email_of(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<String>, StoreError> {
    const SQL: &str = "select email from users where id = $1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query.bind(user_id))?;
    Ok(row.map(|(email,)| email))
}

/// Sets a password that its user has chosen.
pub async fn set_password(tx: &mut Tx<'_>, user_id: &str, hash: &str) -> Result<(), StoreError> {
    const SQL: &str = "update users set password_hash = $2, must_change_password = false where id = $1";
    execute!(tx, SQL, |query| query.bind(user_id).bind(hash)).map(drop)
}

/// Sets a password that its user must change at the next login.
pub async fn set_first_password(tx: &mut Tx<'_>, user_id: &str, hash: &str) -> Result<(), StoreError> {
    const SQL: &str = "update users set password_hash = $2, must_change_password = true where id = $1";
    execute!(tx, SQL, |query| query.bind(user_id).bind(hash)).map(drop)
}

/// User to insert.
#[derive(Debug)]
pub struct NewUserRow<'a> {
    pub id: &'a UserId,
    pub email: &'a str,
    pub password_hash: &'a str,
    pub role: Role,
    pub must_change_password: bool,
}

/// `false`: this address has a user already.
pub async fn insert(tx: &mut Tx<'_>, user: &NewUserRow<'_>, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into users (id, email, password_hash, role, must_change_password, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(user.id.as_str())
        .bind(user.email)
        .bind(user.password_hash)
        .bind(user.role.as_str())
        .bind(user.must_change_password)
        .bind(now.millis()))?;
    Ok(n_inserted == 1)
}

pub async fn has_any(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "select id from users limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query)?;
    Ok(row.is_some())
}
