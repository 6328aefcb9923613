//! Alipay's wire format: requests, answers and their meaning.

use domain::{Money, Receipt, Report, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::parse_beijing;

use super::super::scalar::Scalar;
use super::super::text::GatewayText;
use super::super::{GatewayError, RefundAsk, is_plain};
use super::sign::Node;

/// Not `QUICK_WAP_PAY`, which some libraries send (T-41).
pub(super) const WAP_PRODUCT: &str = "QUICK_WAP_WAY";
pub(super) const PAGE_PRODUCT: &str = "FAST_INSTANT_TRADE_PAY";
pub(super) const APP_PRODUCT: &str = "QUICK_MSECURITY_PAY";
pub(super) const MINI_PRODUCT: &str = "JSAPI_PAY";

#[derive(Debug, Serialize)]
pub(super) struct NewTrade<'a> {
    pub(super) out_trade_no: &'a str,
    pub(super) total_amount: String,
    pub(super) subject: GatewayText,
    pub(super) product_code: &'static str,
    /// Return address of the phone's browser when the payer gives up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quit_url: Option<&'a str>,
    pub(super) time_expire: String,
    /// Mini program in which the payer is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) op_app_id: Option<&'a str>,
    /// The payer by the older kind of id, or by the one that belongs to the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) buyer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) buyer_open_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct NewRefund<'a> {
    pub(super) out_trade_no: &'a str,
    pub(super) refund_amount: String,
    /// Idempotency key of a refund: every repeat is the same refund (T-32).
    pub(super) out_request_no: &'a str,
    #[serde(skip_serializing_if = "GatewayText::is_empty")]
    pub(super) refund_reason: GatewayText,
}

#[derive(Debug, Serialize)]
pub(super) struct RefundQuery<'a> {
    pub(super) out_trade_no: &'a str,
    pub(super) out_request_no: &'a str,
    pub(super) query_options: [&'static str; 1],
}

#[derive(Debug, Serialize)]
pub(super) struct BillQuery<'a> {
    pub(super) bill_type: &'a str,
    pub(super) bill_date: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct CertificateQuery<'a> {
    pub(super) alipay_cert_sn: &'a str,
}

/// Payment number that a call is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) out_trade_no: String,
}

/// Every member that an answer to one of our calls may have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    code: Scalar,
    msg: Scalar,
    sub_code: Scalar,
    sub_msg: Scalar,
    out_trade_no: Scalar,
    pub(super) qr_code: Scalar,
    pub(super) trade_no: Scalar,
    trade_status: Scalar,
    total_amount: Scalar,
    buyer_pay_amount: Scalar,
    receipt_amount: Scalar,
    send_pay_date: Scalar,
    pub(super) fund_change: Scalar,
    refund_fee: Scalar,
    gmt_refund_pay: Scalar,
    out_request_no: Scalar,
    refund_amount: Scalar,
    pub(super) refund_status: Scalar,
    pub(super) bill_download_url: Scalar,
    pub(super) bill_file_code: Scalar,
    pub(super) alipay_cert_content: Scalar,
    pub(super) retry_flag: Scalar,
    pub(super) action: Scalar,
}

/// Parses a node as a success about our trade, or as the reason for failure (docs/gateway-facts.md 2.2).
pub(super) fn success(node: &Node, payment_no: &str) -> Result<Answer, GatewayError> {
    let answer = success_of(node, Some(payment_no))?;
    match answer.out_trade_no.0 {
        Some(_) => Ok(answer),
        None => Err(GatewayError::unknown("an answer about no trade")),
    }
}

/// Like [`success`], where an answer need not name the trade. One that does must name ours.
pub(super) fn success_of(node: &Node, payment_no: Option<&str>) -> Result<Answer, GatewayError> {
    let answer: Answer =
        serde_json::from_str(&node.text).map_err(|_| GatewayError::unknown("the answer is not readable"))?;
    if answer.out_trade_no.0.is_some() && answer.out_trade_no.as_deref() != payment_no {
        return Err(GatewayError::unknown("an answer about another trade"));
    }
    match answer.code.as_deref().unwrap_or_default() {
        "10000" if !node.is_signed => Err(GatewayError::unknown("a success without a signature")),
        "10000" => Ok(answer),
        "40004" if !node.is_signed => Err(GatewayError::unknown("a refusal without a signature")),
        "40004" => Err(answer.refusal()),
        "40005" => Err(GatewayError::RetrySame {
            reason: answer.msg.0.unwrap_or_default(),
        }),
        // Errors of the request or of our permissions; an operator needs to see them even unsigned.
        "20001" | "40001" | "40002" | "40003" | "40006" => Err(answer.declined(node.is_signed)),
        _ => {
            let code = answer.sub_code.0.or(answer.code.0);
            Err(GatewayError::unknown(code.unwrap_or_default()))
        }
    }
}

