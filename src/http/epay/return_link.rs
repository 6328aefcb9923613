//! The way back from the page of a paid order. It is signed at the click, because a page may stay open for hours; an order
//! that is not paid leads to the bare address.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use payments::epay::find_return_address;

use super::submit::allows_return;
use crate::http::api::Id;
use crate::http::error::Problem;
use crate::http::web::Web;

pub async fn show(State(web): State<Web>, Id(token): Id) -> Result<Response, Problem> {
    let address = find_return_address(&web.services, &token).await?;
    // Checked when it was given, and again here: the operator may have become stricter since.
    let address = address
        .filter(|address| allows_return(&web, address))
        .ok_or_else(Problem::not_found)?;
    let headers = [
        (header::LOCATION, address),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
