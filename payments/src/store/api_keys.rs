//! API keys of merchants' programs.

use domain::{Money, Timestamp};

use super::{StoreError, Tx, execute, on};
use crate::model::api_key::{ApiKey, KeyDraft, KeyLimits, Scope};

#[derive(sqlx::FromRow)]
struct ApiKeyRow {
    id: String,
    name: String,
    scopes: String,
    last_used_at: Option<i64>,
}

pub(crate) async fn insert_api_key(
    tx: &mut Tx<'_>,
    id: &str,
    draft: &KeyDraft<'_>,
    hash: &str,
    last4: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into api_keys (id, name, hash, last4, scopes, created_at, most_per_refund, most_per_day)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict do nothing";
    let scopes: Vec<&str> = draft.scopes.iter().map(|scope| scope.as_str()).collect();
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(id)
        .bind(draft.name)
        .bind(hash)
        .bind(last4)
        .bind(scopes.join(","))
        .bind(now.millis())
        .bind(draft.limits.per_refund.map(Money::fen))
        .bind(draft.limits.per_day.map(Money::fen)))?;
    Ok(n_inserted == 1)
}

/// Limits of a key; `None`: no such key.
pub(crate) async fn find_key_limits(tx: &mut Tx<'_>, id: &str) -> Result<Option<KeyLimits>, StoreError> {
    const SQL: &str = "select most_per_refund, most_per_day from api_keys where id = $1";
    let row: Option<(Option<i64>, Option<i64>)> = on!(tx, SQL, fetch_optional, |query| query.bind(id))?;
    row.map(|(per_refund, per_day)| limits_of(per_refund, per_day))
        .transpose()
}

pub(crate) fn limits_of(per_refund: Option<i64>, per_day: Option<i64>) -> Result<KeyLimits, StoreError> {
    let money = |fen: Option<i64>| {
        let sum = fen.map(Money::from_sum).transpose();
        sum.map_err(|_| StoreError::Corrupt("api_keys.most_per_refund or most_per_day"))
    };
    Ok(KeyLimits {
        per_refund: money(per_refund)?,
        per_day: money(per_day)?,
    })
}

/// Locks the key until the commit: other transactions that pay out with it wait.
pub(crate) async fn hold_api_key(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "update api_keys set name = name where id = $1";
    // SQLite has one writer: no lock is needed, and a refusal then has nothing to undo.
    if !tx.has_rivals() {
        return Ok(());
    }
    execute!(tx, SQL, |query| query.bind(id)).map(drop)
}

pub(crate) async fn find_api_key(tx: &mut Tx<'_>, hash: &str) -> Result<Option<ApiKey>, StoreError> {
    const SQL: &str =
        "select id, name, scopes, last_used_at from api_keys where hash = $1 and revoked_at is null";
    let row: Option<ApiKeyRow> = on!(tx, SQL, fetch_optional, |query| query.bind(hash))?;
    row.map(|row| {
        let scopes: Option<Vec<Scope>> = row.scopes.split(',').map(Scope::parse).collect();
        Ok(ApiKey {
            id: row.id,
            name: row.name,
            scopes: scopes.ok_or(StoreError::Corrupt("api_keys.scopes"))?,
            last_used_at: row.last_used_at.map(Timestamp::from_millis),
        })
    })
    .transpose()
}

pub(crate) async fn has_api_keys(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "select id from api_keys limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query)?;
    Ok(row.is_some())
}

/// API key as listed in the console.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct KnownKeyRow {
    pub id: String,
    pub name: String,
    pub scopes: String,
    pub last4: String,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub most_per_refund: Option<i64>,
    pub most_per_day: Option<i64>,
}

/// Newest first.
pub(crate) async fn list_api_keys(tx: &mut Tx<'_>) -> Result<Vec<KnownKeyRow>, StoreError> {
    const SQL: &str = "
        select id, name, scopes, last4, created_at, last_used_at, revoked_at, most_per_refund, most_per_day
        from api_keys
        order by id desc
        limit 500";
    on!(tx, SQL, fetch_all, |query| query)
}

/// `false`: it was revoked before, or never was.
pub(crate) async fn revoke_api_key(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null";
    let n_changed = execute!(tx, SQL, |query| query.bind(id).bind(now.millis()))?;
    Ok(n_changed == 1)
}

/// Updates the time of last use when it is before `before`.
pub(crate) async fn touch_api_key(
    tx: &mut Tx<'_>,
    id: &str,
    before: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update api_keys
        set last_used_at = $3
        where id = $1 and (last_used_at is null or last_used_at <= $2)";
    execute!(tx, SQL, |query| query
        .bind(id)
        .bind(before.millis())
        .bind(now.millis()))
    .map(drop)
}
