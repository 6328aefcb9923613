//! Starts a payment by the first of several products that the gateway permits this merchant.
//!
//! A merchant signs each product by itself with the gateways, and a product can be taken away at any time. The payer should
//! not notice: the next product is offered at once, and the operator is told by an incident.

use domain::{IncidentId, Payment, Product};
use futures_util::FutureExt;

use super::start::{StartPayment, start_payment};
use crate::gateway::GatewayError;
use crate::idempotency::Outcome;
use crate::model::incident::IncidentKind;
use crate::store::incidents;
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

/// Records that the gateway does not permit a product: one incident for each product, opened again when a person resolved it
/// and the gateway still refuses.
pub(super) async fn note_not_permitted(
    services: &Services,
    product: Product,
    refusal: &GatewayError,
) -> Result<(), Error> {
    let now = services.clock.now();
    let id = IncidentId::new(now, services.clock.entropy());
    let channel = product.method().channel();
    if let Some(gateway) = channel.and_then(|channel| services.gateways.get(channel)) {
        gateway.health().refused(product, now);
    }
    let detail = &format!("{}: {refusal}", product.as_str());
    tracing::warn!(
        product = product.as_str(),
        "the gateway does not permit the product {detail}"
    );
    services
        .db
        .write(|tx| {
            let id = id.clone();
            async move {
                let (kind, subject) = (IncidentKind::ProductNotPermitted, product.as_str());
                incidents::raise(tx, &id, kind, subject, None, detail, now).await?;
                incidents::reopen(tx, kind, subject, detail, now).await
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}
