//! Cookie of a payer whose openid a page has asked WeChat for: random, and hidden from scripts.

use crate::cookies::find_cookie;

/// Digits of a visitor's token.
const TOKEN_LENGTH: usize = 32;
const THIRTY_DAYS_IN_SECONDS: u32 = 30 * 24 * 3600;

/// Over TLS the prefix makes browsers refuse a cookie set by another host or over plain HTTP.
fn cookie_name(public_url: &str) -> &'static str {
    if public_url.starts_with("https:") {
        "__Host-payer"
    } else {
        "payer"
    }
}

/// Finds the visitor's token in a `Cookie` header.
pub fn find(cookies: &str, public_url: &str) -> Option<String> {
    let token = find_cookie(cookies, cookie_name(public_url))?;
    let is_token = token.len() == TOKEN_LENGTH && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_token.then(|| token.to_owned())
}

/// Value of `Set-Cookie`. `Lax`: the browser must bring it when WeChat sends it back.
pub fn cookie(token: &str, public_url: &str) -> String {
    let secure = if public_url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    format!(
        "{}={token}; Path=/; Max-Age={THIRTY_DAYS_IN_SECONDS}; HttpOnly; SameSite=Lax{secure}",
        cookie_name(public_url)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_token_is_found() {
        let token = "0123456789abcdef0123456789abcdef";
        let (http, https) = ("http://127.0.0.1:3000", "https://pay.example.com");
        assert_eq!(find(&format!("a=b; payer={token}"), http).as_deref(), Some(token));
        assert_eq!(find(&format!("payer={token}"), https), None);
        assert_eq!(
            find(&format!("__Host-payer={token}"), https).as_deref(),
            Some(token)
        );
        for other in [
            "",
            "payer=",
            "payer=xyz",
            "payers=0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(find(other, http), None, "{other}");
        }
        assert!(cookie(token, https).ends_with("; HttpOnly; SameSite=Lax; Secure"));
    }
}
