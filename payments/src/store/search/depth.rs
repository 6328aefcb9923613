//! How far a list looks: a filter that few rows match must not read a whole table.

use domain::Timestamp;

use super::{DEPTH, IdRange};
use crate::model::sort::{Age, next_id};
use crate::store::{StoreError, Tx, on};

/// Rows that were found, in the order of their list.
#[derive(Debug)]
pub struct Scanned<T> {
    pub rows: Vec<T>,
    /// Id and time of the last row that was scanned, when the scan was cut off there.
    pub looked_to: Option<(String, Timestamp)>,
}

/// Rows of a range of ids, counted up to [`DEPTH`], and the last of those.
#[derive(sqlx::FromRow)]
struct DepthRow {
    n: i64,
    last: Option<String>,
    last_at: Option<i64>,
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
    let cut_off = depth.last.zip(depth.last_at).filter(|_| depth.n == DEPTH);
    Ok(cut_off.map(|(id, at)| (id, Timestamp::from_millis(at))))
}

/// Ends of a range of ids that is narrowed to what is scanned of it.
pub(in crate::store) fn narrow(age: Age, range: IdRange<'_>, looked_to: Option<&str>) -> (String, String) {
    let (from, below) = (range.from.to_owned(), range.below.to_owned());
    match (age, looked_to) {
        (_, None) => (from, below),
        (Age::Newest, Some(id)) => (id.to_owned(), below),
        (Age::Oldest, Some(id)) => (from, next_id(id)),
    }
}

/// Counts the rows of a table below `$1` and from `$2` on, up to `$3`.
macro_rules! measure_depth {
    ($table:literal, $age:expr) => {{
        const NEWEST: &str = measure_depth!($table, "min", "desc");
        const OLDEST: &str = measure_depth!($table, "max", "asc");
        match $age {
            Age::Newest => NEWEST,
            Age::Oldest => OLDEST,
        }
    }};
    ($table:literal, $last:literal, $way:literal) => {
        concat!(
            "select count(*) as n, ",
            $last,
            "(scanned.id) as last, ",
            $last,
            "(scanned.created_at) as last_at
            from (select id, created_at from ",
            $table,
            " where id < $1 and id >= $2 order by id ",
            $way,
            " limit $3) as scanned"
        )
    };
}

pub(in crate::store) use measure_depth;
