//! Kept statements of the gateways.

use chrono::NaiveDate;
use domain::{Channel, Timestamp};

use super::{StoreError, Tx, execute, on};

/// A statement to keep.
#[derive(Debug, Clone, Copy)]
pub struct NewStatement<'a> {
    pub day: NaiveDate,
    pub channel: Channel,
    /// `trade` or `fund_flow`.
    pub kind: &'a str,
    /// `gateway` or `file`.
    pub source: &'a str,
    pub sum: &'a str,
    pub file: &'a [u8],
}

/// Keeps a statement in the place of the one before. The same file again is not even sent: it may have ten megabytes.
pub async fn keep(tx: &mut Tx<'_>, new: NewStatement<'_>, now: Timestamp) -> Result<(), StoreError> {
    const KNOWN: &str =
        "select count(*) from statements where day = $1 and channel = $2 and kind = $3 and sum = $4";
    const SQL: &str = "
        insert into statements (day, channel, kind, source, sum, file, received_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (day, channel, kind) do update
        set source = excluded.source, sum = excluded.sum, file = excluded.file, received_at = excluded.received_at
        where statements.sum <> excluded.sum";
    let (n_known,): (i64,) = on!(tx, KNOWN, fetch_one, |query| query
        .bind(new.day.to_string())
        .bind(new.channel.as_str())
        .bind(new.kind)
        .bind(new.sum))?;
    if n_known > 0 {
        return Ok(());
    }
    execute!(tx, SQL, |query| query
        .bind(new.day.to_string())
        .bind(new.channel.as_str())
        .bind(new.kind)
        .bind(new.source)
        .bind(new.sum)
        .bind(new.file)
        .bind(now.millis()))
    .map(drop)
}

pub async fn find(
    tx: &mut Tx<'_>,
    day: NaiveDate,
    channel: Channel,
    kind: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    const SQL: &str = "select file from statements where day = $1 and channel = $2 and kind = $3";
    let row: Option<(Vec<u8>,)> = on!(tx, SQL, fetch_optional, |query| query
        .bind(day.to_string())
        .bind(channel.as_str())
        .bind(kind))?;
    Ok(row.map(|(file,)| file))
}
