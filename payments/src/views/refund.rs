//! A refund as JSON.

use domain::{Money, OrderId, Refund, RefundState};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::{no_earlier, one_of};
use crate::calendar::rfc3339;

/// Money on its way back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refund)]
pub struct RefundView {
    id: String,
    /// Number that the gateway knows it by.
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
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The gateway's number; Alipay gives none.
    #[schema(required)]
    gateway_refund_id: Option<String>,
    #[schema(required)]
    failure_reason: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(required, format = DateTime)]
    finished_at: Option<String>,
}

impl RefundView {
    pub fn new(refund: &Refund, order_id: &OrderId) -> RefundView {
        RefundView {
            id: refund.id.to_string(),
            refund_no: refund.refund_no.to_string(),
            payment_id: refund.payment_id.to_string(),
            order_id: order_id.to_string(),
            amount: refund.amount,
            currency: "CNY",
            reason: refund.reason.clone(),
            status: status_word(refund.state),
            gateway_refund_id: refund.gateway_refund_id.clone(),
            failure_reason: refund.failure_reason.clone(),
            created_at: rfc3339(refund.created_at),
            updated_at: rfc3339(refund.updated_at),
            finished_at: no_earlier(refund.finished_at, refund.created_at),
        }
    }

    /// Every status of the API.
    pub fn statuses() -> [&'static str; 5] {
        RefundState::ALL.map(status_word)
    }

    /// The state that a status of the API stands for.
    pub fn parse_status(word: &str) -> Option<RefundState> {
        RefundState::ALL
            .into_iter()
            .find(|state| status_word(*state) == word)
    }
}

/// The word of the API.
const fn status_word(state: RefundState) -> &'static str {
    match state {
        RefundState::Requested => "pending",
        RefundState::Pending => "processing",
        RefundState::Succeeded => "success",
        RefundState::Failed => "failed",
        RefundState::Stuck => "needs_attention",
    }
}

fn status_schema() -> Object {
    one_of(RefundView::statuses())
}
