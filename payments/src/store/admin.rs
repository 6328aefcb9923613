//! Who may come in: API keys of programs and users of the console.

use domain::{Timestamp, UserId};

use super::{StoreError, Tx, execute, on};
use crate::admin::{ApiKey, Role, Scope};

#[derive(sqlx::FromRow)]
struct ApiKeyRow {
    id: String,
    name: String,
    scopes: String,
}

pub(crate) async fn insert_api_key(
    tx: &mut Tx<'_>,
    key: &ApiKey,
    hash: &str,
    last4: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into api_keys (id, name, hash, last4, scopes, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing";
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(key.id.as_str())
        .bind(key.name.as_str())
        .bind(hash)
        .bind(last4)
        .bind(scopes.join(","))
        .bind(now.millis()))?;
    Ok(n_inserted == 1)
}

pub(crate) async fn find_api_key(tx: &mut Tx<'_>, hash: &str) -> Result<Option<ApiKey>, StoreError> {
    const SQL: &str = "select id, name, scopes from api_keys where hash = $1 and revoked_at is null";
    let row: Option<ApiKeyRow> = on!(tx, SQL, fetch_optional, |query| query.bind(hash))?;
    row.map(|row| {
        let scopes: Option<Vec<Scope>> = row.scopes.split(',').map(Scope::parse).collect();
        Ok(ApiKey {
            id: row.id,
            name: row.name,
            scopes: scopes.ok_or(StoreError::Corrupt("api_keys.scopes"))?,
        })
    })
    .transpose()
}

pub(crate) async fn has_api_keys(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "select id from api_keys limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query)?;
    Ok(row.is_some())
}

/// `false`: this address has a user already.
pub(crate) async fn insert_user(
    tx: &mut Tx<'_>,
    id: &UserId,
    email: &str,
    password_hash: &str,
    role: Role,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into users (id, email, password_hash, role, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(id.as_str())
        .bind(email)
        .bind(password_hash)
        .bind(role.as_str())
        .bind(now.millis()))?;
    Ok(n_inserted == 1)
}

pub(crate) async fn has_users(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "select id from users limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query)?;
    Ok(row.is_some())
}
