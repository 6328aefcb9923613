//! What a page or a form says with its status line.

use http::{HeaderValue, StatusCode, header};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// 303: whatever was asked, the next request is a GET. `leptos_axum::redirect` says 302, and that only to browsers.
pub fn see_other(path: &str) {
    let location = HeaderValue::from_str(path).expect("paths are made of names and encoded values");
    set_status(StatusCode::SEE_OTHER);
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::LOCATION, location);
    }
}

/// Without a response there is nobody to tell: the list of routes is made that way.
pub fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}
