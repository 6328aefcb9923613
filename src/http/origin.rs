//! CSRF protection: forms come from our own pages or from a client that is no browser.
//!
//! Leptos server functions check neither `Origin` nor `Content-Type`, and redirect to the `Referer`; so both headers are
//! checked, and `Referer` rewritten, before they run.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use url::Url;

use super::envelope::method_not_allowed;
use super::error::{ErrorCode, Problem};
use super::web::Web;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Guards all pages: every request but GET and HEAD must come from one of them.
pub async fn guard(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_look && request.uri().path().starts_with("/ui/") {
        // A link must never trigger a form's action, whatever kind of server function is behind it.
        return method_not_allowed().await.into_response();
    }
    if !is_look {
        let ours = web.site.public_url.as_str();
        if !is_from_our_pages(request.headers(), ours) {
            tracing::warn!("a form came from another site");
            let message = format!("this form is not from our pages; open them at {ours}");
            return Problem::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message).into_response();
        }
        let referer = path_of_referer(request.headers(), ours);
        request.headers_mut().insert(header::REFERER, referer);
    }
    next.run(request).await
}

/// Programs send neither header and have no payer's cookies to steal; browsers send at least one.
fn is_from_our_pages(headers: &HeaderMap, ours: &str) -> bool {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let is_our_origin = origin.is_none_or(|origin| origin == ours.as_bytes());
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(b"same-origin") => true,
        Some(b"none") | None => is_our_origin,
        Some(_) => false,
    }
}

/// Returns the referrer as a path of this site, never an address elsewhere.
fn path_of_referer(headers: &HeaderMap, ours: &str) -> HeaderValue {
    let home = HeaderValue::from_static("/");
    let Some(Ok(referer)) = headers.get(header::REFERER).map(HeaderValue::to_str) else {
        return home;
    };
    let Ok(url) = Url::parse(referer) else { return home };
    // A path that begins with `//host` would be another site.
    if url.origin().ascii_serialization() != ours || url.path().starts_with("//") {
        return home;
    }
    HeaderValue::from_str(url.path()).unwrap_or(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://pay.example.com";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_our_own_pages_and_programs_may_post() {
        for pairs in [
            &[][..],
            &[("origin", OURS)],
            &[("sec-fetch-site", "same-origin")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "http://localhost:3000"),
            ],
            &[("sec-fetch-site", "none"), ("origin", OURS)],
        ] {
            assert!(is_from_our_pages(&headers(pairs), OURS), "{pairs:?}");
        }
        for pairs in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "https://pay.example.com.evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", OURS)],
            &[("sec-fetch-site", "none"), ("origin", "https://evil.example")],
        ] {
            assert!(!is_from_our_pages(&headers(pairs), OURS), "{pairs:?}");
        }
    }

    #[test]
    fn referer_is_reduced_to_a_local_path() {
        for (referer, path) in [
            ("https://pay.example.com/checkout/abc?error=1", "/checkout/abc"),
            ("https://evil.example/checkout/abc", "/"),
            ("https://pay.example.com@evil.example/", "/"),
            ("https://pay.example.com//evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/checkout/abc", "/"),
        ] {
            assert_eq!(
                path_of_referer(&headers(&[("referer", referer)]), OURS),
                path,
                "{referer}"
            );
        }
        assert_eq!(path_of_referer(&HeaderMap::new(), OURS), "/");
    }
}
