//! Refuses U+0000, which PostgreSQL cannot store in text.
//!
//! Addresses and forms are checked here, before any handler; JSON bodies where they are parsed ([`check_json`]).

use serde_json::Value;

use super::epay::endpoint::is_endpoint;
use super::error::Problem;

const MESSAGE: &str = "has a character that no text may have (U+0000)";

/// Checks path and query: NUL in a path answers 404, in a parameter 422.
pub fn check_address(path: &str, query: Option<&str>) -> Result<(), Problem> {
    // Clients of epay read no body unless the status is 200: it refuses such a parameter in its own way.
    if is_endpoint(path) {
        return Ok(());
    }
    if percent_encoding::percent_decode_str(path).any(|byte| byte == 0) {
        return Err(Problem::not_found());
    }
    check_form(query.unwrap_or_default().as_bytes())
}

/// Checks the pairs of a query or of a form.
pub fn check_form(pairs: &[u8]) -> Result<(), Problem> {
    // Fast path for nearly every request.
    if !pairs.contains(&0) && !pairs.windows(3).any(|three| three == b"%00") {
        return Ok(());
    }
    let has_nul = |text: &str| text.contains('\0');
    match url::form_urlencoded::parse(pairs).find(|(name, value)| has_nul(name) || has_nul(value)) {
        Some((name, _)) => Err(refuse_parameter(&name)),
        None => Ok(()),
    }
}

/// Checks the texts of a JSON object, except those kept as raw JSON.
pub fn check_json(text: &str) -> Result<(), Problem> {
    const KEPT_AS_JSON: &str = "metadata";
    // Fast path for nearly every body.
    if !text.contains("\\u0000") {
        return Ok(());
    }
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return Ok(());
    };
    let mut wrong = fields
        .iter()
        .filter(|(name, value)| name.contains('\0') || (*name != KEPT_AS_JSON && has_nul(value)));
    match wrong.next() {
        Some((name, _)) => Err(refuse_parameter(name)),
        None => Ok(()),
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn refuse_parameter(name: &str) -> Problem {
    let name: String = name.chars().filter(|c| *c != '\0').take(64).collect();
    Problem::invalid(name, MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::ErrorCode;

    fn field(outcome: Result<(), Problem>) -> Option<String> {
        outcome.unwrap_err().field.map(std::borrow::Cow::into_owned)
    }

    #[test]
    fn nul_in_a_path_is_not_found_and_in_a_parameter_names_it() {
        for path in ["/checkout/a%00", "/%00", "/admin/orders/%00/cancel"] {
            assert_eq!(
                check_address(path, None).unwrap_err().code,
                ErrorCode::NotFound,
                "{path}"
            );
        }
        assert_eq!(
            check_address("/checkout/%E5%B0%8F%2500", Some("q=%2500&r=a+b")),
            Ok(())
        );
        assert_eq!(
            field(check_address("/", Some("a=1&q=x%00"))),
            Some("q".to_owned())
        );
        assert_eq!(field(check_form(b"a=\0")), Some("a".to_owned()));
    }

    #[test]
    fn a_json_text_with_nul_is_named_and_metadata_stays_as_it_is() {
        let found = check_json(r#"{"userId": "a\u0000", "amount": 1}"#);
        assert_eq!(field(found), Some("userId".to_owned()));
        assert_eq!(
            field(check_json(r#"{"events": ["a\u0000"]}"#)),
            Some("events".to_owned())
        );
        for fine in [
            r#"{"metadata": {"a": "\u0000"}}"#,
            r#"{"subject": "a\\u0000"}"#,
            "{}",
        ] {
            assert_eq!(check_json(fine), Ok(()), "{fine}");
        }
    }
}
