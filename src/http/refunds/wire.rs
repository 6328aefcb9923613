//! Refunds as JSON, both ways.

use domain::{Money, OrderId, PaymentId, Refund, RefundState};
use payments::{RefundRequest, Requester, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// Money on its way back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refund)]
pub struct RefundBody {
    id: String,
    /// The number that the gateway knows it by.
    refund_no: String,
    payment_id: String,
    order_id: String,
    /// In fen.
    #[schema(value_type = i64, minimum = 1)]
    amount: Money,
    #[schema(example = "CNY")]
    currency: &'static str,
    reason: String,
    /// `pending`: recorded, the gateway is not known to have it. `processing`: it has. `needs_attention`: nothing moves
    /// until a person acts.
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// The gateway's number; Alipay gives none.
    #[schema(required)]
    gateway_refund_id: Option<String>,
    #[schema(required)]
    failure_reason: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    finished_at: Option<String>,
}

impl RefundBody {
    pub fn new(refund: &Refund, order_id: &OrderId) -> RefundBody {
        RefundBody {
            id: refund.id.to_string(),
            refund_no: refund.refund_no.to_string(),
            payment_id: refund.payment_id.to_string(),
            order_id: order_id.to_string(),
            amount: refund.amount,
            currency: "CNY",
            reason: refund.reason.clone(),
            status: status(refund.state),
            gateway_refund_id: refund.gateway_refund_id.clone(),
            failure_reason: refund.failure_reason.clone(),
            created_at: rfc3339(refund.created_at),
            finished_at: refund.finished_at.map(rfc3339),
        }
    }
}

/// Status as the API names it.
const fn status(state: RefundState) -> &'static str {
    match state {
        RefundState::Requested => "pending",
        RefundState::Pending => "processing",
        RefundState::Succeeded => "success",
        RefundState::Failed => "failed",
        RefundState::Stuck => "needs_attention",
    }
}

fn statuses() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(RefundState::ALL.map(status)))
        .build()
}

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
