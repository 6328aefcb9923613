//! Deliveries as rows: the row is the job, and each target is a lane of its own.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// A delivery as its job and its log know it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeliveryRow {
    pub target: String,
    pub subject: String,
    pub kind: String,
    pub status: String,
    pub attempt: i64,
    pub n_tries: i64,
    pub due_at: Option<i64>,
    pub version: i64,
    pub attempted_at: Option<i64>,
    pub request: Option<String>,
    pub response_status: Option<i64>,
    pub response_headers: Option<String>,
    pub response_body: Option<String>,
    pub duration_ms: Option<i64>,
    pub error: Option<String>,
    pub created_at: i64,
}

macro_rules! delivery_columns {
    () => {
        "target, subject, kind, status, attempt, n_tries, due_at, version, attempted_at, request, response_status,
            response_headers, response_body, duration_ms, error, created_at"
    };
}

macro_rules! select_delivery {
    ($tail:literal) => {
        concat!("select ", delivery_columns!(), " from deliveries ", $tail)
    };
}

/// A delivery that is due at once.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery<'a> {
    pub target: &'a str,
    pub subject: &'a str,
    pub kind: &'a str,
}

/// Puts a delivery in the queue; one that is there already is started anew.
pub async fn enqueue(tx: &mut Tx<'_>, new: NewDelivery<'_>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into deliveries (target, subject, kind, status, due_at, created_at, updated_at)
        values ($1, $2, $3, 'pending', $4, $4, $4)
        on conflict (target, subject) do update
        set status = 'pending', n_tries = 0, due_at = excluded.due_at, leased_by = null,
            version = deliveries.version + 1, updated_at = excluded.updated_at";
    execute!(tx, SQL, |query| query
        .bind(new.target)
        .bind(new.subject)
        .bind(new.kind)
        .bind(now.millis()))
    .map(drop)?;
    tx.wake_event_job();
    Ok(())
}

/// Puts the events of a span of the feed in the queues of the enabled endpoints that want them. Returns how many deliveries
/// that makes.
pub async fn enqueue_numbered(
    tx: &mut Tx<'_>,
    after: i64,
    last: i64,
    kind: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        insert into deliveries (target, subject, kind, status, due_at, created_at, updated_at)
        select w.id, e.id, $3, 'pending', $4, $4, $4
        from events e cross join webhook_endpoints w
        where e.position > $1 and e.position <= $2 and w.status = 'enabled'
            and (w.events = '*' or w.events like '%,' || e.type || ',%')
        on conflict do nothing";
    execute!(tx, SQL, |query| query
        .bind(after)
        .bind(last)
        .bind(kind)
        .bind(now.millis()))
}

/// The next events of a replay, as a span of their ids.
pub async fn find_replay_batch(
    tx: &mut Tx<'_>,
    after_id: &str,
    below_id: &str,
    limit: i64,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "
        select max(id) as last from (
            select id from events
            where id > $1 and id < $2 and position is not null
            order by id
            limit $3) as batch";
    let (last,): (Option<String>,) = on!(tx, SQL, fetch_one, |query| query
        .bind(after_id)
        .bind(below_id)
        .bind(limit))?;
    Ok(last)
}

/// Puts the events of a span of ids in the queue of one endpoint, as far as it wants them; those that are there already are
/// started anew.
pub async fn enqueue_replay(
    tx: &mut Tx<'_>,
    endpoint_id: &str,
    after_id: &str,
    last_id: &str,
    kind: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into deliveries (target, subject, kind, status, due_at, created_at, updated_at)
        select w.id, e.id, $4, 'pending', $5, $5, $5
        from events e cross join webhook_endpoints w
        where e.id > $2 and e.id <= $3 and e.position is not null and w.id = $1
            and (w.events = '*' or w.events like '%,' || e.type || ',%')
        on conflict (target, subject) do update
        set status = 'pending', n_tries = 0, due_at = excluded.due_at, leased_by = null,
            version = deliveries.version + 1, updated_at = excluded.updated_at";
    execute!(tx, SQL, |query| query
        .bind(endpoint_id)
        .bind(after_id)
        .bind(last_id)
        .bind(kind)
        .bind(now.millis()))
    .map(drop)
}

