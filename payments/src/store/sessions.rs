//! Sessions of the console.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// Session to insert.
#[derive(Debug)]
pub struct NewSession<'a> {
    pub id: &'a str,
    /// Hash of the cookie's content.
    pub hash: &'a str,
    pub user_id: &'a str,
    pub ip: Option<&'a str>,
    pub agent: &'a str,
}

/// Open session, with its user.
#[derive(Debug, sqlx::FromRow)]
pub struct OpenRow {
    pub id: String,
    pub user_id: String,
    pub email: String,
    pub role: String,
    pub has_totp: bool,
    pub must_change_password: bool,
    pub seen_at: i64,
    pub confirmed_at: i64,
}

/// Entry in the list of a person's sessions.
#[derive(Debug, sqlx::FromRow)]
pub struct ListedRow {
    pub id: String,
    pub ip: Option<String>,
    pub agent: String,
    pub created_at: i64,
    pub seen_at: i64,
}

pub async fn insert(tx: &mut Tx<'_>, session: &NewSession<'_>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into sessions (id, hash, user_id, ip, agent, created_at, seen_at, confirmed_at)
        values ($1, $2, $3, $4, $5, $6, $6, $6)";
    execute!(tx, SQL, |query| query
        .bind(session.id)
        .bind(session.hash)
        .bind(session.user_id)
        .bind(session.ip)
        .bind(session.agent)
        .bind(now.millis()))
    .map(drop)
}

/// Finds a session that was active after one instant and begun after another: both limits are the caller's.
pub async fn find_open(
    tx: &mut Tx<'_>,
    hash: &str,
    seen_after: Timestamp,
    begun_after: Timestamp,
) -> Result<Option<OpenRow>, StoreError> {
    const SQL: &str = "
        select s.id, s.user_id, u.email, u.role, u.totp_secret is not null as has_totp, u.must_change_password,
            s.seen_at, s.confirmed_at
        from sessions s join users u on u.id = s.user_id
        where s.hash = $1 and s.ended_at is null and s.seen_at > $2 and s.created_at > $3
            and u.disabled_at is null";
    on!(tx, SQL, fetch_optional, |query| query
        .bind(hash)
        .bind(seen_after.millis())
        .bind(begun_after.millis()))
}

pub async fn list_open(
    tx: &mut Tx<'_>,
    user_id: &str,
    seen_after: Timestamp,
    begun_after: Timestamp,
) -> Result<Vec<ListedRow>, StoreError> {
    const SQL: &str = "
        select id, ip, agent, created_at, seen_at
        from sessions
        where user_id = $1 and ended_at is null and seen_at > $2 and created_at > $3
        order by created_at desc, id desc
        limit 100";
    on!(tx, SQL, fetch_all, |query| query
        .bind(user_id)
        .bind(seen_after.millis())
        .bind(begun_after.millis()))
}

pub async fn touch(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update sessions set seen_at = $2 where id = $1 and seen_at < $2";
    execute!(tx, SQL, |query| query.bind(id).bind(now.millis())).map(drop)
}

pub async fn confirm(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update sessions set confirmed_at = $2 where id = $1 and ended_at is null";
    execute!(tx, SQL, |query| query.bind(id).bind(now.millis())).map(drop)
}

pub async fn end(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update sessions set ended_at = $2 where id = $1 and ended_at is null";
    execute!(tx, SQL, |query| query.bind(id).bind(now.millis())).map(drop)
}

/// Ends every session of a person but one; returns how many.
pub async fn end_others(
    tx: &mut Tx<'_>,
    user_id: &str,
    but: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    const SQL: &str =
        "update sessions set ended_at = $3 where user_id = $1 and id <> $2 and ended_at is null";
    execute!(tx, SQL, |query| query.bind(user_id).bind(but).bind(now.millis()))
}
