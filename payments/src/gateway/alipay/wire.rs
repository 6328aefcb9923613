//! Alipay's words: what we send, what it answers, and what that means.

use domain::{Money, Receipt, Report, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::parse_beijing;

use super::super::{GatewayError, is_plain};
use super::sign::Node;

/// The in-person product that a scanned code belongs to (protocols 2.5).
pub(super) const QR_PRODUCT: &str = "FACE_TO_FACE_PAYMENT";

#[derive(Debug, Serialize)]
pub(super) struct Precreate<'a> {
    pub(super) out_trade_no: &'a str,
    pub(super) total_amount: String,
    pub(super) subject: &'a str,
    pub(super) product_code: &'static str,
    pub(super) time_expire: String,
}

/// The number that a call is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) out_trade_no: String,
}

/// Every member that one of our calls may be answered with; all values are strings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    code: String,
    msg: String,
    sub_code: Option<String>,
    sub_msg: Option<String>,
    out_trade_no: Option<String>,
    pub(super) qr_code: Option<String>,
    trade_no: Option<String>,
    trade_status: Option<String>,
    total_amount: Option<String>,
    buyer_pay_amount: Option<String>,
    receipt_amount: Option<String>,
    send_pay_date: Option<String>,
}

/// Reads a node as a success about our trade, or as the reason why it is none (protocols 2.2).
pub(super) fn success(node: &Node, payment_no: &str) -> Result<Answer, GatewayError> {
    let answer: Answer =
        serde_json::from_str(&node.text).map_err(|_| GatewayError::unknown("the answer is not readable"))?;
    if answer.out_trade_no.as_deref().is_some_and(|no| no != payment_no) {
        return Err(GatewayError::unknown("an answer about another trade"));
    }
    match answer.code.as_str() {
        "10000" if !node.is_signed => Err(GatewayError::unknown("a success without a signature")),
        "10000" if answer.out_trade_no.is_none() => Err(GatewayError::unknown("an answer about no trade")),
        "10000" => Ok(answer),
        "40004" if !node.is_signed => Err(GatewayError::unknown("a refusal without a signature")),
        "40004" => Err(answer.refusal()),
        "40005" => Err(GatewayError::RetrySame { reason: answer.msg }),
        // What is wrong with the request or with our rights; an operator wants to see it even unsigned.
        "20001" | "40001" | "40002" | "40003" | "40006" => Err(answer.declined(node.is_signed)),
        _ => Err(GatewayError::unknown(answer.sub_code.unwrap_or(answer.code))),
    }
}

impl Answer {
    fn refusal(self) -> GatewayError {
        match self.word() {
            "SYSTEM_ERROR" => GatewayError::RetrySame {
                reason: "SYSTEM_ERROR".to_owned(),
            },
            "TRADE_HAS_SUCCESS" => GatewayError::AlreadyPaid,
            // All of them say that it is over, none of them how: paid, closed, or refunded.
            "TRADE_HAS_CLOSE"
            | "TRADE_STATUS_ERROR"
            | "REASON_TRADE_STATUS_INVALID"
            | "REASON_ILLEGAL_STATUS" => GatewayError::AlreadyClosed,
            _ => self.declined(true),
        }
    }

    fn declined(self, is_authentic: bool) -> GatewayError {
        GatewayError::Declined {
            code: match self.word() {
                "" => self.code.clone(),
                word => word.to_owned(),
            },
            message: self.sub_msg.unwrap_or(self.msg),
            is_authentic,
        }
    }

    /// The sub-code without the prefixes that some methods put before it and others do not (T-48).
    fn word(&self) -> &str {
        let mut word = self.sub_code.as_deref().unwrap_or_default();
        while let Some(rest) = ["ACQ.", "AQC.", "aop."]
            .iter()
            .find_map(|prefix| word.strip_prefix(prefix))
        {
            word = rest;
        }
        word
    }

