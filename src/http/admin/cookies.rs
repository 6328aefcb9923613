//! Cookies of the console: session, language, and known device.

use app::cookies::find_cookie;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::web::Web;

const LANGUAGE: &str = "admin_language";

/// Name of the session cookie. Over TLS its prefix makes browsers refuse one set by another host or over plain HTTP.
pub fn session_name(web: &Web) -> &'static str {
    if web.site.public_url.is_secure() {
        "__Host-admin"
    } else {
        "admin"
    }
}

/// Session cookie, hidden from scripts, other sites and plain HTTP.
pub fn session(web: &Web, token: &str) -> HeaderValue {
    let (name, secure) = (session_name(web), secure_attribute(web));
    header_value(&format!(
        "{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"
    ))
}

pub fn no_session(web: &Web) -> HeaderValue {
    let (name, secure) = (session_name(web), secure_attribute(web));
    header_value(&format!(
        "{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{secure}"
    ))
}

/// Device cookie: marks a browser that has logged in before, for a year.
pub fn device(web: &Web, token: &str) -> HeaderValue {
    let (name, secure) = (device_name(web), secure_attribute(web));
    header_value(&format!(
        "{name}={token}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict{secure}"
    ))
}

pub fn find_device<'a>(web: &Web, headers: &'a HeaderMap) -> Option<&'a str> {
    find(headers, device_name(web))
}

fn device_name(web: &Web) -> &'static str {
    if web.site.public_url.is_secure() {
        "__Host-admin-device"
    } else {
        "admin_device"
    }
}

pub fn language(web: &Web, word: &str) -> HeaderValue {
    let secure = secure_attribute(web);
    header_value(&format!(
        "{LANGUAGE}={word}; Path=/admin; Max-Age=31536000; HttpOnly; SameSite=Strict{secure}"
    ))
}

pub fn find_session<'a>(web: &Web, headers: &'a HeaderMap) -> Option<&'a str> {
    find(headers, session_name(web)).filter(|token| token.len() == 64)
}

pub fn find_language(headers: &HeaderMap) -> Option<&str> {
    find(headers, LANGUAGE)
}

fn secure_attribute(web: &Web) -> &'static str {
    if web.site.public_url.is_secure() {
        "; Secure"
    } else {
        ""
    }
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| find_cookie(value, name))
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("cookies are made of our own words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("xadmin=1; admin=2;admin_language=en"),
        );
        assert_eq!(find(&headers, "admin"), Some("2"));
        assert_eq!(find(&headers, LANGUAGE), Some("en"));
        assert_eq!(find(&headers, "language"), None);
    }
}
