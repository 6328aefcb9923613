//! Strict parsing of JSON bodies.

use axum::http::{HeaderMap, HeaderValue, header};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::http::error::Problem;
use crate::http::storable;

pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else {
        return false;
    };
    let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    kind.trim().eq_ignore_ascii_case("application/json")
        && matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
}

/// Parses a body. Text that is not JSON is malformed; JSON of another shape is invalid, and the field is named.
pub fn parse<B: DeserializeOwned>(bytes: &[u8]) -> Result<B, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    // serde would read a list as a structure, by position.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Problem::invalid("body", "must be a JSON object"),
            Err(_) => not_json(),
        });
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut reader);
    match parsed {
        Ok(body) => match reader.end() {
            Ok(()) => storable::check_json(text).map(|()| body),
            Err(_) => Err(not_json()),
        },
        // The first wrong value ends the parsing; the rest may still be malformed.
        // `1e999` is valid JSON, and too large for every field.
        Err(error) if error.inner().to_string().starts_with("number out of range") => {
            Err(wrong_value(&error))
        }
        Err(error) if !error.inner().is_data() || serde_json::from_str::<IgnoredAny>(text).is_err() => {
            Err(not_json())
        }
        Err(error) => Err(wrong_value(&error)),
    }
}

fn not_json() -> Problem {
    Problem::malformed("the body is not JSON")
}

fn wrong_value(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let words = error.inner().to_string();
    // serde names the field in its message when it is missing, unknown or duplicated.
    let told = |opening: &str| words.strip_prefix(opening)?.split('`').next().map(str::to_owned);
    let path = error.path().to_string();
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    let within = |parent: &str, name: &str| {
        let name: String = name.chars().take(64).collect();
        if matches!(parent, "" | ".") {
            name
        } else {
            format!("{parent}.{name}")
        }
    };
    if let Some(name) = told("missing field `") {
        let parent = if path == "." { "" } else { path.as_str() };
        return Problem::invalid(within(parent, &name), "is missing");
    }
    if let Some(name) = told("unknown field `") {
        return Problem::invalid(within(parent, &name), "is not a field of this call");
    }
    if let Some(name) = told("duplicate field `") {
        return Problem::invalid(within(parent, &name), "is there twice");
    }
    let field = if path == "." { "body".to_owned() } else { path };
    let message = words
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .replace("i64", "a whole number");
    Problem::invalid(field, message.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests;
