//! Signed texts, and the four headers of a WeChat signature (docs/gateway-facts.md 1.2, 1.3).

use domain::Timestamp;
use http::HeaderMap;

const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
/// WeChat sends a wrong signature now and then, to test whether we verify (1.3, step 4).
const PROBE: &str = "WECHATPAY/SIGNTEST/";
const MAX_SKEW_SECONDS: u64 = 300;
/// Limits header length: official nonces have 32 characters.
const MAX_HEADER_LENGTH: usize = 1024;

/// Reason why a signature is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("a signature probe")]
    Probe,
    /// Signed with a key that we do not know (yet).
    #[error("unknown key serial")]
    UnknownSerial,
    #[error("{0}")]
    Because(&'static str),
}

/// Signature headers, as named fields, because they are easily swapped (T-06).
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub signature: &'a str,
    pub serial: &'a str,
}

/// Text to sign of a request: five lines, each with its line end. `target` is path and query as on the request line.
///
/// Line ends need no escaping: only the body can contain one, and it is last. The same holds for [`Seal::message`], whose
/// first two lines come from headers.
pub fn request_message(method: &str, target: &str, timestamp: i64, nonce: &str, body: &str) -> String {
    format!("{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n")
}

/// Text to sign for the app: four lines, each with its line end. Pages and mini programs write `prepay_id=…` into the last
/// one, apps the bare id. No part can contain a line end: the id is visible ASCII or it is not stored.
pub fn invocation_message(app_id: &str, timestamp: &str, nonce: &str, prepay: &str) -> String {
    format!("{app_id}\n{timestamp}\n{nonce}\n{prepay}\n")
}

pub fn authorization(mch_id: &str, serial_no: &str, timestamp: i64, nonce: &str, signature: &str) -> String {
    format!(
        "{SCHEME} mchid=\"{mch_id}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",\
         serial_no=\"{serial_no}\",signature=\"{signature}\""
    )
}

impl<'a> Seal<'a> {
    /// Parses the headers with the checks that need no key, in the order of docs/gateway-facts.md 1.3: presence, kind,
    /// time, probe.
    pub fn read(headers: &'a HeaderMap, now: Timestamp) -> Result<Seal<'a>, SignatureError> {
        let seal = Seal {
            timestamp: single_header(headers, "Wechatpay-Timestamp")
                .ok_or(SignatureError::Because("no single timestamp header"))?,
            nonce: single_header(headers, "Wechatpay-Nonce")
                .ok_or(SignatureError::Because("no single nonce header"))?,
            signature: single_header(headers, "Wechatpay-Signature")
                .ok_or(SignatureError::Because("no single signature header"))?,
            serial: single_header(headers, "Wechatpay-Serial")
                .ok_or(SignatureError::Because("no single serial header"))?,
        };
        let kind = "Wechatpay-Signature-Type";
        if headers.contains_key(kind) && single_header(headers, kind) != Some(SCHEME) {
            return Err(SignatureError::Because("another kind of signature"));
        }
        let is_decimal = seal.timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let signed_at: i64 = match seal.timestamp.parse() {
            Ok(seconds) if is_decimal => seconds,
            _ => {
                return Err(SignatureError::Because(
                    "the timestamp is not a number of seconds",
                ));
            }
        };
        // Prevents replay of a captured message; WeChat stamps each of its own resends afresh (T-04).
        if now.seconds().abs_diff(signed_at) >= MAX_SKEW_SECONDS {
            return Err(SignatureError::Because("the timestamp is too far from our clock"));
        }
        if seal.signature.starts_with(PROBE) {
            return Err(SignatureError::Probe);
        }
        Ok(seal)
    }

    /// Text to verify: three lines, each with its line end; the body as received, empty for a 204.
    pub fn message(&self, body: &[u8]) -> Vec<u8> {
        let Seal { timestamp, nonce, .. } = self;
        let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        message
    }
}

/// Returns a header that must occur exactly once: of two, one could be verified and the other used.
fn single_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    let is_only = values.next().is_none() && (1..=MAX_HEADER_LENGTH).contains(&value.len());
    is_only.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("wechatpay-timestamp", "1700000000"),
            ("wechatpay-nonce", "n"),
            ("wechatpay-signature", "s"),
            ("wechatpay-serial", "k"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn every_header_must_be_there_exactly_once() {
        assert!(Seal::read(&headers(), NOW).is_ok());
        for name in ["timestamp", "nonce", "signature", "serial"].map(|name| format!("wechatpay-{name}")) {
            let mut missing = headers();
            missing.remove(name.as_str());
            assert!(Seal::read(&missing, NOW).is_err(), "{name} missing");
            let mut twice = headers();
            let name: http::HeaderName = name.parse().unwrap();
            twice.append(&name, twice[&name].clone());
            assert!(Seal::read(&twice, NOW).is_err(), "{name} twice");
            let mut empty = headers();
            empty.insert(&name, " ".parse().unwrap());
            assert!(Seal::read(&empty, NOW).is_err(), "{name} empty");
        }
    }

    #[test]
    fn five_minutes_is_too_far_both_ways() {
        for (millis, is_fresh) in [
            (299_000, true),
            (300_000, false),
            (-299_000, true),
            (-300_000, false),
        ] {
            let now = Timestamp::from_millis(NOW.millis() + millis);
            assert_eq!(Seal::read(&headers(), now).is_ok(), is_fresh, "{millis}");
        }
        for text in ["+1700000000", "1700000000.0", "0x6553f100", "170000000O"] {
            let mut headers = headers();
            headers.insert("wechatpay-timestamp", text.parse().unwrap());
            assert!(Seal::read(&headers, NOW).is_err(), "{text}");
        }
    }
}
