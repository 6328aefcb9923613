//! WeChat refusals: answers other than a success, and their meaning (docs/gateway-facts.md 1.5).
//!
//! An unsigned refusal is a hint: it may lead to a retry or to an operator's screen, never to the end of a payment or a
//! refund.

use domain::RefundReport;
use http::StatusCode;
use serde::Deserialize;

use super::super::scalar::Scalar;
use super::super::text::cut;
use super::super::{GatewayError, is_plain};

/// Maximum length of `message` (docs/gateway-facts.md 1.5).
const MOST_MESSAGE: usize = 256;

#[derive(Debug)]
pub(in super::super) struct Refusal {
    pub(super) status: StatusCode,
    /// Error code as received; empty when the answer was not WeChat's, an edge server's HTML for instance.
    pub(in super::super) code: String,
    pub(in super::super) message: String,
    is_authentic: bool,
    /// The answer came from the backup host, and the first host may have processed the same call.
    pub(super) is_repeated: bool,
}

#[derive(Deserialize)]
struct Body {
    code: String,
    /// Any JSON value: an unreadable message must not hide the code.
    #[serde(default)]
    message: Scalar,
}

impl Refusal {
    pub(in super::super) fn read(status: StatusCode, body: &[u8], is_authentic: bool) -> Refusal {
        let readable = serde_json::from_str::<Body>(&String::from_utf8_lossy(body))
            .ok()
            .filter(|body| is_plain(&body.code) && !status.is_redirection());
        let (code, message) = readable.map_or_else(Default::default, |body| {
            (body.code, body.message.0.unwrap_or_default())
        });
        Refusal {
            status,
            message: cut(&message, MOST_MESSAGE).to_owned(),
            is_authentic: is_authentic && !code.is_empty(),
            is_repeated: false,
            code,
        }
    }

    /// Translates a refusal of anything but a refund call.
    pub(super) fn meaning(self) -> GatewayError {
        match normalize_code(&self.code).as_str() {
            "" => self.unknown(),
            "ORDERPAID" => GatewayError::AlreadyPaid,
            "ORDERCLOSED" => GatewayError::AlreadyClosed,
            // Our number is taken, and only by ourselves: query it.
            "OUTTRADENOUSED" => self.unknown(),
            "SYSTEMERROR"
            | "BANKERROR"
            | "USERPAYING"
            | "FREQUENCYLIMITED"
            | "FREQUENCYLIMITEXCEED"
            | "RATELIMITED"
            | "RATELIMITEXCEEDED" => self.retry(),
            _ if self.status == StatusCode::TOO_MANY_REQUESTS => self.retry(),
            _ if !self.status.is_client_error() => self.unknown(),
            // The refusal is for the second of two calls, and says nothing about the first (T-56).
            _ if self.is_repeated => self.retry(),
            // Our own clock or keys are wrong; that says nothing about the payment.
            "SIGNERROR" => self.declined(false),
            _ => self.declined(true),
        }
    }

    /// Translates the refusal of a refund call. Money may be moving unless the refusal is clear and authentic: a 429 or a
    /// 5xx says nothing about what was accepted (T-33).
    pub(super) fn meaning_for_refund(self) -> Result<RefundReport, GatewayError> {
        if !self.status.is_client_error() || self.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(self.unknown());
        }
        match normalize_code(&self.code).as_str() {
            // The trade exists but is not yet visible to this part of WeChat (T-34).
            "RESOURCENOTEXISTS" | "ORDERNOTEXIST" => Err(self.retry()),
            "SYSTEMERROR"
            | "BANKERROR"
            | "BIZERRNEEDRETRY"
            | "FREQUENCYLIMITED"
            | "FREQUENCYLIMITEXCEED"
            | "RATELIMITED"
            | "RATELIMITEXCEEDED"
            | "" => Err(self.unknown()),
            // The merchant's balance, permissions or account: once a person has fixed it, the same number succeeds.
            "NOTENOUGH" | "NOAUTH" | "MCHNOTEXISTS" if self.is_authentic => {
                Ok(RefundReport::Stuck(self.words()))
            }
            "SIGNERROR" => Err(self.declined(false)),
            _ => Err(self.declined(true)),
        }
    }

    /// Whether WeChat signed that no such trade or refund exists; an edge server's answer does not count.
    pub(super) fn is_not_exist(&self) -> bool {
        self.is_authentic
            && self.status == StatusCode::NOT_FOUND
            && (self.is("ORDERNOTEXIST") || self.is("RESOURCENOTEXISTS"))
    }

    /// Whether WeChat signed it.
    pub(super) fn is_authentic(&self) -> bool {
        self.is_authentic
    }

    /// Compares `code` in upper case and without underscores.
    pub(super) fn is(&self, code: &str) -> bool {
        normalize_code(&self.code) == code
    }

    fn words(&self) -> String {
        format!("{}: {}", self.code, self.message)
    }

    fn retry(self) -> GatewayError {
        GatewayError::RetrySame { reason: self.code }
    }

    fn unknown(self) -> GatewayError {
        if self.code.is_empty() {
            GatewayError::unknown(format!("status {}", self.status.as_u16()))
        } else {
            GatewayError::unknown(self.code)
        }
    }

    fn declined(self, may_be_authentic: bool) -> GatewayError {
        GatewayError::Declined {
            code: self.code,
            message: self.message,
            is_authentic: may_be_authentic && self.is_authentic,
        }
    }
}

/// Whether a code says that the merchant may not use a product.
pub(in super::super) fn is_not_permitted(code: &str) -> bool {
    normalize_code(code) == "NOAUTH"
}

/// Whether a code says that the payer is entering the password (docs/gateway-facts.md 1.5).
pub(in super::super) fn is_payer_paying(code: &str) -> bool {
    normalize_code(code) == "USERPAYING"
}

