//! An order as JSON.

use domain::{Money, Order, OrderStatus};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::{checkout_url, no_earlier, one_of};
use crate::calendar::rfc3339;

/// An order: what is bought, for how much, until when.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
pub struct OrderView {
    id: String,
    order_no: String,
    user_id: String,
    subject: String,
    /// In fen.
    #[schema(value_type = i64, minimum = 1)]
    amount: Money,
    #[schema(example = "CNY")]
    currency: &'static str,
    #[schema(schema_with = status_schema)]
    status: &'static str,
    #[schema(value_type = i64, minimum = 0)]
    paid_amount: Money,
    #[schema(value_type = i64, minimum = 0)]
    refunded_amount: Money,
    /// Null for a key without the scope `pay`: with `allowBalance` the holder of this link can pay.
    #[schema(required)]
    checkout_url: Option<String>,
    #[schema(required)]
    return_url: Option<String>,
    #[schema(value_type = Option<Object>, required)]
    metadata: Option<Box<RawValue>>,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(required, format = DateTime)]
    paid_at: Option<String>,
    #[schema(required)]
    cancel_reason: Option<String>,
    #[schema(required)]
    refund_reason: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl OrderView {
    /// The order with the addresses of a server at `base`.
    pub fn new(order: &Order, base: &str) -> OrderView {
        OrderView {
            id: order.id.to_string(),
            order_no: order.order_no.to_string(),
            user_id: order.user_id.clone(),
            subject: order.subject.clone(),
            amount: order.amount,
            currency: "CNY",
            status: order.status().as_str(),
            paid_amount: order.paid_amount(),
            refunded_amount: order.refunded,
            checkout_url: Some(checkout_url(base, &order.token)),
            return_url: order.return_url.clone(),
            metadata: order
                .metadata
                .clone()
                .and_then(|text| RawValue::from_string(text).ok()),
            expires_at: rfc3339(order.expires_at),
            paid_at: no_earlier(order.paid_at, order.created_at),
            cancel_reason: order.cancel_reason.clone(),
            refund_reason: order.refund_reason.clone(),
            created_at: rfc3339(order.created_at),
            updated_at: rfc3339(order.updated_at),
        }
    }

    /// The order as a key may read it that has not the scope `pay`.
    pub fn without_checkout(self) -> OrderView {
        OrderView {
            checkout_url: None,
            ..self
        }
    }
}

fn status_schema() -> Object {
    one_of(OrderStatus::ALL.map(OrderStatus::as_str))
}
