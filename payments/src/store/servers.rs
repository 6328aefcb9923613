//! Servers that share the database, and the leases that keep two of them from working on the same row.

use domain::{Timestamp, schedule};

use super::{StoreError, Tx, execute, on};

/// Lease on rows: its holder and its end.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    pub now: Timestamp,
    pub until: Timestamp,
    pub holder: &'a str,
}

impl Lease<'_> {
    /// Latest plausible end of a lease. One that ends later was given before the clock was set back, and no longer holds.
    pub fn latest(self) -> Timestamp {
        self.until + schedule::CLOCK_SLACK
    }
}

#[derive(Debug, sqlx::FromRow)]
pub struct ServerRow {
    pub id: String,
    pub beat: i64,
}

/// Updates the server's heartbeat.
pub async fn beat(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into servers (id, beat, started_at, seen_at)
        values ($1, 1, $2, $2)
        on conflict (id) do update set beat = servers.beat + 1, seen_at = excluded.seen_at";
    execute!(tx, SQL, |query| query.bind(id).bind(now.millis())).map(drop)
}

pub async fn list_others(tx: &mut Tx<'_>, id: &str) -> Result<Vec<ServerRow>, StoreError> {
    const SQL: &str = "select id, beat from servers where id <> $1 order by id";
    on!(tx, SQL, fetch_all, |query| query.bind(id))
}

pub async fn remove(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        delete from servers
        where id = $1";
    execute!(tx, SQL, |query| query.bind(id)).map(drop)
}
