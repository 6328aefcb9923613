//! A payment as JSON.

use domain::{Method, Money, Order, Payment, PaymentStatus, Product};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::{checkout_url, no_earlier, one_of};
use crate::calendar::rfc3339;
use crate::model::client_parameters::ClientParameters;
use crate::model::payment::ListedPayment;

/// One attempt to pay an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentView {
    id: String,
    payment_no: String,
    order_id: String,
    user_id: String,
    #[schema(schema_with = methods)]
    method: &'static str,
    #[schema(schema_with = products)]
    product: &'static str,
    /// In fen.
    #[schema(value_type = i64, minimum = 1)]
    amount: Money,
    #[schema(example = "CNY")]
    currency: &'static str,
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The gateway's number.
    #[schema(required)]
    transaction_id: Option<String>,
    /// `native`, `qr`: the content of the code to scan. `h5`, `wap`, `page`: the URL to open in the payer's browser.
    /// `jsapi`: the order's checkout page, to be opened inside WeChat.
    #[schema(required)]
    payment_url: Option<String>,
    #[schema(required)]
    failure_reason: Option<String>,
    #[schema(value_type = i64, minimum = 0)]
    refund_amount: Money,
    #[schema(required)]
    refund_reason: Option<String>,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(required, format = DateTime)]
    paid_at: Option<String>,
    #[schema(required, format = DateTime)]
    refunded_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// `app`, `mini`, while it can be paid: what the merchant's program hands to the wallet's SDK, signed anew at each reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HashMap<String, String>>)]
    client_parameters: Option<ClientParameters>,
}

/// Data of a payment's order.
#[derive(Debug, Clone)]
pub struct PaymentOwner {
    user_id: String,
    token: String,
    checkout_url: String,
}

impl PaymentOwner {
    pub fn new(order: &Order, base: &str) -> PaymentOwner {
        PaymentOwner {
            user_id: order.user_id.clone(),
            token: order.token.clone(),
            checkout_url: checkout_url(base, &order.token),
        }
    }

    pub fn of_listed(listed: &ListedPayment, base: &str) -> PaymentOwner {
        PaymentOwner {
            user_id: listed.user_id.clone(),
            token: listed.token.clone(),
            checkout_url: checkout_url(base, &listed.token),
        }
    }

    /// Address that a payer comes back to when the merchant names no other.
    pub fn checkout_url(&self) -> &str {
        &self.checkout_url
    }
}

impl PaymentView {
    pub fn new(payment: &Payment, owner: &PaymentOwner) -> PaymentView {
        // A `prepay_id` opens nothing by itself: our page inside WeChat signs it when the payer presses the button.
        let payment_url = match payment.product {
            Product::Jsapi => payment.prompt.as_ref().map(|_| &owner.checkout_url),
            // Opened by the merchant's own program, with `clientParameters`.
            product if product.is_for_clients() => None,
            _ => payment.prompt.as_ref(),
        };
        PaymentView {
            id: payment.id.to_string(),
            payment_no: payment.payment_no.to_string(),
            order_id: payment.order_id.to_string(),
            user_id: owner.user_id.clone(),
            method: payment.method().as_str(),
            product: payment.product.name(),
            amount: payment.amount,
            currency: "CNY",
            status: payment.status().as_str(),
            transaction_id: payment.transaction_id.clone(),
            payment_url: payment_url.cloned(),
            failure_reason: payment.failure_reason.clone(),
            refund_amount: payment.refunded,
            refund_reason: payment.refund_reason.clone(),
            expires_at: rfc3339(payment.expires_at),
            paid_at: no_earlier(payment.paid_at, payment.created_at),
            refunded_at: no_earlier(payment.refunded_at, payment.created_at),
            created_at: rfc3339(payment.created_at),
            updated_at: rfc3339(payment.updated_at),
            client_parameters: None,
        }
    }

    /// Adds the parameters for the merchant's own program, which only an answer to it may hold: they open the payment.
    #[must_use]
    pub fn with_client_parameters(self, client_parameters: Option<ClientParameters>) -> PaymentView {
        PaymentView {
            client_parameters,
            ..self
        }
    }

    /// The payment as a key may read it that has not the scope `pay`: without an address that leads to the checkout page,
    /// because with `allowBalance` its holder can pay.
    pub fn without_checkout(self, owner: &PaymentOwner) -> PaymentView {
        PaymentView {
            payment_url: self.payment_url.filter(|url| !url.contains(&owner.token)),
            ..self
        }
    }
}

pub fn methods() -> Object {
    one_of(Method::ALL.map(Method::as_str))
}

pub fn products() -> Object {
    one_of(Product::NAMES)
}

fn status_schema() -> Object {
    one_of(PaymentStatus::ALL.map(PaymentStatus::as_str))
}
