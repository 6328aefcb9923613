//! Idempotency keys: claimed together with the effect of their request, and answered once the answer is known.

use domain::Timestamp;

use super::{StoreError, Tx, ensure_one_row, execute, on};
use crate::model::idempotency::{Claim, KeptAnswer, RequestKey};

/// Status that an older server repeats for a claimed key without an answer.
const UNKNOWN_STATUS: i64 = 503;
const UNKNOWN_BODY: &str =
    r#"{"error":{"code":"gateway_unreachable","message":"the outcome is not known yet; ask again"}}"#;

/// State of a request under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    Claimed(Claim),
    Answered(KeptAnswer),
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    fingerprint: String,
    status: i64,
    body: String,
    is_answered: bool,
    effect: Option<String>,
    is_new: bool,
}

impl TryFrom<KeyRow> for Known {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Known, StoreError> {
        if !row.is_answered {
            return Ok(Known::Claimed(Claim {
                effect: row.effect,
                is_new: row.is_new,
            }));
        }
        let status = u16::try_from(row.status).map_err(|_| StoreError::Corrupt("idempotency_keys.status"))?;
        Ok(Known::Answered(KeptAnswer {
            status,
            body: row.body,
        }))
    }
}

/// Fingerprint of the first request under this key, and its state.
pub async fn find(tx: &mut Tx<'_>, key: RequestKey<'_>) -> Result<Option<(String, Known)>, StoreError> {
    const SQL: &str = "
        select fingerprint, status, body, is_answered, effect, is_new
        from idempotency_keys
        where route = $1 and key = $2";
    let row: Option<KeyRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(key.route)
        .bind(key.key))?;
    row.map(|mut row| Ok((std::mem::take(&mut row.fingerprint), Known::try_from(row)?)))
        .transpose()
}

/// Claims a free key. A concurrent claim is a lost race: the verb runs again and finds that claim.
pub async fn claim(
    tx: &mut Tx<'_>,
    key: RequestKey<'_>,
    claim: &Claim,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into idempotency_keys (route, key, fingerprint, status, body, created_at, is_answered, effect, is_new)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict do nothing";
    execute!(tx, SQL, |query| query
        .bind(key.route)
        .bind(key.key)
        .bind(key.fingerprint)
        .bind(UNKNOWN_STATUS)
        .bind(UNKNOWN_BODY)
        .bind(now.millis())
        .bind(false)
        .bind(claim.effect.as_deref())
        .bind(claim.is_new))
    .and_then(ensure_one_row)
}

/// Compare-and-set: points a claim without an answer at another subject.
pub async fn move_claim(
    tx: &mut Tx<'_>,
    key: RequestKey<'_>,
    from: &Claim,
    to: &Claim,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update idempotency_keys set effect = $5, is_new = $6
        where route = $1 and key = $2 and fingerprint = $3 and coalesce(effect, '') = $4 and not is_answered";
    execute!(tx, SQL, |query| query
        .bind(key.route)
        .bind(key.key)
        .bind(key.fingerprint)
        .bind(from.effect.as_deref().unwrap_or_default())
        .bind(to.effect.as_deref())
        .bind(to.is_new))
    .and_then(ensure_one_row)
}

/// Stores the answer, under a free key or one that its own request has claimed. A concurrent answer is a lost race: the
/// verb runs again and finds that answer.
pub async fn keep(
    tx: &mut Tx<'_>,
    key: RequestKey<'_>,
    answer: &KeptAnswer,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into idempotency_keys (route, key, fingerprint, status, body, created_at, is_answered)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (route, key) do update
        set status = excluded.status, body = excluded.body, is_answered = excluded.is_answered
        where idempotency_keys.fingerprint = excluded.fingerprint and not idempotency_keys.is_answered";
    execute!(tx, SQL, |query| query
        .bind(key.route)
        .bind(key.key)
        .bind(key.fingerprint)
        .bind(i64::from(answer.status))
        .bind(answer.body.as_str())
        .bind(now.millis())
        .bind(true))
    .and_then(ensure_one_row)
}
