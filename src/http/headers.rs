//! Security headers.

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

use crate::site::SiteConfig;

/// Policy for everything but pages: load nothing, in no frame.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
    // Not `no-referrer`: WeChat's H5 payment asks where the payer comes from.
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
];

/// Adds the headers that an answer does not have yet; pages bring their own policy with their nonce.
pub fn protect(site: &SiteConfig, headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        set_default(headers, name, value);
    }
    set_default(headers, header::CONTENT_SECURITY_POLICY, NOTHING);
    set_default(headers, header::CACHE_CONTROL, "private, no-store");
    if site.public_url.is_secure() {
        set_default(headers, header::STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// Content security policy of a page of payers; `None`: the settings hold what no header can.
pub fn page_policy(site: &SiteConfig, nonce: &str) -> Option<HeaderValue> {
    let form_targets = &site.page_settings.form_targets;
    HeaderValue::from_str(&policy_text(nonce, site.has_bundle.0, form_targets)).ok()
}

/// Content security policy of a page: its own scripts and styles, and the nonce of Leptos' inline script.
///
/// WebAssembly is allowed only with a bundle: without one nothing is compiled in the browser.
///
/// A form may be redirected to the gateways, and to `form_targets`: browsers apply `form-action` to redirects too.
fn policy_text(nonce: &str, has_bundle: bool, form_targets: &str) -> String {
    let wasm = if has_bundle { " 'wasm-unsafe-eval'" } else { "" };
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'{wasm}; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         form-action 'self' https://openapi.alipay.com https://*.alipay.com https://wx.tenpay.com {form_targets}; \
         frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )
}
