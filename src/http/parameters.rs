//! Query parameters of lists: each at most once, none unknown.

use payments::{ChangeCursor, ChangeFilter, ListOrder, parse_rfc3339};

use super::error::Problem;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// Query parameters that have not been taken yet.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn parse(query: Option<&str>) -> Result<Parameters, Problem> {
        let query = query.unwrap_or_default();
        if !is_utf8(query) {
            return Err(Problem::malformed("the query is not UTF-8"));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Problem::invalid(short_name(&name), "is there twice"));
            }
            if pairs.len() >= 20 {
                return Err(Problem::invalid(short_name(&name), "is one parameter too many"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Parameters(pairs))
    }

    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        self.parsed(name, "must be 1 to 64 characters", |text| {
            let is_fine = (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control);
            is_fine.then(|| text.to_owned())
        })
    }

    pub fn time(&mut self, name: &'static str) -> Result<Option<domain::Timestamp>, Problem> {
        self.parsed(name, "must be a time such as 2026-01-31T08:00:00Z", parse_rfc3339)
    }

    pub fn limit(&mut self) -> Result<u32, Problem> {
        let limit = self.parsed("limit", "must be a number from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
        })?;
        Ok(limit.unwrap_or(DEFAULT_LIMIT))
    }

    /// Takes a cursor, the key of the last item of the page before. Anything else would look like the end of the list.
    pub fn cursor(&mut self, is_key: impl FnOnce(&str) -> bool) -> Result<Option<String>, Problem> {
        self.parsed("cursor", "must be nextCursor of the page before", |text| {
            is_key(text).then(|| text.to_owned())
        })
    }

    /// Span and order of the changes of a list. In the order of change a cursor is a time and an id.
    pub fn changes(&mut self) -> Result<ChangeFilter, Problem> {
        Ok(ChangeFilter {
            from: self.time("updatedFrom")?,
            to: self.time("updatedTo")?,
            order: self
                .parsed("sort", "must be updated", ListOrder::parse)?
                .unwrap_or_default(),
        })
    }

    /// [`Parameters::cursor`] of a list that may be in the order of change. A cursor of the other order is no place in this
    /// list: 404.
    pub fn cursor_of_changes(
        &mut self,
        order: ListOrder,
        is_key: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, Problem> {
        let order_of = |text: &str| match ChangeCursor::parse(text) {
            Some(cursor) => is_key(&cursor.id).then_some(ListOrder::Updated),
            None => is_key(text).then_some(ListOrder::Newest),
        };
        let Some(cursor) = self.cursor(|text| order_of(text).is_some())? else {
            return Ok(None);
        };
        if order_of(&cursor) == Some(order) {
            return Ok(Some(cursor));
        }
        Err(Problem {
            message: "this cursor belongs to the other order of the list".into(),
            field: Some("cursor".into()),
            ..Problem::not_found()
        })
    }

    pub fn parsed<T>(
        &mut self,
        name: &'static str,
        message: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(index) = self.0.iter().position(|(known, _)| known == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.swap_remove(index);
        parse(&value)
            .map(Some)
            .ok_or_else(|| Problem::invalid(name, message))
    }

    /// Refuses parameters that were not taken: a misspelt filter would silently list everything.
    pub fn finish(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::invalid(
                short_name(name),
                "is not a parameter of this list",
            )),
        }
    }
}

/// Returns whether the `%..` bytes are UTF-8: the parser would replace invalid ones, and a filter would search for something
/// else.
fn is_utf8(query: &str) -> bool {
    percent_encoding::percent_decode_str(query).decode_utf8().is_ok()
}

fn short_name(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::ErrorCode;

    fn field_of<T: std::fmt::Debug>(outcome: Result<T, Problem>) -> String {
        outcome.unwrap_err().field.unwrap().into_owned()
    }

    #[test]
    fn a_limit_is_between_one_and_a_hundred() {
        let limit = |query| Parameters::parse(Some(query)).unwrap().limit();
        assert_eq!(limit("").unwrap(), 20);
        assert_eq!(limit("limit=100").unwrap(), 100);
        for query in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=1e9",
            "limit=",
            "limit=1.0",
            "limit=99999999999",
        ] {
            assert_eq!(field_of(limit(query)), "limit", "{query}");
        }
    }

    #[test]
    fn a_cursor_of_the_other_order_is_not_found() {
        let id = "ord_01M8HJGMGWQH83KZGCB3FPNDZ0";
        let take = |query: &str, order| {
            let mut parameters = Parameters::parse(Some(query)).unwrap();
            parameters.cursor_of_changes(order, domain::OrderId::is_made_by_us)
        };
        let (newest, updated) = (format!("cursor={id}"), format!("cursor=17.{id}"));
        assert!(take(&newest, ListOrder::Newest).unwrap().is_some());
        assert!(take(&updated, ListOrder::Updated).unwrap().is_some());
        for (query, order) in [(&newest, ListOrder::Updated), (&updated, ListOrder::Newest)] {
            assert_eq!(
                take(query, order).unwrap_err().code,
                ErrorCode::NotFound,
                "{query}"
            );
        }
        let malformed = take("cursor=17.ord_1", ListOrder::Updated).unwrap_err();
        assert_eq!(malformed.code, ErrorCode::Invalid);
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        assert_eq!(
            field_of(Parameters::parse(Some("status=paid&status=pending"))),
            "status"
        );
        assert_eq!(
            field_of(Parameters::parse(Some("offset=1")).unwrap().finish()),
            "offset"
        );
        for query in ["userId=%ff", "%C3%28=1", "userId=%ED%A0%80"] {
            assert_eq!(
                Parameters::parse(Some(query)).unwrap_err().code,
                ErrorCode::Malformed,
                "{query}"
            );
        }
        let mut fine =
            Parameters::parse(Some("userId=u%201&createdFrom=2026-01-01T00:00:00%2B08:00")).unwrap();
        assert_eq!(fine.text("userId").unwrap().as_deref(), Some("u 1"));
        assert_eq!(
            fine.time("createdFrom").unwrap().map(domain::Timestamp::millis),
            Some(1_767_196_800_000)
        );
        assert!(fine.finish().is_ok());
        assert_eq!(
            field_of(
                Parameters::parse(Some("cursor=%27--"))
                    .unwrap()
                    .cursor(domain::OrderId::is_made_by_us)
            ),
            "cursor"
        );
    }
}
