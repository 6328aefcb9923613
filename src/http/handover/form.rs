//! The page that posts to Alipay what is too long for an address: by script, or by a button without one.

use app::context::Request;
use axum::http::header::{self, HeaderName};
use axum::response::{IntoResponse as _, Response};
use payments::gateway::alipay::form::PayForm;

/// `label` is the text of the button; `nonce` is valid for this answer only.
pub fn page(form: &PayForm, visit: &Request, label: &str, stylesheet: &str, nonce: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'nonce-{nonce}'; form-action {}; frame-ancestors 'none'; \
         base-uri 'none'",
        form.action.origin().ascii_serialization()
    );
    let html = format!(
        "<!DOCTYPE html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{label}</title>\
         <link rel=\"stylesheet\" href=\"{stylesheet}\"></head><body><main class=\"page\">\
         <form id=\"pay\" method=\"post\" action=\"{action}\" accept-charset=\"utf-8\">\
         <input type=\"hidden\" name=\"{name}\" value=\"{value}\">\
         <button class=\"button button--primary\" type=\"submit\">{label}</button></form></main>\
         <script nonce=\"{nonce}\">document.getElementById(\"pay\").submit()</script></body></html>",
        language = visit.language.as_str(),
        label = escape_html(label),
        action = escape_html(form.action.as_str()),
        name = PayForm::FIELD,
        value = escape_html(&form.biz_content),
    );
    let headers: [(HeaderName, String); 3] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (headers, html).into_response()
}

/// Escapes text for an attribute in double quotes. `&` comes first, or `&quot;` in a subject would arrive as a quote and
/// break the signature.
fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_unescapes_unchanged() {
        assert_eq!(
            escape_html("{\"subject\":\"<b>&quot;1&2</b>\"}"),
            "{&quot;subject&quot;:&quot;&lt;b&gt;&amp;quot;1&amp;2&lt;/b&gt;&quot;}"
        );
    }
}
