//! Status and headers of the answer to a page or a form.

use http::{HeaderValue, StatusCode, header};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Redirects with 303: the next request is a GET. `leptos_axum::redirect` answers 302, and only for browsers.
pub fn see_other(path: &str) {
    let location = HeaderValue::from_str(path).expect("paths are made of names and encoded values");
    set_status(StatusCode::SEE_OTHER);
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::LOCATION, location);
    }
}

/// Sends the browser to an address that may be another site's.
pub fn leave_for(address: &str) {
    see_other(address);
}

/// Adds a cookie.
pub fn set_cookie(cookie: &str) {
    let cookie = HeaderValue::from_str(cookie).expect("cookies are made of our own words");
    if let Some(response) = use_context::<ResponseOptions>() {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// Sets the status. There is no response while the list of routes is generated.
pub fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}
