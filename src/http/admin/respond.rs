//! Answers that all console pages share: frame, redirects, flash messages, language.

use app::console::{ConsoleContext, Flash};
use app::i18n::Language;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use leptos::prelude::AnyView;
use payments::console::Actor;

/// Content security policy: no script may run.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// `Referrer-Policy`: addresses of the console contain order numbers, which other sites must not see.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// Answers with a page in its frame.
pub fn page(context: &ConsoleContext, title: &str, content: AnyView) -> Response {
    page_with(StatusCode::OK, context, title, content)
}

pub fn page_with(status: StatusCode, context: &ConsoleContext, title: &str, content: AnyView) -> Response {
    let html = app::console::render(context, title, content);
    let headers = [
        (header::CONTENT_TYPE, HTML),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, SAME_ORIGIN),
    ];
    (status, headers, html).into_response()
}

/// Redirects after a form with a GET, so that reloading repeats nothing.
pub fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/admin"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Redirects after a form, with a flash message.
pub fn done(path: &str, flash: Flash) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    see_other(&format!("{path}{mark}said={}", flash.as_str()))
}

/// Returns the path that a login leads to: only one of the console, else its overview.
pub fn next_path(next: &str) -> &str {
    let is_ours = next.starts_with("/admin")
        && !next.contains("//")
        && next.len() <= 1024
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours { next } else { "/admin" }
}

/// Returns the actor that the audit log names.
pub fn actor(context: &ConsoleContext) -> Actor {
    Actor {
        email: context
            .operator
            .as_ref()
            .map_or_else(String::new, |operator| operator.email.clone()),
        ip: context.ip,
        request_id: context.request_id.clone(),
    }
}

/// Chooses the language: from the address, the cookie, or the browser's preference.
pub fn language(chosen: Option<Language>, kept: Option<&str>, accepted: &str) -> Language {
    chosen
        .or_else(|| kept.and_then(Language::parse_tag))
        .unwrap_or_else(|| Language::negotiate(accepted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_path_stays_in_the_console() {
        assert_eq!(
            next_path("/admin/orders?q=1&from=2026-01-01"),
            "/admin/orders?q=1&from=2026-01-01"
        );
        for next in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/admin",
            "/admin//evil",
            "/admin\\x",
            "/admin\r\nx",
        ] {
            assert_eq!(next_path(next), "/admin", "{next:?}");
        }
    }
}
