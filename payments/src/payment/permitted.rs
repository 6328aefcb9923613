//! Starts a payment by the first of several products that the gateway permits this merchant.
//!
//! A merchant signs each product by itself with the gateways, and a product can be taken away at any time. The payer should
//! not notice: the next product is offered at once, and the operator is told by an incident.

use domain::{Payment, Product};

use super::start::{StartPayment, start_payment};
use crate::idempotency::Outcome;
use crate::{Error, Services};

/// Starts a payment by the first product that the merchant may use. `start` holds everything but the product.
pub async fn start_permitted(
    services: &Services,
    products: &[Product],
    start: &StartPayment,
) -> Result<Outcome<Payment>, Error> {
    let mut refused = None;
    for product in order_by_permission(services, products) {
        let attempt = StartPayment {
            product,
            ..start.clone()
        };
        match start_payment(services, attempt, None).await {
            Err(Error::Declined { channel, source }) if source.is_not_permitted() => {
                refused = Some(Error::Declined { channel, source });
            }
            outcome => return outcome,
        }
    }
    Err(refused.unwrap_or(Error::MethodUnavailable(start.product.method())))
}

/// Puts products last that were refused lately: a refusal costs each payer a call.
fn order_by_permission(services: &Services, products: &[Product]) -> Vec<Product> {
    let now = services.clock.now();
    let is_refused = |product: &Product| {
        let channel = product.method().channel();
        let gateway = channel.and_then(|channel| services.gateways.get(channel));
        gateway.is_some_and(|gateway| gateway.health().is_refused(*product, now))
    };
    let (later, mut first): (Vec<Product>, Vec<Product>) = products.iter().copied().partition(is_refused);
    first.extend(later);
    first
}
