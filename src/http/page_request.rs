//! Facts of a request that pages of `app` need.

use app::context::{Browser, Request as PageRequest};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::envelope::RequestId;
use super::web::Web;
use crate::listen::Peer;

/// Returns what a page knows of the request.
pub fn read_page_request(web: &Web, parts: &Parts) -> PageRequest {
    let said = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let browser = Browser {
        accept_language: said(header::ACCEPT_LANGUAGE).unwrap_or_default(),
        user_agent: said(header::USER_AGENT).unwrap_or_default(),
        cookies: &join_cookies(&parts.headers),
    };
    let request_id = parts
        .extensions
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default();
    let payer_ip = parts.extensions.get::<Peer>().map(|peer| peer.0);
    PageRequest::new(
        web.site.page_settings.clone(),
        parts.uri.query(),
        browser,
        request_id,
        payer_ip,
    )
}

/// Joins the `Cookie` headers of a request: a proxy may hand the cookies of HTTP/2 on in several.
pub fn join_cookies(headers: &HeaderMap) -> String {
    let values = headers.get_all(header::COOKIE).iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join("; ")
}

#[cfg(test)]
mod tests {
    use app::i18n::Language;
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_of_several_headers_are_all_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(join_cookies(&headers), "");
        for cookies in ["a=1; b=2", "payer_language=en"] {
            headers.append(header::COOKIE, HeaderValue::from_static(cookies));
        }
        assert_eq!(join_cookies(&headers), "a=1; b=2; payer_language=en");
        assert_eq!(
            Language::find_kept(&join_cookies(&headers)),
            Some(Language::English)
        );
    }
}