impl Answer {
    fn refusal(self) -> GatewayError {
        match self.word() {
            "SYSTEM_ERROR" => GatewayError::RetrySame {
                reason: "SYSTEM_ERROR".to_owned(),
            },
            "TRADE_HAS_SUCCESS" => GatewayError::AlreadyPaid,
            // All of them mean that the trade is over, none of them how: paid, closed, or refunded.
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
                "" => self.code.as_deref().unwrap_or_default().to_owned(),
                word => word.to_owned(),
            },
            message: self.sub_msg.0.or(self.msg.0).unwrap_or_default(),
            is_authentic,
        }
    }

    /// Returns the sub-code without the prefixes that only some methods add (T-48).
    fn word(&self) -> &str {
        let mut word = self.sub_code.as_deref().unwrap_or_default();
        while let Some(rest) = ["ACQ.", "AQC.", "aop.", "isp.", "isv."]
            .iter()
            .find_map(|prefix| word.strip_prefix(prefix))
        {
            word = rest;
        }
        word
    }

    /// Translates a queried trade into a report. `now` replaces a missing time of payment.
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

    /// Requires both a time and an amount: one of them alone has been seen on unpaid trades.
    fn was_paid(&self) -> bool {
        let is_sum = |text: &Scalar| money(text.as_deref()).is_some();
        let is_dated = self.send_pay_date.as_deref().and_then(parse_beijing).is_some();
        is_dated && (is_sum(&self.buyer_pay_amount) || is_sum(&self.receipt_amount))
    }

    /// Checks the answer to a refund call against the refund. `refund_fee` is the sum of all refunds of the trade, so
    /// it only proves that it was no less than this refund, and no more than was paid (T-36).
    pub(super) fn proves_refund(&self, ask: &RefundAsk<'_>) -> Result<(), &'static str> {
        let all = money(self.refund_fee.as_deref()).ok_or("a refund without a readable sum")?;
        if self.trade_no.as_deref() != Some(ask.transaction_id) {
            Err("a refund of another trade")
        } else if all < ask.amount || all > ask.total {
            Err("a refund of another amount")
        } else {
            Ok(())
        }
    }

    /// Checks the answer to a refund query, which describes this refund alone.
    pub(super) fn describes_refund(&self, ask: &RefundAsk<'_>) -> Result<(), &'static str> {
        if self.out_request_no.as_deref() != Some(ask.refund_no.as_str()) {
            Err("an answer about another refund")
        } else if self.out_trade_no.0.is_none() || self.trade_no.as_deref() != Some(ask.transaction_id) {
            Err("a refund of another trade")
        } else if money(self.refund_amount.as_deref()) != Some(ask.amount) {
            Err("a refund of another amount")
        } else if money(self.total_amount.as_deref()) != Some(ask.total) {
            Err("a refund of a trade of another amount")
        } else {
            Ok(())
        }
    }

    pub(super) fn refunded_at(&self, now: Timestamp) -> Timestamp {
        self.gmt_refund_pay
            .as_deref()
            .and_then(parse_beijing)
            .unwrap_or(now)
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

pub(super) fn money(text: Option<&str>) -> Option<Money> {
    Money::parse_yuan(text?).ok()
}

/// Builds a receipt from an answer or a notification. The amount is the order's, before any discount (2.6).
pub(super) fn receipt(
    trade_no: Option<&str>,
    total_amount: Option<&str>,
    paid_at: Option<&str>,
    now: Timestamp,
) -> Result<Receipt, &'static str> {
    let transaction_id = trade_no
        .filter(|text| is_plain(text))
        .ok_or("paid without a trade number")?;
    let amount = money(total_amount).ok_or("paid without a readable amount")?;
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
    fn t_48_a_refusal_is_read_whatever_its_prefix() {
        for prefix in ["", "ACQ.", "AQC.", "aop.ACQ."] {
            let error = read(
                &format!(r#"{{"code":"40004","sub_code":"{prefix}TRADE_HAS_SUCCESS"}}"#),
                true,
            );
            assert!(matches!(error, Err(GatewayError::AlreadyPaid)), "{prefix}");
        }
    }

    #[test]
    fn an_unsigned_answer_or_one_about_another_trade_is_unknown() {
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
    fn numbers_in_the_place_of_strings_mean_the_same() {
        let text = r#"{"code":10000,"out_trade_no":"P1","trade_no":20231115,"total_amount":9.90,
            "trade_status":"TRADE_SUCCESS","send_pay_date":null,"fund_bill_list":[{"amount":9.90}]}"#;
        let report = read(text, true)
            .unwrap()
            .report(Timestamp::from_millis(0))
            .unwrap();
        let Report::Paid(receipt) = report else {
            panic!("{report:?}");
        };
        assert_eq!(
            (receipt.amount.fen(), receipt.transaction_id.as_str()),
            (990, "20231115")
        );
        let refused = read(
            r#"{"code":40004,"msg":1,"sub_code":"ACQ.TRADE_HAS_SUCCESS"}"#,
            true,
        );
        assert!(matches!(refused, Err(GatewayError::AlreadyPaid)));
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
