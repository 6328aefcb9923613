//! The doors from a checkout page to the gateway, for who pays on the same device.
//!
//! They open what the order is waiting for and nothing else: no address in them comes from the visitor.

use ::payments::gateway::Invocation;
use ::payments::{Services, find_checkout, renew_prompt};
use app::error::UiError;
use app::i18n::Language;
use app::links::CheckoutLink;
use app::view::{Situation, referrer_policy};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::{Payment, Product};

use super::Web;
use super::api::{Id, to_the_end};
use super::error::Problem;

/// Sends the browser to the gateway's own page, by an address that is still fresh, or back to ours when there is nothing
/// to pay there.
pub async fn leave(State(web): State<Web>, Id(token): Id, RawQuery(query): RawQuery) -> Response {
    let is_opened = |product| matches!(product, Product::H5 | Product::Wap | Product::Page);
    match open(&web, &token, is_opened).await {
        Ok(Some((address, product))) => {
            // WeChat's page looks for the registered domain, and a redirect may say again what it may see.
            let policy = referrer_policy(product);
            see_other(&address, [(header::REFERRER_POLICY, policy)])
        }
        Ok(None) => back(&token, query.as_deref(), None),
        Err(error) => back(&token, query.as_deref(), Some(error)),
    }
}

/// What the page inside WeChat hands to the app, signed anew: the app looks at its age.
pub async fn invoke(State(web): State<Web>, Id(token): Id) -> Result<Json<Invocation>, Problem> {
    let is_invoked = |product| product == Product::Jsapi;
    let (prepay_id, product) = open(&web, &token, is_invoked)
        .await?
        .ok_or_else(Problem::not_found)?;
    let gateway = product
        .method()
        .channel()
        .and_then(|channel| web.services.gateways.get(channel));
    gateway
        .and_then(|gateway| gateway.invocation(&prepay_id))
        .map(Json)
        .ok_or_else(Problem::not_found)
}

/// The fresh prompt of the payment that the order waits for, when it is one of these products.
async fn open(
    web: &Web,
    token: &str,
    is_wanted: impl Fn(Product) -> bool,
) -> Result<Option<(String, Product)>, ::payments::Error> {
    let checkout = find_checkout(&web.services, token).await?;
    let now = web.services.clock.now();
    let Situation::Waiting { payment, .. } = Situation::of(&checkout, now) else {
        return Ok(None);
    };
    if !is_wanted(payment.product) {
        return Ok(None);
    }
    let payment = renewed(&web.services, payment).await?;
    let prompt = payment.prompt.filter(|_| payment.state.is_open());
    Ok(prompt.map(|prompt| (prompt, payment.product)))
}

async fn renewed(services: &Services, payment: &Payment) -> Result<Payment, ::payments::Error> {
    let (services, id) = (services.clone(), payment.id.clone());
    to_the_end(async move { renew_prompt(&services, &id).await }).await
}

fn back(token: &str, query: Option<&str>, error: Option<::payments::Error>) -> Response {
    let error = error.map(UiError::from);
    if error == Some(UiError::NotFound) {
        return Problem::not_found().into_response();
    }
    let language = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "lang")
        .and_then(|(_, word)| Language::parse(&word));
    let link = CheckoutLink {
        token,
        language: language.map(Language::as_str),
        error,
        ..CheckoutLink::default()
    };
    see_other(&link.path(), [])
}

fn see_other<const N: usize>(address: &str, headers: [(header::HeaderName, &'static str); N]) -> Response {
    let location = [(header::LOCATION, address.to_owned())];
    (StatusCode::SEE_OTHER, headers, location).into_response()
}
