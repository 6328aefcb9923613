//! The way back to the merchant's page. Its result is signed at the click, because a page may stay open for hours.
//!
//! An order of the epay protocol has that protocol's fields, once it is paid.

use ::payments::epay::find_return_address;
use ::payments::find_signed_return;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::api::Id;
use super::error::Problem;
use super::web::Web;

pub async fn show(State(web): State<Web>, Id(token): Id) -> Result<Response, Problem> {
    let own_pages = format!("{}/checkout/", web.site.public_url.as_str());
    let address = match find_return_address(&web.services, &token).await? {
        Some(address) => Some(address),
        None => find_signed_return(&web.services, &token, &own_pages).await?,
    };
    // Checked when it was given, and again here: the operator may have become stricter since.
    let is_allowed = |address: &String| {
        address.starts_with(&own_pages) || web.site.page_settings.return_hosts.allow(address)
    };
    let address = address.filter(is_allowed).ok_or_else(Problem::not_found)?;
    let headers = [
        (header::LOCATION, address),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
