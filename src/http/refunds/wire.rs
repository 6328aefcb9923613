//! Refunds as JSON, both ways.

use domain::{Money, PaymentId};
use payments::{RefundRequest, Requester};
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestRefund {
    /// In fen; by default all that is left.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 10_000_000_000_i64)]
    amount: Option<Money>,
    /// The payer is shown it.
    #[schema(min_length = 1, max_length = 256)]
    reason: String,
    /// The merchant's own number, which the gateway gets too; the same number with the same content is the same refund.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    refund_no: Option<String>,
}

impl RequestRefund {
    pub fn of(self, payment_id: PaymentId, by: Requester) -> RefundRequest {
        RefundRequest {
            payment_id,
            amount: self.amount,
            reason: self.reason,
            refund_no: self.refund_no,
            by,
        }
    }
}