/// `ORDERNOTEXIST` and `ORDER_NOT_EXIST` are one code: the spelling changed over the years (T-48).
fn normalize_code(code: &str) -> String {
    code.chars()
        .filter(|letter| *letter != '_')
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str, is_authentic: bool) -> Refusal {
        Refusal::read(
            StatusCode::from_u16(status).unwrap(),
            body.as_bytes(),
            is_authentic,
        )
    }

    fn coded(status: u16, code: &str, is_authentic: bool) -> Refusal {
        refused(
            status,
            &format!(r#"{{"code":"{code}","message":"m"}}"#),
            is_authentic,
        )
    }

    #[test]
    fn only_a_signed_refusal_is_authentic() {
        for is_signed in [true, false] {
            let error = coded(403, "RULE_LIMIT", is_signed).meaning();
            assert!(
                matches!(&error, GatewayError::Declined { is_authentic, .. } if *is_authentic == is_signed),
                "{error:?}"
            );
        }
        assert!(matches!(
            coded(401, "SIGN_ERROR", true).meaning(),
            GatewayError::Declined {
                is_authentic: false,
                ..
            }
        ));
    }

    #[test]
    fn t_56_a_refusal_by_the_second_host_decides_nothing_about_the_first() {
        let refusal = Refusal {
            is_repeated: true,
            ..coded(400, "PARAM_ERROR", true)
        };
        let error = refusal.meaning();
        assert!(matches!(error, GatewayError::RetrySame { .. }), "{error:?}");
    }

    #[test]
    fn an_answer_without_an_outcome_is_unknown() {
        for (status, body) in [
            (502, "<html>"),
            (500, ""),
            (503, r#"{"code":"SERVICE_UNAVAILABLE"}"#),
            (400, r#"{"code":"PARAM_ERR"#),
            (302, r#"{"code":"PARAM_ERROR"}"#),
            (403, r#"{"code":"OUT_TRADE_NO_USED"}"#),
        ] {
            let error = refused(status, body, true).meaning();
            assert!(
                matches!(error, GatewayError::Unknown { .. }),
                "{status} {error:?}"
            );
        }
        for (status, code) in [(500, "SYSTEMERROR"), (429, "X"), (202, "USER_PAYING")] {
            let error = coded(status, code, false).meaning();
            assert!(
                matches!(error, GatewayError::RetrySame { .. }),
                "{status} {error:?}"
            );
        }
    }

    #[test]
    fn t_57_the_words_of_a_refusal_do_not_hide_its_code() {
        for message in [&b"null"[..], b"7", b"\"\\ud800\"", b"\"\xE8\xAF\"", b"[]"] {
            let body = [b"{\"code\":\"ORDERPAID\",\"message\":", message, b"}"].concat();
            let error = Refusal::read(StatusCode::BAD_REQUEST, &body, true).meaning();
            assert!(matches!(error, GatewayError::AlreadyPaid), "{error:?}");
        }
    }

    #[test]
    fn t_48_every_spelling_of_a_code_is_one() {
        for code in ["ORDERPAID", "ORDER_PAID", "order_paid"] {
            let error = coded(400, code, false).meaning();
            assert!(matches!(error, GatewayError::AlreadyPaid), "{code}");
        }
        for code in ["NOTENOUGH", "NOT_ENOUGH"] {
            let report = coded(403, code, true).meaning_for_refund();
            assert!(matches!(report, Ok(RefundReport::Stuck(_))), "{code}");
        }
        for code in ["ORDERNOTEXIST", "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"] {
            assert!(coded(404, code, true).is_not_exist(), "{code}");
            assert!(!coded(404, code, false).is_not_exist(), "{code} unsigned");
            assert!(
                !coded(400, code, true).is_not_exist(),
                "{code} with another status"
            );
        }
    }

    #[test]
    fn t_33_a_busy_gateway_has_not_refused_a_refund() {
        for (status, code) in [
            (429, "FREQUENCY_LIMITED"),
            (429, "PARAM_ERROR"),
            (500, "SYSTEM_ERROR"),
            (500, "BIZ_ERR_NEED_RETRY"),
            (403, "BIZ_ERR_NEED_RETRY"),
            (502, ""),
            (503, "SERVICE_UNAVAILABLE"),
            (202, "X"),
        ] {
            let answer = coded(status, code, true).meaning_for_refund();
            assert!(
                matches!(answer, Err(GatewayError::Unknown { .. })),
                "{status} {code} {answer:?}"
            );
        }
    }

    #[test]
    fn t_34_a_trade_that_is_not_seen_yet_is_asked_for_again() {
        for is_signed in [true, false] {
            let answer = coded(404, "RESOURCE_NOT_EXISTS", is_signed).meaning_for_refund();
            assert!(
                matches!(answer, Err(GatewayError::RetrySame { .. })),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn a_refund_is_refused_only_by_wechats_own_signature() {
        for (status, code) in [
            (403, "NOT_ENOUGH"),
            (403, "USER_ACCOUNT_ABNORMAL"),
            (400, "INVALID_REQUEST"),
            (401, "SIGN_ERROR"),
        ] {
            let answer = coded(status, code, false).meaning_for_refund();
            assert!(
                matches!(
                    answer,
                    Err(GatewayError::Declined {
                        is_authentic: false,
                        ..
                    })
                ),
                "{code} {answer:?}"
            );
        }
        let answer = coded(403, "USER_ACCOUNT_ABNORMAL", true).meaning_for_refund();
        assert!(matches!(
            answer,
            Err(GatewayError::Declined {
                is_authentic: true,
                ..
            })
        ));
    }
}
