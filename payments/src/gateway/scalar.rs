//! A scalar of a gateway's JSON as text.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A JSON value that is usually a string. A number keeps its digits as sent, so that an amount never passes through a
/// float; null, lists and objects are none.
#[derive(Debug, Default)]
pub(super) struct Scalar(pub(super) Option<String>);

impl Scalar {
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        Ok(Scalar(match raw.as_bytes().first() {
            // An invalid string, half a surrogate pair for instance, must not make its neighbours unreadable (T-57).
            Some(b'"') => {
                Some(serde_json::from_str(raw).unwrap_or_else(|_| raw.trim_matches('"').to_owned()))
            }
            Some(b'{' | b'[' | b'n') | None => None,
            Some(_) => Some(raw.to_owned()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_is_text_with_the_digits_that_were_sent() {
        let read = |text: &str| serde_json::from_str::<Scalar>(text).unwrap().0;
        for (text, value) in [
            (r#""9.90""#, Some("9.90")),
            ("9.90", Some("9.90")),
            ("10000", Some("10000")),
            ("0.30000000000000000001", Some("0.30000000000000000001")),
            ("1e2", Some("1e2")),
            ("true", Some("true")),
            (r#""\ud800""#, Some("\\ud800")),
            ("null", None),
            ("[1]", None),
            (r#"{"a":1}"#, None),
        ] {
            assert_eq!(read(text).as_deref(), value, "{text}");
        }
    }
}