/// Number of deliveries that wait for an attempt.
pub async fn count_waiting(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    const SQL: &str = "select count(*) from deliveries where due_at is not null";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query)?;
    Ok(n)
}

/// A target and when the first of its deliveries is due.
#[derive(Debug, sqlx::FromRow)]
pub struct LaneRow {
    pub target: String,
    pub due_at: i64,
}

/// Every target that something waits for, found by leaps through the index and not by reading what waits.
pub async fn list_lanes(tx: &mut Tx<'_>) -> Result<Vec<LaneRow>, StoreError> {
    const SQL: &str = "
        with recursive lanes (target) as (
            select min(target) from deliveries where due_at is not null
            union all
            select (select min(d.target) from deliveries d where d.due_at is not null and d.target > lanes.target)
            from lanes where lanes.target is not null)
        select lanes.target, (
            select min(d.due_at) from deliveries d where d.target = lanes.target and d.due_at is not null) as due_at
        from lanes where lanes.target is not null";
    on!(tx, SQL, fetch_all, |query| query)
}

/// Takes deliveries of one target that are due, until the lease ends.
pub async fn claim_due(
    tx: &mut Tx<'_>,
    target: &str,
    now: Timestamp,
    leased_until: Timestamp,
    holder: &str,
    limit: i64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    const SQL: &str = concat!(
        "update deliveries
        set due_at = $3, leased_by = $4, version = version + 1
        where target = $1 and subject in (
            select subject from deliveries
            where target = $1 and due_at <= $2
            order by due_at
            limit $5)
            and due_at <= $2
        returning ",
        delivery_columns!()
    );
    on!(tx, SQL, fetch_all, |query| query
        .bind(target)
        .bind(now.millis())
        .bind(leased_until.millis())
        .bind(holder)
        .bind(limit))
}

/// End of an attempt, and due time of the next one.
#[derive(Debug)]
pub struct AttemptEnd<'a> {
    pub status: &'a str,
    pub due_at: Option<Timestamp>,
    pub request: &'a str,
    pub response_status: Option<i64>,
    pub response_headers: Option<&'a str>,
    pub response_body: Option<&'a str>,
    pub duration_ms: i64,
    pub error: Option<&'a str>,
}

/// Compare-and-set: writes the end of an attempt. `false`: the lease had ended, and another server has taken it up.
pub async fn finish_attempt(
    tx: &mut Tx<'_>,
    delivery: &DeliveryRow,
    end: &AttemptEnd<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update deliveries
        set status = $4, due_at = $5, leased_by = null, attempt = attempt + 1, n_tries = n_tries + 1, attempted_at = $6,
            request = $7, response_status = $8, response_headers = $9, response_body = $10, duration_ms = $11,
            error = $12, updated_at = $6, version = version + 1
        where target = $1 and subject = $2 and version = $3";
    let n_changed = execute!(tx, SQL, |query| query
        .bind(delivery.target.as_str())
        .bind(delivery.subject.as_str())
        .bind(delivery.version)
        .bind(end.status)
        .bind(end.due_at.map(Timestamp::millis))
        .bind(now.millis())
        .bind(end.request)
        .bind(end.response_status)
        .bind(end.response_headers)
        .bind(end.response_body)
        .bind(end.duration_ms)
        .bind(end.error))?;
    Ok(n_changed == 1)
}

/// Takes a delivery out of the queue without an attempt, until its target is enabled again.
pub async fn park(tx: &mut Tx<'_>, delivery: &DeliveryRow) -> Result<(), StoreError> {
    const SQL: &str = "
        update deliveries
        set due_at = null, leased_by = null, version = version + 1
        where target = $1 and subject = $2 and version = $3";
    execute!(tx, SQL, |query| query
        .bind(delivery.target.as_str())
        .bind(delivery.subject.as_str())
        .bind(delivery.version))
    .map(drop)
}

