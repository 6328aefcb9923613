//! Frame of every page of the simulator: the wallet, the cashiers of both gateways, `/_control`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

use crate::wire::Reply;

const STYLE: &str = include_str!("style.css");

/// Returns whether Chinese comes before English in `Accept-Language`.
pub(crate) fn reads_chinese(accept_language: Option<&str>) -> bool {
    let mut languages = accept_language.unwrap_or_default().split(',').map(str::trim);
    let known = languages.find(|language| language.starts_with("zh") || language.starts_with("en"));
    known.is_some_and(|language| language.starts_with("zh"))
}

/// One page. `body` is finished HTML: whatever came with a request goes through [`escape`] first.
///
/// The style sheet knows `.bar` (the line on top) with a `.tag`; `.desk` (two columns where there is room);
/// `.card`, `.card--good`, `.card--error`; `.amount` with a `.label` inside; `dl`; `.actions` (buttons below
/// each other, `.primary` is the one that is meant); `.button` for links that look like one; `.field` for a
/// label with its input; `.note`, `.standing`; `.doc` for pages of text with `pre`.
///
/// There is no script, and a form may go to our own paths only: lead back to a merchant with a link.
pub(crate) struct Document<'a> {
    pub(crate) language: &'a str,
    pub(crate) title: &'a str,
    pub(crate) body: String,
    pub(crate) status: u16,
}

impl Document<'_> {
    /// No script runs here, and the one style element is named by its hash.
    pub(crate) fn reply(self) -> Reply {
        let Document {
            language,
            title,
            body,
            status,
        } = self;
        let page = format!(
            "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
             <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>",
            title = escape(title),
        );
        let hash = STANDARD.encode(sha2::Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        Reply::new(status, "text/html; charset=utf-8", page)
            .with_header("content-security-policy", policy)
            .with_header("x-content-type-options", "nosniff")
            .with_header("referrer-policy", "no-referrer")
            .with_header("cache-control", "no-store")
            .with_header("vary", "accept, accept-language")
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
