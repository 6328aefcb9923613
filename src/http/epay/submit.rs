//! The payer's browser comes from the shop with a signed order, and goes on to our checkout page.

use std::time::Duration;

use ::payments::epay::{
    Attempt, Fields, Opened, Refusal, Version, checkout_url, method_of, open_order, read_order,
};
use ::payments::{Initiator, StartPayment, find_checkout, start_permitted, wait_for};
use app::device::Device;
use axum::extract::Request;
use axum::http::{HeaderMap, Method as Verb, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::{Method, Product};

use super::answer;
use super::authentic::require_sign;
use super::endpoint::Endpoint;
use super::reading;
use crate::http::web::Web;

/// Longest wait of a browser or a client for a gateway; then the page offers the methods.
pub(super) const PATIENCE: Duration = Duration::from_secs(6);

pub async fn serve_browser(web: &Web, endpoint: Endpoint, request: Request) -> Response {
    if !matches!(*request.method(), Verb::GET | Verb::POST) {
        // HEAD looks, and has no effect.
        return answer::page(Refusal::incomplete(
            "请使用 GET 或 POST 提交 (send it by GET or POST)",
        ));
    }
    let call = match reading::read(request).await {
        Ok(call) => call,
        Err(unreadable) => return answer::unreadable_page(unreadable),
    };
    let version = match endpoint {
        Endpoint::SubmitV2 => Version::V2,
        _ => Version::V1,
    };
    match submit_order(web, call.of_browser(), version, &call).await {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(refusal) => answer::page(refusal),
    }
}

/// The page on which the order is paid, with the method opened that the client named.
async fn submit_order(
    web: &Web,
    fields: &Fields,
    version: Version,
    call: &reading::Call,
) -> Result<String, Refusal> {
    let merchant = require_sign(web, fields, version).await?;
    let order = read_order(&web.services, fields, version, &|url| allows_return(web, url))?;
    let attempt = match open_order(&web.services, &merchant, &order.attempt).await? {
        Opened::Payable(attempt) => {
            let device = device_of(&call.head.headers);
            let products = offered_method(web, &order.attempt.asked_type)
                .map(|method| device.products(method, None, web.site.page_settings.products));
            let first = products.as_ref().and_then(|products| products.first());
            // Inside WeChat the page asks for the payer's openid first.
            if let Some(first) = first.filter(|first| **first != Product::Jsapi) {
                let start = StartPayment {
                    return_url: Some(checkout_url(&attempt, web.site.public_url.as_str())),
                    payer_ip: call.peer(),
                    initiator: Initiator::Payer,
                    ..StartPayment::new(attempt.order_id.clone(), *first)
                };
                open_payment(web, &attempt, products.as_deref().unwrap_or_default(), start).await;
            }
            attempt
        }
        // Its page says so, and has the way back.
        Opened::Paid(attempt) | Opened::Ending(attempt) => attempt,
    };
    Ok(checkout_url(&attempt, web.site.public_url.as_str()))
}

pub(super) fn allows_return(web: &Web, url: &str) -> bool {
    web.site.page_settings.return_hosts.allow(url)
}

fn device_of(headers: &HeaderMap) -> Device {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    Device::of(agent.unwrap_or_default())
}

/// The method that a client named, when it can be carried out here.
pub(super) fn offered_method(web: &Web, asked_type: &str) -> Option<Method> {
    let method = method_of(asked_type)?;
    let channel = method.channel()?;
    web.services.gateways.get(channel).map(|_| method)
}

/// Opens a payment, or leaves it to the page when the gateway says no or does not answer. An open payment of the same
/// method stays as it is: its payer may be at the gateway. Of `products` the first counts that the gateway permits.
pub(super) async fn open_payment(
    web: &Web,
    attempt: &Attempt,
    products: &[Product],
    start: StartPayment,
) -> Option<(Product, String)> {
    let checkout = find_checkout(&web.services, &attempt.token).await.ok()?;
    let now = web.services.clock.now();
    let open = checkout
        .payments
        .iter()
        .find(|payment| payment.state.is_open() && now < payment.expires_at);
    if let Some(open) =
        open.filter(|open| open.method() == start.product.method() && open.product != start.product)
    {
        return Some((open.product, open.prompt.clone()?));
    }
    let (services, products) = (web.services.clone(), products.to_vec());
    let starting = async move { start_permitted(&services, &products, &start).await };
    match wait_for(PATIENCE, starting).await {
        Some(Ok(made)) => {
            let payment = made.into_value()?;
            let prompt = payment.prompt.clone().filter(|_| payment.state.is_open())?;
            Some((payment.product, prompt))
        }
        Some(Err(error)) => {
            tracing::info!(order.id = %attempt.order_id, error = crate::telemetry::chain(&error), "no payment could be opened for an epay order");
            None
        }
        None => None,
    }
}
