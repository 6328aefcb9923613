//! Balances as JSON, both ways.

use domain::{Change, EntryKind, Money};
use payments::{Adjustment, Balance, Entry, Requester, TopUp, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::http::error::Problem;
use crate::http::orders::parse_return_url;

/// The balance of a user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Balance)]
pub struct BalanceBody {
    user_id: String,
    /// In fen: what can be spent.
    #[schema(value_type = i64, minimum = 0)]
    available: Money,
    /// In fen: money of top-ups that is on its way back to where it came from. It is not part of `available`.
    #[schema(value_type = i64, minimum = 0)]
    frozen: Money,
    #[schema(example = "CNY")]
    currency: &'static str,
    /// `null`: nothing ever happened.
    #[schema(required, format = DateTime)]
    updated_at: Option<String>,
}

/// One line of a user's history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BalanceEntry)]
pub struct EntryBody {
    id: String,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// In fen; below zero what was taken.
    #[schema(value_type = i64)]
    amount: Change,
    #[schema(value_type = i64, minimum = 0)]
    balance_after: Money,
    /// The id of the payment or the refund, or the number of the adjustment.
    reference: String,
    #[schema(required)]
    note: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

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

impl BalanceBody {
    pub fn new(balance: &Balance) -> BalanceBody {
        BalanceBody {
            user_id: balance.user_id.clone(),
            available: balance.available,
            frozen: balance.frozen,
            currency: "CNY",
            updated_at: balance.updated_at.map(rfc3339),
        }
    }
}

impl EntryBody {
    pub fn new(entry: &Entry) -> EntryBody {
        EntryBody {
            id: entry.id.clone(),
            kind: entry.kind.as_str(),
            amount: entry.amount,
            balance_after: entry.balance_after,
            reference: entry.reference.clone(),
            note: entry.note.clone(),
            created_at: rfc3339(entry.created_at),
        }
    }
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
    let is_plain = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

fn kinds() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(EntryKind::ALL.map(EntryKind::as_str)))
        .build()
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
