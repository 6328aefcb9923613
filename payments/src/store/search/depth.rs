//! How far back a list of the newest rows looks: a filter that few rows match must not read a whole table.

use domain::Timestamp;

use super::{DEPTH, IdRange};
use crate::store::{StoreError, Tx, on};

/// Rows that were found, newest first.
#[derive(Debug)]
pub struct Scanned<T> {
    pub rows: Vec<T>,
    /// Id and time of the last row that was scanned, when the scan was cut off there.
    pub looked_to: Option<(String, Timestamp)>,
}

/// Rows of a range of ids, counted up to [`DEPTH`], and the oldest of those.
#[derive(sqlx::FromRow)]
struct DepthRow {
    n: i64,
    oldest: Option<String>,
    oldest_at: Option<i64>,
}

/// The last row to scan in a range of ids; `None`: the range ends before. `sql` is [`measure_depth!`] of the table.
pub(in crate::store) async fn find_cut_off(
    tx: &mut Tx<'_>,
    sql: &'static str,
    range: IdRange<'_>,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    let depth: DepthRow = on!(tx, sql, fetch_one, |query| query
        .persistent(false)
        .bind(range.below)
        .bind(range.from)
        .bind(DEPTH))?;
    let cut_off = depth.oldest.zip(depth.oldest_at).filter(|_| depth.n == DEPTH);
    Ok(cut_off.map(|(id, at)| (id, Timestamp::from_millis(at))))
}

/// Counts the rows of a table below `$1` and from `$2` on, up to `$3`.
macro_rules! measure_depth {
    ($table:literal) => {
        concat!(
            "select count(*) as n, min(scanned.id) as oldest, min(scanned.created_at) as oldest_at
            from (select id, created_at from ",
            $table,
            " where id < $1 and id >= $2 order by id desc limit $3) as scanned"
        )
    };
}

pub(in crate::store) use measure_depth;
