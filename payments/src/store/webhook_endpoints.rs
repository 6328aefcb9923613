//! Webhook endpoints as rows, and the ranges of events that are to be sent to them again.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// An endpoint as it is kept: its secrets are sealed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EndpointRow {
    pub id: String,
    pub url: String,
    pub events: String,
    pub description: Option<String>,
    pub status: String,
    pub secret: String,
    pub previous_secret: Option<String>,
    pub previous_until: Option<i64>,
    pub failing_since: Option<i64>,
    pub is_from_settings: bool,
    pub created_at: i64,
    pub updated_at: i64,
}

macro_rules! select_endpoint {
    ($tail:literal) => {
        concat!(
            "select id, url, events, description, status, secret, previous_secret, previous_until, failing_since,
                is_from_settings, created_at, updated_at
            from webhook_endpoints ",
            $tail
        )
    };
}

pub async fn insert(tx: &mut Tx<'_>, endpoint: &EndpointRow) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into webhook_endpoints (id, url, events, description, status, secret, is_from_settings, created_at,
            updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    execute!(tx, SQL, |query| query
        .bind(endpoint.id.as_str())
        .bind(endpoint.url.as_str())
        .bind(endpoint.events.as_str())
        .bind(endpoint.description.as_deref())
        .bind(endpoint.status.as_str())
        .bind(endpoint.secret.as_str())
        .bind(endpoint.is_from_settings)
        .bind(endpoint.created_at)
        .bind(endpoint.updated_at))
    .map(drop)
}

/// Writes what of an endpoint can be changed.
pub async fn update(tx: &mut Tx<'_>, endpoint: &EndpointRow) -> Result<(), StoreError> {
    const SQL: &str = "
        update webhook_endpoints
        set url = $2, events = $3, description = $4, status = $5, secret = $6, previous_secret = $7,
            previous_until = $8, failing_since = $9, updated_at = $10
        where id = $1";
    execute!(tx, SQL, |query| query
        .bind(endpoint.id.as_str())
        .bind(endpoint.url.as_str())
        .bind(endpoint.events.as_str())
        .bind(endpoint.description.as_deref())
        .bind(endpoint.status.as_str())
        .bind(endpoint.secret.as_str())
        .bind(endpoint.previous_secret.as_deref())
        .bind(endpoint.previous_until)
        .bind(endpoint.failing_since)
        .bind(endpoint.updated_at))
    .map(drop)
}

/// Holds an endpoint until the transaction ends and reads it: two changes at once follow each other.
pub async fn hold(tx: &mut Tx<'_>, id: &str) -> Result<Option<EndpointRow>, StoreError> {
    const SQL: &str = "update webhook_endpoints set updated_at = updated_at where id = $1";
    let n_rows = execute!(tx, SQL, |query| query.bind(id))?;
    if n_rows == 0 {
        return Ok(None);
    }
    find(tx, id).await
}

pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<EndpointRow>, StoreError> {
    const SQL: &str = select_endpoint!("where id = $1");
    on!(tx, SQL, fetch_optional, |query| query.bind(id))
}

/// The endpoint that `WEBHOOK_URL` has made.
pub async fn find_of_settings(tx: &mut Tx<'_>, url: &str) -> Result<Option<EndpointRow>, StoreError> {
    const SQL: &str = select_endpoint!("where url = $1 and is_from_settings order by id limit 1");
    on!(tx, SQL, fetch_optional, |query| query.bind(url))
}

/// All endpoints, newest first.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<EndpointRow>, StoreError> {
    const SQL: &str = select_endpoint!("order by id desc");
    on!(tx, SQL, fetch_all, |query| query)
}

pub async fn remove(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "
        delete from webhook_endpoints
        where id = $1";
    Ok(execute!(tx, SQL, |query| query.bind(id))? == 1)
}

/// Notes when an endpoint began to fail; returns since when it has.
pub async fn note_failure(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "
        update webhook_endpoints
        set failing_since = coalesce(failing_since, $2)
        where id = $1
        returning failing_since";
    let row: Option<(Option<i64>,)> =
        on!(tx, SQL, fetch_optional, |query| query.bind(id).bind(now.millis()))?;
    Ok(row.and_then(|(since,)| since))
}

pub async fn note_success(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        update webhook_endpoints
        set failing_since = null
        where id = $1 and failing_since is not null";
    execute!(tx, SQL, |query| query.bind(id)).map(drop)
}

/// Disables an endpoint; `false`: it was disabled before.
pub async fn disable(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "
        update webhook_endpoints
        set status = 'disabled', updated_at = $2
        where id = $1 and status = 'enabled'";
    Ok(execute!(tx, SQL, |query| query.bind(id).bind(now.millis()))? == 1)
}

/// A range of events that is to be sent again to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReplayRow {
    pub endpoint_id: String,
    pub after_id: String,
    pub below_id: String,
}

/// Begins a replay; one that is under way is widened to hold both ranges.
pub async fn begin_replay(tx: &mut Tx<'_>, replay: &ReplayRow, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into webhook_replays (endpoint_id, after_id, below_id, created_at)
        values ($1, $2, $3, $4)
        on conflict (endpoint_id) do update
        set after_id = case when excluded.after_id < webhook_replays.after_id
                then excluded.after_id else webhook_replays.after_id end,
            below_id = case when excluded.below_id > webhook_replays.below_id
                then excluded.below_id else webhook_replays.below_id end";
    execute!(tx, SQL, |query| query
        .bind(replay.endpoint_id.as_str())
        .bind(replay.after_id.as_str())
        .bind(replay.below_id.as_str())
        .bind(now.millis()))
    .map(drop)?;
    tx.wake_event_job();
    Ok(())
}

pub async fn list_replays(tx: &mut Tx<'_>) -> Result<Vec<ReplayRow>, StoreError> {
    const SQL: &str = "select endpoint_id, after_id, below_id from webhook_replays order by created_at";
    on!(tx, SQL, fetch_all, |query| query)
}

/// Moves a replay on, unless it was widened meanwhile.
pub async fn move_replay(tx: &mut Tx<'_>, replay: &ReplayRow, after_id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        update webhook_replays
        set after_id = $3
        where endpoint_id = $1 and after_id = $2";
    execute!(tx, SQL, |query| query
        .bind(replay.endpoint_id.as_str())
        .bind(replay.after_id.as_str())
        .bind(after_id))
    .map(drop)
}

/// Ends a replay, unless it was widened meanwhile.
pub async fn end_replay(tx: &mut Tx<'_>, replay: &ReplayRow) -> Result<(), StoreError> {
    const SQL: &str = "
        delete from webhook_replays
        where endpoint_id = $1 and after_id = $2 and below_id = $3";
    execute!(tx, SQL, |query| query
        .bind(replay.endpoint_id.as_str())
        .bind(replay.after_id.as_str())
        .bind(replay.below_id.as_str()))
    .map(drop)
}

pub async fn remove_replay(tx: &mut Tx<'_>, endpoint_id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        delete from webhook_replays
        where endpoint_id = $1";
    execute!(tx, SQL, |query| query.bind(endpoint_id)).map(drop)
}
