//! Requests and answers as values, so that the gateways are functions and need no socket.

use std::net::IpAddr;

use axum::http::request::Parts;
use bytes::Bytes;

use crate::faults::Host;
use crate::keys::{Keys, Signer, WechatKey};
use crate::time::http_date;

/// A request, byte for byte where it matters to a signature.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Address that was called.
    pub(crate) host: Host,
    /// Address of the caller.
    pub(crate) peer: IpAddr,
    pub(crate) method: String,
    /// Path and query exactly as on the request line.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn new(host: Host, peer: IpAddr, parts: &Parts, body: Bytes) -> Request {
        let headers = parts.headers.iter();
        Request {
            host,
            peer,
            method: parts.method.to_string(),
            target: parts
                .uri
                .path_and_query()
                .map_or("/".to_owned(), ToString::to_string),
            headers: headers
                .map(|(name, value)| {
                    (
                        name.as_str().to_owned(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect(),
            body,
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name)?;
        Some(found.1.trim()).filter(|value| !value.is_empty())
    }

    /// The media type of `Content-Type`, without its parameters, in lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(
            value
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase(),
        )
    }
}

/// Ending of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    Truncated,
    Never,
    /// The connection breaks before a byte of the answer.
    Reset,
}

/// An answer that is still to be signed: signing is slow and needs no state.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) seal: Seal,
    pub(crate) forgery: Forgery,
    pub(crate) ending: Ending,
    /// Due notifications are sent before the answer.
    pub(crate) after_notifications: bool,
}

#[derive(Debug)]
pub(crate) enum Seal {
    None,
    Wechat {
        now_ms: i64,
        nonce: String,
        /// The key that `Wechatpay-Serial` of the request names.
        key: Option<WechatKey>,
    },
    /// The body becomes `{"<node>":<body>,"sign":"…"}`; with a certificate's serial number in between
    /// in certificate mode, or with the signature first.
    Alipay {
        node: String,
        cert_sn: Option<String>,
        sign_first: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forgery {
    By(Signer),
    /// This text in place of a signature.
    Probe(String),
    Missing,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
            seal: Seal::None,
            forgery: Forgery::By(Signer::Gateway),
            ending: Ending::Whole,
            after_notifications: false,
        }
    }

    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Reply {
        Reply::new(status, "application/json; charset=utf-8", value.to_string())
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    /// The gateways date their answers by their own clocks.
    pub(crate) fn dated(self, now_ms: i64) -> Reply {
        self.with_header("date", http_date(now_ms))
    }

    pub(crate) fn seal(mut self, keys: &Keys) -> Reply {
        match std::mem::replace(&mut self.seal, Seal::None) {
            Seal::None => {}
            Seal::Wechat { now_ms, nonce, key } => {
                let headers = wechat_headers(keys, &self.forgery, key, now_ms, nonce, &self.body);
                self.headers.extend(headers);
            }
            Seal::Alipay {
                node,
                cert_sn,
                sign_first,
            } => {
                let sign = match &self.forgery {
                    Forgery::By(signer) => Some(keys.sign_as_alipay(*signer, cert_sn.as_deref(), &self.body)),
                    Forgery::Probe(text) => Some(text.clone()),
                    Forgery::Missing => None,
                };
                let member = |name: &str, value: String| format!("\"{name}\":\"{value}\"").into_bytes();
                // Bytes, because the content may be GBK.
                let content = [format!("\"{node}\":").as_bytes(), &self.body].concat();
                let cert_sn = cert_sn.map(|sn| member("alipay_cert_sn", sn));
                let sign = sign.map(|sign| member("sign", sign));
                let members: Vec<Vec<u8>> = if sign_first {
                    sign.into_iter().chain(cert_sn).chain([content]).collect()
                } else {
                    std::iter::once(content).chain(cert_sn).chain(sign).collect()
                };
                self.body = [b"{".as_slice(), &members.join(&b','), b"}"].concat();
            }
        }
        self
    }
}

/// The five headers of docs/gateway-facts.md 1.3 over these exact bytes.
pub(crate) fn wechat_headers(
    keys: &Keys,
    forgery: &Forgery,
    key: Option<WechatKey>,
    now_ms: i64,
    nonce: String,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let timestamp = now_ms.div_euclid(1_000).to_string();
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    let (serial, signature) = match forgery {
        Forgery::Missing => return Vec::new(),
        Forgery::By(signer) => keys.sign_as_wechat(*signer, key, &message),
        Forgery::Probe(text) => (
            keys.sign_as_wechat(Signer::Gateway, key, &message).0,
            text.clone(),
        ),
    };
    vec![
        ("wechatpay-timestamp", timestamp),
        ("wechatpay-nonce", nonce),
        ("wechatpay-serial", serial),
        ("wechatpay-signature", signature),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
    ]
}

/// `application/x-www-form-urlencoded`, decoded once, in order; none when it is not UTF-8.
pub(crate) fn parse_form(text: &str) -> Option<Vec<(String, String)>> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .ok()
            .map(|text| text.into_owned())
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

/// As a form writes it: everything but letters, digits and `*-._` is escaped, a space is `+`.
pub(crate) fn form_escape(bytes: &[u8], space: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                text.push(char::from(byte));
            }
            b' ' => text.push_str(space),
            _ => write!(text, "%{byte:02X}").expect("a String takes any text"),
        }
    }
    text
}

/// Absolute, http or https, with a path and without a query: what both gateways ask of a notify_url.
pub(crate) fn is_notify_url(url: &str) -> bool {
    let Some(rest) = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))
    else {
        return false;
    };
    let Some((host, path)) = rest.split_once('/') else {
        return false;
    };
    let clean = !url.contains(['?', '#', '@', '\\']) && url.bytes().all(|byte| byte.is_ascii_graphic());
    clean && !host.is_empty() && !host.starts_with(':') && !path.is_empty()
}

/// `4990` is `49.90`.
pub(crate) fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// As [`yuan`], with a sign before a negative amount.
pub(crate) fn signed_yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}", yuan(fen.abs()))
}

/// Up to two decimals, nothing but digits and one point.
pub(crate) fn parse_yuan(text: &str) -> Option<i64> {
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text, "0"), |(whole, fraction)| (whole, fraction));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 2 || whole.len() > 12 {
        return None;
    }
    let tens = if fraction.len() == 1 { 10 } else { 1 };
    Some(whole.parse::<i64>().ok()? * 100 + fraction.parse::<i64>().ok()? * tens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_is_exact() {
        for (text, fen) in [
            ("49.9", 4990),
            ("49.90", 4990),
            ("49", 4900),
            ("0.01", 1),
            ("19.90", 1990),
        ] {
            assert_eq!(parse_yuan(text), Some(fen), "{text}");
        }
        for bad in ["", ".", "1.", ".5", "1.234", "-1", "+1", "1e3", "1,0", " 1"] {
            assert_eq!(parse_yuan(bad), None, "{bad}");
        }
        assert_eq!(yuan(5), "0.05");
    }

    #[test]
    fn a_notify_url_is_absolute_and_has_no_query() {
        assert!(is_notify_url("http://127.0.0.1:3000/api/notify/wechat"));
        for bad in [
            "/notify",
            "ftp://a/b",
            "https://a",
            "https://a/",
            "https://a/b?x=1",
            "https:///b",
            "https://a/ b",
        ] {
            assert!(!is_notify_url(bad), "{bad}");
        }
    }
}
