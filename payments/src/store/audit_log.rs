//! Audit log table: append-only; each entry carries the hash of the one before.

use super::{StoreError, Tx, ensure_one_row, execute, on};

/// One entry as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditRow {
    pub seq: i64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub detail: String,
    pub ip: String,
    pub request_id: String,
    pub previous_hash: String,
    pub hash: String,
}

/// Locks the log until the commit. Without it, concurrent writers lose the race for one number so often that some of them
/// fail.
pub async fn take_turn(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    const SQL: &str = "update audit_turn set n = n + 1";
    execute!(tx, SQL, |query| query).map(drop)
}

/// Number and hash of the last entry.
pub async fn last(tx: &mut Tx<'_>) -> Result<Option<(i64, String)>, StoreError> {
    const SQL: &str = "select seq, hash from audit_log order by seq desc limit 1";
    on!(tx, SQL, fetch_optional, |query| query)
}

/// Inserts an entry. A number that is taken is a lost race: the later entry is retried with the next number.
pub async fn insert(tx: &mut Tx<'_>, line: &AuditRow) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into audit_log (seq, at, actor, action, subject, detail, ip, request_id, previous_hash, hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict do nothing";
    execute!(tx, SQL, |query| query
        .bind(line.seq)
        .bind(line.at)
        .bind(line.actor.as_str())
        .bind(line.action.as_str())
        .bind(line.subject.as_str())
        .bind(line.detail.as_str())
        .bind(line.ip.as_str())
        .bind(line.request_id.as_str())
        .bind(line.previous_hash.as_str())
        .bind(line.hash.as_str()))
    .and_then(ensure_one_row)
}

/// Counts the entries that were ever written.
pub async fn count_written(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    const SQL: &str = "select n from audit_turn";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query)?;
    Ok(n)
}

/// Filter of the list. `None`: anything.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    pub below: i64,
    pub actor: Option<&'a str>,
    pub action: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Newest first.
pub async fn list(tx: &mut Tx<'_>, filter: Filter<'_>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    const SQL: &str = "
        select seq, at, actor, action, subject, detail, ip, request_id, previous_hash, hash
        from audit_log
        where seq < $1
            and (cast($2 as text) is null or actor = $2)
            and (cast($3 as text) is null or action = $3)
            and (cast($4 as text) is null or subject = $4)
            and (cast($5 as bigint) is null or at >= $5)
            and (cast($6 as bigint) is null or at < $6)
        order by seq desc
        limit $7";
    on!(tx, SQL, fetch_all, |query| query
        .bind(filter.below)
        .bind(filter.actor)
        .bind(filter.action)
        .bind(filter.subject)
        .bind(filter.from)
        .bind(filter.to)
        .bind(limit))
}

/// Oldest first, after a number: the order in which the chain is checked.
pub async fn walk(tx: &mut Tx<'_>, above: i64, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    const SQL: &str = "
        select seq, at, actor, action, subject, detail, ip, request_id, previous_hash, hash
        from audit_log
        where seq > $1
        order by seq
        limit $2";
    on!(tx, SQL, fetch_all, |query| query.bind(above).bind(limit))
}

/// Entries about one subject, oldest first.
pub async fn of_subject(tx: &mut Tx<'_>, subject: &str) -> Result<Vec<AuditRow>, StoreError> {
    const SQL: &str = "
        select seq, at, actor, action, subject, detail, ip, request_id, previous_hash, hash
        from audit_log
        where subject = $1
        order by seq
        limit 200";
    on!(tx, SQL, fetch_all, |query| query.bind(subject))
}
