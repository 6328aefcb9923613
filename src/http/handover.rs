//! Redirects from a checkout page to the gateway, for payers on the same device.
//!
//! They open only the payment that the order waits for; no target address comes from the visitor.

mod form;

use ::payments::gateway::Invocation;
use ::payments::gateway::alipay::form::{MOST_ADDRESS, PayForm};
use ::payments::{find_checkout, renew_prompt};
use app::context::Request;
use app::error::UiError;
use app::i18n::fill;
use app::links::CheckoutLink;
use app::view::{Situation, referrer_policy};
use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::{Payment, Product};

use super::api::{Id, to_the_end};
use super::error::Problem;
use super::page_request::read_page_request;
use super::web::Web;

/// Sends the browser to the gateway's own page, by an address that is still fresh, or back to ours when there is nothing
/// to pay there.
pub async fn leave(State(web): State<Web>, Id(token): Id, parts: Parts) -> Response {
    let visit = read_page_request(&web, &parts);
    let is_opened = |product| matches!(product, Product::H5 | Product::Wap | Product::Page);
    match open_payment(&web, &token, is_opened).await {
        Ok(Some((address, payment))) => hand_over(&web, &visit, &address, &payment),
        Ok(None) => back(&token, &visit, None),
        Err(error) => back(&token, &visit, Some(error.into())),
    }
}

fn hand_over(web: &Web, visit: &Request, address: &str, payment: &Payment) -> Response {
    let form = match payment.product {
        Product::Wap | Product::Page if address.len() > MOST_ADDRESS => PayForm::of(address),
        _ => None,
    };
    match form {
        Some(form) => {
            let amount = format!("¥{}", payment.amount.to_yuan());
            let label = fill(visit.words().go_to_alipay, &[("amount", &amount)]);
            form::page(
                &form,
                visit,
                &label,
                &web.site.stylesheet.path,
                &web.services.clock.nonce(),
            )
        }
        // WeChat's page checks `Referer` for the registered domain, so the redirect has a referrer policy of its own.
        None => see_other(
            address,
            [(header::REFERRER_POLICY, referrer_policy(payment.product))],
        ),
    }
}

/// Signs the invocation of WeChat's app for the page inside WeChat anew: the app checks its age.
pub async fn invoke(State(web): State<Web>, Id(token): Id) -> Result<Json<Invocation>, Problem> {
    let is_invoked = |product| product == Product::Jsapi;
    let (prepay_id, payment) = open_payment(&web, &token, is_invoked)
        .await?
        .ok_or_else(Problem::not_found)?;
    let gateway = payment
        .method()
        .channel()
        .and_then(|channel| web.services.gateways.get(channel));
    gateway
        .and_then(|gateway| gateway.invocation(&prepay_id))
        .map(Json)
        .ok_or_else(Problem::not_found)
}

/// The payment that the order waits for, when it is one of these products, and its fresh prompt.
async fn open_payment(
    web: &Web,
    token: &str,
    is_wanted: impl Fn(Product) -> bool,
) -> Result<Option<(String, Payment)>, ::payments::Error> {
    let checkout = find_checkout(&web.services, token).await?;
    let now = web.services.clock.now();
    let Situation::Waiting { payment, .. } = Situation::of(&checkout, now) else {
        return Ok(None);
    };
    if !is_wanted(payment.product) {
        return Ok(None);
    }
    let (services, id) = (web.services.clone(), payment.id.clone());
    let payment = to_the_end(async move { renew_prompt(&services, &id).await }).await?;
    let prompt = payment.prompt.clone().filter(|_| payment.state.is_open());
    Ok(prompt.map(|prompt| (prompt, payment)))
}

/// Sends the browser back to the checkout page, with the reason; an unknown order answers 404.
pub(super) fn back(token: &str, visit: &Request, error: Option<UiError>) -> Response {
    if error == Some(UiError::NotFound) {
        return Problem::not_found().into_response();
    }
    see_other(
        &CheckoutLink {
            error,
            ..page_link(token, visit)
        }
        .path(),
        [],
    )
}

/// Sends the browser back to the checkout page, which opens the payment inside WeChat.
pub(super) fn back_to_open(token: &str, visit: &Request) -> Response {
    let link = CheckoutLink {
        opens: true,
        ..page_link(token, visit)
    };
    see_other(&link.path(), [])
}

fn page_link<'a>(token: &'a str, visit: &Request) -> CheckoutLink<'a> {
    CheckoutLink {
        token,
        language: visit.chosen_language(),
        device: visit.chosen_device(),
        ..CheckoutLink::default()
    }
}

fn see_other<const N: usize>(address: &str, headers: [(header::HeaderName, &'static str); N]) -> Response {
    let location = [(header::LOCATION, address.to_owned())];
    (StatusCode::SEE_OTHER, headers, location).into_response()
}