/// Puts what was parked back in the queue.
pub async fn unpark(tx: &mut Tx<'_>, target: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update deliveries
        set due_at = $2
        where target = $1 and status = 'pending' and due_at is null";
    execute!(tx, SQL, |query| query.bind(target).bind(now.millis())).map(drop)?;
    tx.wake_event_job();
    Ok(())
}

/// Removes a delivery whose subject or target is gone.
pub async fn remove(tx: &mut Tx<'_>, target: &str, subject: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        delete from deliveries
        where target = $1 and subject = $2";
    execute!(tx, SQL, |query| query.bind(target).bind(subject)).map(drop)
}

/// Removes all deliveries of a target.
pub async fn remove_all(tx: &mut Tx<'_>, target: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        delete from deliveries
        where target = $1";
    execute!(tx, SQL, |query| query.bind(target)).map(drop)
}

/// Ends the leases of one holder, or all.
pub async fn release(tx: &mut Tx<'_>, holder: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update deliveries
        set due_at = $2, leased_by = null, version = version + 1
        where due_at is not null and leased_by is not null and (cast($1 as text) is null or leased_by = $1)";
    execute!(tx, SQL, |query| query.bind(holder).bind(now.millis())).map(drop)?;
    tx.wake_event_job();
    Ok(())
}

/// Makes due what waits longer than the longest wait. Returns how many there were.
pub async fn mend_due(tx: &mut Tx<'_>, latest: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "
        update deliveries set due_at = $2
        where due_at > $1";
    let n_mended = execute!(tx, SQL, |query| query.bind(latest.millis()).bind(now.millis()))?;
    wake_for(tx, n_mended);
    Ok(n_mended)
}

/// The times of deliveries are looked at every few seconds, mostly without a change.
fn wake_for(tx: &mut Tx<'_>, n_changed: u64) {
    if n_changed > 0 {
        tx.wake_event_job();
    }
}

pub async fn find(tx: &mut Tx<'_>, target: &str, subject: &str) -> Result<Option<DeliveryRow>, StoreError> {
    const SQL: &str = select_delivery!("where target = $1 and subject = $2");
    on!(tx, SQL, fetch_optional, |query| query.bind(target).bind(subject))
}

/// Filter of a list of deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub status: Option<String>,
    pub subject: Option<String>,
    pub cursor: Option<String>,
}

/// Deliveries of a target, the newest subject first.
pub async fn list(
    tx: &mut Tx<'_>,
    target: &str,
    filter: &DeliveryFilter,
    limit: i64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    const ALL: &str = select_delivery!(
        "where target = $1 and (cast($2 as text) is null or subject = $2)
            and (cast($3 as text) is null or subject < $3)
        order by subject desc
        limit $4"
    );
    const OF_STATUS: &str = select_delivery!(
        "where target = $1 and status = $5 and (cast($2 as text) is null or subject = $2)
            and (cast($3 as text) is null or subject < $3)
        order by subject desc
        limit $4"
    );
    Ok(match &filter.status {
        None => on!(tx, ALL, fetch_all, |query| query
            .bind(target)
            .bind(filter.subject.as_deref())
            .bind(filter.cursor.as_deref())
            .bind(limit))?,
        Some(status) => on!(tx, OF_STATUS, fetch_all, |query| query
            .bind(target)
            .bind(filter.subject.as_deref())
            .bind(filter.cursor.as_deref())
            .bind(limit)
            .bind(status.as_str()))?,
    })
}

/// Number of deliveries of a target in a status.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StatusCount {
    pub target: String,
    pub status: String,
    pub n: i64,
}

pub async fn count_by_status(tx: &mut Tx<'_>) -> Result<Vec<StatusCount>, StoreError> {
    const SQL: &str = "
        select target, status, count(*) as n
        from deliveries
        group by target, status
        order by target, status";
    on!(tx, SQL, fetch_all, |query| query)
}
