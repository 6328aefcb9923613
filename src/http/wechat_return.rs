//! Return of a payer's browser from WeChat's authorisation: learns the openid and opens the payment.

use ::payments::{
    AuthorizationError, Checkout, Initiator, StartPayment, find_checkout, finish_authorization, openid_text,
    start_permitted,
};
use app::context::{Request, parameter};
use app::device::PayMode;
use app::error::UiError;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use domain::{Method, Product};

use super::api::{Id, to_the_end};
use super::handover::{back, back_to_open};
use super::page_request::read_page_request;
use super::web::Web;

/// WeChat's codes have 32 characters.
const MAX_CODE: usize = 256;

pub async fn finish(State(web): State<Web>, Id(token): Id, parts: Parts) -> Response {
    let visit = read_page_request(&web, &parts);
    let checkout = match find_checkout(&web.services, &token).await {
        Ok(checkout) => checkout,
        Err(error) => return back(&token, &visit, Some(error.into())),
    };
    let outcome = {
        let visit = visit.clone();
        to_the_end(async move { start_payment_of(&web, &visit, &checkout, &parts).await }).await
    };
    match outcome {
        Ok(()) => back_to_open(&token, &visit),
        Err(error) => back(&token, &visit, Some(error)),
    }
}

/// Opens the payment inside WeChat. When WeChat names no payer, a code for another phone is shown instead, with the reason.
async fn start_payment_of(
    web: &Web,
    visit: &Request,
    checkout: &Checkout,
    parts: &Parts,
) -> Result<(), UiError> {
    let field = |name| parameter(parts.uri.query(), name).unwrap_or_default();
    let (code, state) = (field("code"), field("state"));
    let visitor = visit.visitor.as_deref().unwrap_or_default();
    let learnt = if code.is_empty() || code.len() > MAX_CODE {
        Err(AuthorizationError::State)
    } else {
        finish_authorization(&web.services, &checkout.order, visitor, &state, &code).await
    };
    let start = StartPayment {
        return_url: Some(visit.checkout_url(&checkout.order.token)),
        payer_ip: visit.payer_ip,
        initiator: Initiator::Payer,
        ..StartPayment::new(checkout.order.id.clone(), Product::Jsapi)
    };
    match learnt {
        Ok(openid) => {
            let products = visit.products(Method::Wechat, Some(PayMode::Open));
            let start = StartPayment {
                openid: Some(openid_text(&openid)),
                ..start
            };
            start_permitted(&web.services, &products, &start).await?;
            Ok(())
        }
        // Nothing is started by an address that somebody else may have made.
        Err(AuthorizationError::State) => Err(UiError::NotAuthorized),
        Err(error) => {
            tracing::warn!(
                order.id = %checkout.order.id,
                error = crate::telemetry::chain(&error),
                "WeChat named no payer for order {}",
                checkout.order.id
            );
            let mut products = visit.products(Method::Wechat, Some(PayMode::Scan));
            products.retain(|product| *product != Product::Jsapi);
            start_permitted(&web.services, &products, &start).await?;
            Err(UiError::NotAuthorized)
        }
    }
}
