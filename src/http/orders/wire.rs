//! Orders as JSON, both ways.

use std::time::Duration;

use domain::Money;
use payments::NewOrder;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use crate::config::parse_minutes;
use crate::http::error::Problem;

const METADATA_BYTES: usize = 4096;
const RETURN_URL_BYTES: usize = 2048;
const MAX_MINUTES: u32 = 10_080;
/// A thousandth of a minute.
const MIN_LIFETIME: Duration = Duration::from_millis(60);
const MAX_FRACTION_DIGITS: usize = 9;

/// A new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateOrder {
    /// The merchant's own number; the same number with the same content is the same order.
    #[schema(min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9_-]+$")]
    order_no: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    user_id: String,
    #[schema(min_length = 1, max_length = 127)]
    subject: String,
    /// In fen.
    #[schema(value_type = i64, minimum = 1, maximum = 10_000_000_000_i64)]
    amount: Money,
    /// Only `CNY`.
    currency: Option<String>,
    /// The payer returns there after paying: an http or https URL.
    return_url: Option<String>,
    /// A JSON object of at most 4096 bytes, given back as it is.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    /// Lets any holder of the checkout link see the user's balance and pay this order with it. Set it only where the link
    /// goes to the signed-in user alone. By default the page does not mention the balance.
    allow_balance: Option<bool>,
    /// Lifetime of the order in minutes; fractions are allowed.
    #[schema(schema_with = minutes_schema)]
    expires_in_minutes: Option<serde_json::Number>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrder {
    /// The payer is shown it.
    #[schema(min_length = 1, max_length = 256)]
    pub reason: Option<String>,
}

impl CreateOrder {
    pub fn check(self) -> Result<NewOrder, Problem> {
        if self.currency.as_deref().is_some_and(|currency| currency != "CNY") {
            return Err(Problem::invalid("currency", "must be CNY"));
        }
        let expires_in = self
            .expires_in_minutes
            .map(|number| parse_lifetime(&number))
            .transpose()?;
        Ok(NewOrder {
            order_no: self.order_no,
            user_id: self.user_id,
            subject: self.subject,
            amount: self.amount,
            return_url: self.return_url.map(parse_return_url).transpose()?,
            metadata: self.metadata.map(|json| parse_metadata(&json)).transpose()?,
            allows_balance: self.allow_balance.unwrap_or(false),
            expires_in,
        })
    }
}

/// Schema of the lifetime, spelled out: no float type may stand near money, not even in a description.
fn minutes_schema() -> utoipa::openapi::Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Number, Type::Null]))
        .minimum(Some(0.001))
        .maximum(Some(MAX_MINUTES))
        .description(Some("How long the order can be paid; fractions are allowed"))
        .build()
}

/// Parses the lifetime of an order. Digits behind the ninth of the fraction mean less than a microsecond.
fn parse_lifetime(number: &serde_json::Number) -> Result<Duration, Problem> {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let is_above = whole == MAX_MINUTES.to_string() && fraction.bytes().any(|digit| digit != b'0');
    let kept = fraction.get(..MAX_FRACTION_DIGITS).unwrap_or(fraction);
    parse_minutes(&format!("{whole}.{kept}"))
        .ok()
        .filter(|lifetime| *lifetime >= MIN_LIFETIME && !is_above)
        .ok_or_else(|| {
            let message = format!("must be a number of minutes from 0.001 to {MAX_MINUTES}");
            Problem::invalid("expiresInMinutes", message)
        })
}

/// Parses a return URL: http or https only, because payers are redirected there.
pub fn parse_return_url(text: String) -> Result<String, Problem> {
    let is_web = text.len() <= RETURN_URL_BYTES
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && ["http://", "https://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        && url::Url::parse(&text).is_ok_and(|url| url.username().is_empty() && url.password().is_none());
    if is_web {
        Ok(text)
    } else {
        Err(Problem::invalid(
            "returnUrl",
            "must be an absolute http or https URL of at most 2048 ASCII characters",
        ))
    }
}

/// Keeps metadata byte for byte: numbers may have more digits than our types.
fn parse_metadata(json: &RawValue) -> Result<String, Problem> {
    let text = json.get();
    let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
    if is_object && text.len() <= METADATA_BYTES {
        Ok(text.to_owned())
    } else {
        Err(Problem::invalid(
            "metadata",
            "must be a JSON object of at most 4096 bytes",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::ErrorCode;

    #[test]
    fn a_return_url_is_on_the_web() {
        for url in [
            "https://shop.example/done?x=1",
            "http://127.0.0.1:8080/",
            "https://xn--fiqs8s.example/a#b",
        ] {
            assert!(parse_return_url(url.to_owned()).is_ok(), "{url}");
        }
        for url in [
            "",
            "/done",
            "//shop.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "ftp://shop.example",
            "https://shop.example/\r\nSet-Cookie: a",
            "https://shop.example/a b",
            "https://user:pass@shop.example/",
            " https://shop.example/",
            "https://商店.example/",
        ] {
            assert!(parse_return_url(url.to_owned()).is_err(), "{url:?}");
        }
    }

    #[test]
    fn metadata_is_an_object_and_kept_as_it_came() {
        let check = |text: &str| parse_metadata(&RawValue::from_string(text.to_owned()).unwrap());
        let exact = "{\"big\": 12345678901234567890123, \"price\": 1.10}";
        assert_eq!(check(exact).unwrap(), exact);
        for text in [
            "[]",
            "1",
            "\"x\"",
            "{\"a\":\"\\ud800\"}",
            &format!("{{\"a\":\"{}\"}}", "x".repeat(4096)),
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_lifetime_may_have_a_fraction() {
        let lifetime = |text: &str| parse_lifetime(&serde_json::from_str(text).unwrap());
        assert_eq!(lifetime("0.05").unwrap(), Duration::from_secs(3));
        assert_eq!(lifetime("30").unwrap(), Duration::from_mins(30));
        assert_eq!(lifetime("0.001").unwrap(), Duration::from_millis(60));
        assert_eq!(lifetime("10080").unwrap(), Duration::from_hours(168));
        assert_eq!(
            lifetime("1.3333333333333333").unwrap(),
            Duration::from_millis(79_999)
        );
        for text in [
            "0",
            "-1",
            "10081",
            "1e300",
            "0.00000001",
            "0.000999",
            "10080.000000000002",
        ] {
            assert_eq!(lifetime(text).unwrap_err().code, ErrorCode::Invalid, "{text}");
        }
    }
}
