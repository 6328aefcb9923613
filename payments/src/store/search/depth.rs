//! How far back a list of the newest rows looks: a filter that few rows match must not read a whole table.

use domain::Timestamp;

pub use super::DEPTH;

/// Rows that were found, newest first.
#[derive(Debug)]
pub struct Scanned<T> {
    pub rows: Vec<T>,
    /// Id and time of the last row that was scanned, when the scan was cut off there.
    pub looked_to: Option<(String, Timestamp)>,
}

/// Rows of a range of ids, counted up to [`DEPTH`], and the oldest of those.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct DepthRow {
    n: i64,
    oldest: Option<String>,
    oldest_at: Option<i64>,
}

impl DepthRow {
    /// The last row to scan; `None`: the range ends before.
    pub(in crate::store) fn cut_off(self) -> Option<(String, Timestamp)> {
        let (id, at) = (self.oldest?, self.oldest_at?);
        (self.n == DEPTH).then(|| (id, Timestamp::from_millis(at)))
    }
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
