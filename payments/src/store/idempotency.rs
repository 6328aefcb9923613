//! Answers that were given, kept with their effect.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};
use crate::KeptAnswer;

#[derive(sqlx::FromRow)]
struct KeptRow {
    fingerprint: String,
    status: i64,
    body: String,
}

/// The fingerprint of the first request under this key, and what it was told.
pub async fn find(
    tx: &mut Tx<'_>,
    route: &str,
    key: &str,
) -> Result<Option<(String, KeptAnswer)>, StoreError> {
    const SQL: &str = "select fingerprint, status, body from idempotency_keys where route = $1 and key = $2";
    let row: Option<KeptRow> = on!(tx, SQL, fetch_optional, |query| query.bind(route).bind(key))?;
    row.map(|row| {
        let status = u16::try_from(row.status).map_err(|_| StoreError::Corrupt("idempotency_keys.status"))?;
        Ok((
            row.fingerprint,
            KeptAnswer {
                status,
                body: row.body,
            },
        ))
    })
    .transpose()
}

/// A twin that kept its answer first makes this a lost race: the verb runs again and finds it.
pub async fn keep(
    tx: &mut Tx<'_>,
    route: &str,
    key: &str,
    fingerprint: &str,
    answer: &KeptAnswer,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into idempotency_keys (route, key, fingerprint, status, body, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(route)
        .bind(key)
        .bind(fingerprint)
        .bind(i64::from(answer.status))
        .bind(answer.body.as_str())
        .bind(now.millis()))?;
    if n_inserted == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}
