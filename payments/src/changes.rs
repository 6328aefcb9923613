//! Following changes by lists: narrowed to a span of changes, and read in the order of change.

use domain::Timestamp;

/// Order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListOrder {
    #[default]
    Newest,
    /// Oldest change first, so that a program can go on where it stopped.
    Updated,
}

/// The changes that a list is narrowed to: `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub order: ListOrder,
}

/// Place in a list in the order of change: time of the change and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeCursor {
    pub at: Timestamp,
    pub id: String,
}

/// A span as a query takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeSpan {
    pub from: i64,
    pub to: i64,
    /// Excludes changes at `from` up to this id.
    pub after_id: String,
}

impl ListOrder {
    pub fn parse(word: &str) -> Option<ListOrder> {
        (word == "updated").then_some(ListOrder::Updated)
    }
}

impl ChangeFilter {
    /// Whether it asks for anything beside the newest first.
    pub(crate) fn is_set(self) -> bool {
        self != ChangeFilter::default()
    }

    /// The span behind a cursor of a list in the order of change.
    pub(crate) fn span(self, cursor: Option<&str>) -> ChangeSpan {
        let mut span = ChangeSpan {
            from: self.from.map_or(0, Timestamp::millis),
            to: self.to.map_or(i64::MAX, Timestamp::millis),
            after_id: String::new(),
        };
        let cursor = cursor.and_then(ChangeCursor::parse);
        if let Some(cursor) = cursor.filter(|cursor| cursor.at.millis() >= span.from) {
            span.from = cursor.at.millis();
            span.after_id = cursor.id;
        }
        span
    }
}

impl ChangeCursor {
    pub fn parse(text: &str) -> Option<ChangeCursor> {
        let (millis, id) = text.split_once('.')?;
        let is_plain = (1..=15).contains(&millis.len()) && millis.bytes().all(|byte| byte.is_ascii_digit());
        let is_id = domain::id::is_name(id);
        (is_plain && is_id).then(|| ChangeCursor {
            at: Timestamp::from_millis(millis.parse().unwrap_or(0)),
            id: id.to_owned(),
        })
    }

    pub(crate) fn to_text(at: Timestamp, id: &str) -> String {
        format!("{}.{id}", at.millis())
    }
}

/// Cursor behind an object of a list, in the order of the list.
pub(crate) fn cursor_of(changes: ChangeFilter, updated_at: Timestamp, id: &str) -> String {
    match changes.order {
        ListOrder::Newest => id.to_owned(),
        ListOrder::Updated => ChangeCursor::to_text(updated_at, id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_goes_on_behind_its_cursor() {
        let at = Timestamp::from_millis;
        let filter = ChangeFilter {
            from: Some(at(50)),
            to: Some(at(90)),
            order: ListOrder::Updated,
        };
        let span = |cursor| {
            let span = filter.span(cursor);
            (span.from, span.to, span.after_id)
        };
        assert_eq!(span(None), (50, 90, String::new()));
        let cursor = ChangeCursor::to_text(at(70), "ord_1");
        assert_eq!(span(Some(&cursor)), (70, 90, "ord_1".to_owned()));
        assert_eq!(span(Some("10.ord_1")), (50, 90, String::new()));
    }

    #[test]
    fn a_cursor_is_a_time_and_an_id() {
        for text in [
            "",
            ".",
            "1",
            "1.",
            "x.ord_1",
            "-1.ord_1",
            "1.ord 1",
            "9999999999999999.ord_1",
        ] {
            assert_eq!(ChangeCursor::parse(text), None, "{text}");
        }
        assert_eq!(ChangeCursor::parse("17.ord_1").unwrap().at.millis(), 17);
    }
}
