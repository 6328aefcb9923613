//! Filters of lists, from the query string; the form shows them again as typed.

use domain::Timestamp;

use super::error::PageError;
use crate::http::parameters::Parameters;

/// Query parameters, each at most once.
#[derive(Debug)]
pub struct Typed(Parameters);

impl Typed {
    pub fn parse(query: Option<&str>) -> Result<Typed, PageError> {
        Parameters::parse(query)
            .map(Typed)
            .map_err(|_| PageError::Malformed)
    }

    /// Returns the parameter's text; empty when it is missing.
    pub fn text(&mut self, name: &'static str) -> Result<String, PageError> {
        let value = self.0.parsed(name, "", |text| Some(text.trim().to_owned()));
        value
            .map(Option::unwrap_or_default)
            .map_err(|_| PageError::Malformed)
    }
}

/// Parses a filter. Empty is unset; anything else must parse, or the list would silently show something else.
pub fn set<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, PageError> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).ok_or(PageError::Malformed)
}

/// Parses a search text of at most `most` characters.
pub fn word(text: &str, most: usize) -> Option<String> {
    let is_word = text.chars().count() <= most && !text.chars().any(char::is_control);
    is_word.then(|| text.to_owned())
}

/// Parses a date as midnight in Beijing.
pub fn day(text: &str) -> Option<Timestamp> {
    (text.len() == 10)
        .then(|| payments::parse_rfc3339(&format!("{text}T00:00:00+08:00")))
        .flatten()
}

/// Parses a date as the end of that day in Beijing: the last day belongs to the range.
pub fn end_of_day(text: &str) -> Option<Timestamp> {
    const A_DAY: std::time::Duration = std::time::Duration::from_hours(24);
    day(text).map(|day| day + A_DAY)
}
