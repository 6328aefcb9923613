//! Balances as JSON, both ways.

use domain::{Change, Money};
use payments::{Adjustment, Requester, TopUp};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::error::Problem;
use crate::http::orders::parse_return_url;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdjustBalance {
    /// In fen, never zero; below zero to take money away.
    #[schema(value_type = i64, minimum = -10_000_000_000_i64, maximum = 10_000_000_000_i64)]
    amount: Change,
    /// The merchant's own number; the same number with the same content is the same adjustment, for all users together.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    adjustment_no: String,
    /// Reason of the adjustment; the user may be shown it.
    #[schema(min_length = 1, max_length = 256)]
    note: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopUpBalance {
    /// In fen.
    #[schema(value_type = i64, minimum = 1, maximum = 10_000_000_000_i64)]
    amount: Money,
    /// The merchant's own number; the same number with the same content is the same order.
    #[schema(min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9_-]+$")]
    order_no: Option<String>,
    /// The payer returns there after paying: an http or https URL.
    return_url: Option<String>,
}

impl AdjustBalance {
    pub fn of(self, user_id: String, by: Requester) -> Adjustment {
        Adjustment {
            user_id,
            change: self.amount,
            number: self.adjustment_no,
            note: self.note,
            by,
        }
    }
}

impl TopUpBalance {
    pub fn check(self, user_id: String) -> Result<TopUp, Problem> {
        Ok(TopUp {
            user_id,
            amount: self.amount,
            order_no: self.order_no,
            return_url: self.return_url.map(parse_return_url).transpose()?,
        })
    }
}

/// The place of an entry in its user's history, as [`payments::list_entries`] gave it out.
pub fn parse_cursor(text: &str) -> Option<i64> {
    let is_plain = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_place_in_a_history() {
        assert_eq!(parse_cursor("7"), Some(7));
        for text in [
            "",
            "-1",
            "+1",
            "1.0",
            " 1",
            "ord_1",
            "99999999999999999999",
            "9999999999999999999",
        ] {
            assert_eq!(parse_cursor(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_adjustment_is_whole_fen_up_or_down() {
        let read = |amount: &str| {
            serde_json::from_str::<AdjustBalance>(&format!(
                r#"{{"amount":{amount},"adjustmentNo":"a","note":"n"}}"#
            ))
        };
        assert_eq!(read("-500").unwrap().amount.fen(), -500);
        for amount in ["0", "1.5", "\"1\"", "1e2", "10000000001", "-10000000001", "null"] {
            assert!(read(amount).is_err(), "{amount}");
        }
    }
}
