//! WeChat's words: what we send, what it answers, and what that means.

use domain::{Money, Receipt, Report, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::calendar::parse_rfc3339;

use super::super::{GatewayError, is_plain};

/// Members that are absent stay absent: WeChat refuses nulls and anything it does not know (T-44).
#[derive(Debug, Serialize)]
pub(super) struct NewTrade<'a> {
    pub(super) appid: &'a str,
    pub(super) mchid: &'a str,
    pub(super) description: &'a str,
    pub(super) out_trade_no: &'a str,
    pub(super) time_expire: String,
    pub(super) notify_url: &'a str,
    pub(super) amount: NewAmount,
}

#[derive(Debug, Serialize)]
pub(super) struct NewAmount {
    pub(super) total: i64,
    pub(super) currency: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct CloseTrade<'a> {
    pub(super) mchid: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct NativePrompt {
    pub(super) code_url: String,
}

/// A trade as queries and notices describe it (protocols 1.6.2, 1.7).
#[derive(Debug, Deserialize)]
pub(super) struct Trade {
    pub(super) appid: String,
    pub(super) mchid: String,
    pub(super) out_trade_no: String,
    pub(super) trade_state: String,
    #[serde(default)]
    transaction_id: Option<String>,
    #[serde(default)]
    success_time: Option<String>,
    #[serde(default)]
    amount: Option<Amount>,
}

#[derive(Debug, Deserialize)]
struct Amount {
    #[serde(default)]
    total: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    code: String,
    #[serde(default)]
    message: String,
}

/// Why a trade gives no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoReport {
    Foreign(&'static str),
    /// A word that WeChat has not told us about.
    UnknownState,
    Unreadable(&'static str),
}

impl Trade {
    /// What the trade means, once it is known to be ours. `now` stands in for a missing time of payment.
    pub(super) fn report(&self, app_id: &str, mch_id: &str, now: Timestamp) -> Result<Report, NoReport> {
        if self.mchid != mch_id {
            return Err(NoReport::Foreign("another merchant"));
        }
        if self.appid != app_id {
            return Err(NoReport::Foreign("another app"));
        }
        match self.trade_state.as_str() {
            // REFUND says that a refund was started, even a partial one: the money was paid.
            "SUCCESS" | "REFUND" => self.receipt(now).map(Report::Paid),
            // A payer's failure leaves the trade payable.
            "NOTPAY" | "USERPAYING" | "ACCEPT" | "PAYERROR" => Ok(Report::Unpaid),
            "CLOSED" | "REVOKED" => Ok(Report::Closed),
            _ => Err(NoReport::UnknownState),
        }
    }

    fn receipt(&self, now: Timestamp) -> Result<Receipt, NoReport> {
        let amount = self
            .amount
            .as_ref()
            .ok_or(NoReport::Unreadable("paid without an amount"))?;
        if amount.currency.as_deref() != Some("CNY") {
            return Err(NoReport::Foreign("another currency"));
        }
        let transaction_id = self
            .transaction_id
            .as_ref()
            .filter(|id| is_plain(id))
            .ok_or(NoReport::Unreadable("paid without a transaction id"))?;
        // `total`, not `payer_total`: a coupon makes the latter smaller (T-22).
        let amount = amount
            .total
            .and_then(|fen| Money::from_fen(fen).ok())
            .ok_or(NoReport::Unreadable("paid without a readable amount"))?;
        Ok(Receipt {
            transaction_id: transaction_id.clone(),
            amount,
            paid_at: self
                .success_time
                .as_deref()
                .and_then(parse_rfc3339)
                .unwrap_or(now),
        })
    }
}

/// What an answer other than a success means (protocols 1.5). Its words are a hint unless WeChat signed them.
pub(super) fn refusal(status: StatusCode, body: &[u8], is_authentic: bool) -> GatewayError {
    let readable = serde_json::from_slice::<ErrorBody>(body).ok();
    let Some(ErrorBody { code, message }) = readable.filter(|_| !status.is_redirection()) else {
        return GatewayError::unknown(format!("status {}", status.as_u16()));
    };
    match normal(&code).as_str() {
        "ORDERPAID" => GatewayError::AlreadyPaid,
        "ORDERCLOSED" => GatewayError::AlreadyClosed,
        // Our number is taken, and only by ourselves: ask about it.
        "OUTTRADENOUSED" => GatewayError::unknown(code),
        "SYSTEMERROR"
        | "BANKERROR"
        | "USERPAYING"
        | "FREQUENCYLIMITED"
        | "FREQUENCYLIMITEXCEED"
        | "RATELIMITED"
        | "RATELIMITEXCEEDED" => GatewayError::RetrySame { reason: code },
        _ if status == StatusCode::TOO_MANY_REQUESTS => GatewayError::RetrySame { reason: code },
        _ if !status.is_client_error() => GatewayError::unknown(code),
        // Our own clock or keys are wrong; that says nothing about the payment.
        "SIGNERROR" => declined(code, message, false),
        _ => declined(code, message, is_authentic),
    }
}

fn declined(code: String, message: String, is_authentic: bool) -> GatewayError {
    GatewayError::Declined {
        code,
        message,
        is_authentic,
    }
}

/// WeChat's signed word that there is no such trade.
pub(super) fn is_not_exist(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Declined { code, is_authentic: true, .. } if normal(code) == "ORDERNOTEXIST")
}

/// `ORDERNOTEXIST` and `ORDER_NOT_EXIST` are one code: the spelling changed over the years (T-48).
fn normal(code: &str) -> String {
    code.chars()
        .filter(|letter| *letter != '_')
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str, is_authentic: bool) -> GatewayError {
        refusal(
            StatusCode::from_u16(status).unwrap(),
            body.as_bytes(),
            is_authentic,
        )
    }

    #[test]
    fn only_a_signed_refusal_is_authentic() {
        let body = r#"{"code":"RULE_LIMIT","message":"m"}"#;
        for is_signed in [true, false] {
            let error = refused(403, body, is_signed);
            assert!(
                matches!(&error, GatewayError::Declined { is_authentic, .. } if *is_authentic == is_signed),
                "{error:?}"
            );
        }
        let body = r#"{"code":"SIGN_ERROR","message":"m"}"#;
        let error = refused(401, body, true);
        assert!(matches!(
            error,
            GatewayError::Declined {
                is_authentic: false,
                ..
            }
        ));
    }

    #[test]
    fn what_says_nothing_about_the_outcome_is_unknown() {
        for (status, body) in [
            (502, "<html>"),
            (500, ""),
            (503, r#"{"code":"SERVICE_UNAVAILABLE"}"#),
            (400, r#"{"code":"PARAM_ERR"#),
            (302, r#"{"code":"PARAM_ERROR"}"#),
            (403, r#"{"code":"OUT_TRADE_NO_USED"}"#),
        ] {
            let error = refused(status, body, true);
            assert!(
                matches!(error, GatewayError::Unknown { .. }),
                "{status} {error:?}"
            );
        }
        for (status, code) in [(500, "SYSTEMERROR"), (429, "X"), (202, "USER_PAYING")] {
            let error = refused(status, &format!(r#"{{"code":"{code}"}}"#), false);
            assert!(
                matches!(error, GatewayError::RetrySame { .. }),
                "{status} {error:?}"
            );
        }
    }

    #[test]
    fn both_spellings_of_a_code_are_one() {
        for code in ["ORDERPAID", "ORDER_PAID", "order_paid"] {
            let error = refused(400, &format!(r#"{{"code":"{code}"}}"#), false);
            assert!(matches!(error, GatewayError::AlreadyPaid), "{code}");
        }
    }
}