    /// What a trade that was asked about means. `now` stands in for a missing time of payment.
    pub(super) fn report(&self, now: Timestamp) -> Result<Report, GatewayError> {
        match self.trade_status.as_deref() {
            Some("WAIT_BUYER_PAY") => Ok(Report::Unpaid),
            Some("TRADE_SUCCESS" | "TRADE_FINISHED") => self.receipt(now).map(Report::Paid),
            // Closed unpaid, or paid and then refunded in full (T-37).
            Some("TRADE_CLOSED") if self.was_paid() => self.receipt(now).map(Report::Paid),
            Some("TRADE_CLOSED") => Ok(Report::Closed),
            _ => Err(GatewayError::unknown("an unknown trade status")),
        }
    }

    /// Both a time and an amount: one of them alone has been seen on trades that nobody paid.
    fn was_paid(&self) -> bool {
        let is_sum = |text: &Option<String>| {
            text.as_deref()
                .is_some_and(|text| Money::parse_yuan(text).is_ok())
        };
        let is_dated = self.send_pay_date.as_deref().and_then(parse_beijing).is_some();
        is_dated && (is_sum(&self.buyer_pay_amount) || is_sum(&self.receipt_amount))
    }

    fn receipt(&self, now: Timestamp) -> Result<Receipt, GatewayError> {
        receipt(
            self.trade_no.as_deref(),
            self.total_amount.as_deref(),
            self.send_pay_date.as_deref(),
            now,
        )
        .map_err(GatewayError::unknown)
    }
}

/// A receipt from the words of an answer or of a notice. The amount is the order's, before any discount (2.6).
pub(super) fn receipt(
    trade_no: Option<&str>,
    total_amount: Option<&str>,
    paid_at: Option<&str>,
    now: Timestamp,
) -> Result<Receipt, &'static str> {
    let transaction_id = trade_no
        .filter(|text| is_plain(text))
        .ok_or("paid without a trade number")?;
    let amount = total_amount
        .and_then(|text| Money::parse_yuan(text).ok())
        .ok_or("paid without a readable amount")?;
    Ok(Receipt {
        transaction_id: transaction_id.to_owned(),
        amount,
        paid_at: paid_at.and_then(parse_beijing).unwrap_or(now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_signed: bool) -> Result<Answer, GatewayError> {
        let text = text.to_owned();
        success(&Node { text, is_signed }, "P1")
    }

    #[test]
    fn a_refusal_is_read_whatever_its_prefix() {
        for prefix in ["", "ACQ.", "AQC.", "aop.ACQ."] {
            let error = read(
                &format!(r#"{{"code":"40004","sub_code":"{prefix}TRADE_HAS_SUCCESS"}}"#),
                true,
            );
            assert!(matches!(error, Err(GatewayError::AlreadyPaid)), "{prefix}");
        }
    }

    #[test]
    fn what_is_unsigned_or_about_another_trade_is_unknown() {
        for (text, is_signed) in [
            (r#"{"code":"10000","out_trade_no":"P1"}"#, false),
            (r#"{"code":"10000","out_trade_no":"P2"}"#, true),
            (r#"{"code":"10000"}"#, true),
            (r#"{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}"#, false),
            (
                r#"{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST","out_trade_no":"P2"}"#,
                true,
            ),
            (r#"{"code":"20000","sub_code":"isp.unknow-error"}"#, true),
            (r#"{}"#, true),
        ] {
            let error = read(text, is_signed);
            assert!(
                matches!(error, Err(GatewayError::Unknown { .. })),
                "{text} {error:?}"
            );
        }
    }

    #[test]
    fn a_closed_trade_was_paid_only_with_a_time_and_an_amount() {
        let now = Timestamp::from_millis(0);
        let closed = r#""code":"10000","out_trade_no":"P1","trade_no":"T1","total_amount":"1.00","trade_status":"TRADE_CLOSED""#;
        let report = |more: &str| {
            read(&format!("{{{closed}{more}}}"), true)
                .unwrap()
                .report(now)
                .unwrap()
        };
        let date = r#","send_pay_date":"2023-11-15 06:14:58""#;
        assert_eq!(report(""), Report::Closed);
        assert_eq!(
            report(&format!(r#"{date},"buyer_pay_amount":"0.00""#)),
            Report::Closed
        );
        assert_eq!(report(r#","buyer_pay_amount":"1.00""#), Report::Closed);
        assert!(matches!(
            report(&format!(r#"{date},"buyer_pay_amount":"1.00""#)),
            Report::Paid(_)
        ));
    }
}
