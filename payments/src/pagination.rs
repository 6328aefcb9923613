//! Pagination: a page of rows, and the span of ids that it continues in.

use domain::{OrderId, Timestamp};

use crate::model::sort::{Age, next_id};

#[derive(Debug, Clone)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Time span, and the position in it to go on from.
pub(crate) struct Span<'a> {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) cursor: Option<&'a str>,
}

impl Span<'_> {
    /// Ids contain their time, so a time span is a range of the primary key: from the first id on, below the second.
    pub(crate) fn names(&self) -> (String, String) {
        self.names_in(Age::Newest, OrderId::floor)
    }

    /// The same for a list in either order, and for ids of another table, by the function that makes their lower bound. The
    /// cursor is the upper or the lower end.
    pub(crate) fn names_in(&self, age: Age, floor: fn(Timestamp) -> String) -> (String, String) {
        const END_OF_TIME: Timestamp = Timestamp::from_millis((1 << 50) - 1);
        let from = floor(self.from.unwrap_or(Timestamp::from_millis(0)));
        let below = floor(self.to.unwrap_or(END_OF_TIME));
        match (age, self.cursor) {
            (Age::Newest, Some(cursor)) if cursor < below.as_str() => (from, cursor.to_owned()),
            (Age::Oldest, Some(cursor)) if cursor >= from.as_str() => (next_id(cursor), below),
            _ => (from, below),
        }
    }
}

/// Builds a page from one row more than requested, which shows whether there is a next page.
pub(crate) fn page<T>(mut rows: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(key);
    Page {
        data: rows,
        next_cursor,
    }
}
