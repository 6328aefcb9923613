//! WeChat refunds (docs/gateway-facts.md 1.6.4, 1.6.5).

use domain::{RefundReport, Timestamp};
use http::Method;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::super::calls::Operation;
use super::super::scalar::Scalar;
use super::super::text::GatewayText;
use super::super::{GatewayError, RefundAsk, is_plain};
use super::call::WechatAnswer;
use super::{Wechat, to_json};
use crate::calendar::parse_rfc3339;

/// Maximum length of `reason` in bytes (docs/gateway-facts.md 1.6).
const MOST_REASON: usize = 80;

/// The currency is required here, unlike in the request to pay.
#[derive(Debug, Serialize)]
struct NewRefund<'a> {
    /// Rather than `out_trade_no`, which this part of WeChat sometimes does not find for minutes (T-34).
    transaction_id: &'a str,
    out_refund_no: &'a str,
    #[serde(skip_serializing_if = "GatewayText::is_empty")]
    reason: GatewayText,
    notify_url: &'a str,
    amount: NewAmount,
}

#[derive(Debug, Serialize)]
struct NewAmount {
    refund: i64,
    total: i64,
    currency: &'static str,
}

/// Refund as in answers to calls. Notifications use other members (T-31) and have their own type.
#[derive(Debug, Deserialize)]
struct Refund {
    refund_id: String,
    out_refund_no: String,
    transaction_id: String,
    out_trade_no: String,
    status: String,
    #[serde(default)]
    success_time: Scalar,
    amount: Amount,
}

#[derive(Debug, Deserialize)]
struct Amount {
    total: i64,
    refund: i64,
    currency: String,
}

impl Wechat {
    pub(in super::super) async fn refund(&self, ask: &RefundAsk<'_>) -> Result<RefundReport, GatewayError> {
        let body = to_json(&NewRefund {
            transaction_id: ask.transaction_id,
            out_refund_no: ask.refund_no.as_str(),
            reason: GatewayText::for_wechat(ask.reason, MOST_REASON),
            notify_url: &self.notify_url,
            amount: NewAmount {
                refund: ask.amount.fen(),
                total: ask.total.fen(),
                currency: "CNY",
            },
        });
        let about = Operation::Refund.about(ask.payment_no);
        match self
            .ask(about, Method::POST, "v3/refund/domestic/refunds", &body)
            .await?
        {
            WechatAnswer::Yes(body) => self.read_refund(&body, ask),
            WechatAnswer::No(refusal) => refusal.meaning_for_refund(),
        }
    }

    pub(in super::super) async fn query_refund(
        &self,
        ask: &RefundAsk<'_>,
    ) -> Result<RefundReport, GatewayError> {
        let path = format!("v3/refund/domestic/refunds/{}", ask.refund_no);
        let about = Operation::QueryRefund.about(ask.payment_no);
        match self.ask(about, Method::GET, &path, "").await? {
            WechatAnswer::Yes(body) => self.read_refund(&body, ask),
            WechatAnswer::No(refusal) if refusal.is_not_exist() => Ok(RefundReport::Absent),
            WechatAnswer::No(refusal) => Err(refusal.meaning()),
        }
    }

    fn read_refund(&self, body: &[u8], ask: &RefundAsk<'_>) -> Result<RefundReport, GatewayError> {
        let refund: Refund = serde_json::from_slice(body)
            .map_err(|_| GatewayError::unknown("the description of the refund is not readable"))?;
        refund.report(ask, self.clock.now()).map_err(|what| {
            warn!(refund.no = %ask.refund_no, "WeChat's description of refund {} is not usable: {what}", ask.refund_no);
            GatewayError::unknown(what)
        })
    }
}

impl Refund {
    /// Translates the refund into a report, once every number and amount in it matches ours.
    fn report(&self, ask: &RefundAsk<'_>, now: Timestamp) -> Result<RefundReport, &'static str> {
        let differing = [
            (
                "another refund number",
                self.out_refund_no == ask.refund_no.as_str(),
            ),
            ("another trade", self.transaction_id == ask.transaction_id),
            ("another payment", self.out_trade_no == ask.payment_no.as_str()),
            ("another amount", self.amount.refund == ask.amount.fen()),
            ("another total", self.amount.total == ask.total.fen()),
            ("another currency", self.amount.currency == "CNY"),
            ("no usable refund id", is_plain(&self.refund_id)),
        ]
        .into_iter()
        .find(|(_, is_ours)| !is_ours);
        match differing {
            Some((what, _)) => Err(what),
            None => report(&self.status, &self.refund_id, self.success_time.as_deref(), now)
                .ok_or("an unknown refund status"),
        }
    }
}

/// Translates a status of calls and notifications into a report. `now` replaces a missing time.
pub(super) fn report(
    status: &str,
    refund_id: &str,
    success_time: Option<&str>,
    now: Timestamp,
) -> Option<RefundReport> {
    let gateway_refund_id = Some(refund_id.to_owned());
    match status {
        "SUCCESS" => Some(RefundReport::Succeeded {
            gateway_refund_id,
            finished_at: success_time.and_then(parse_rfc3339).unwrap_or(now),
        }),
        "PROCESSING" => Some(RefundReport::Processing { gateway_refund_id }),
        "ABNORMAL" => Some(RefundReport::Stuck(
            "ABNORMAL: the payer's account cannot take the money; settle it in WeChat's merchant console"
                .to_owned(),
        )),
        // An old table of the documentation spells it without the D.
        "CLOSED" | "CLOSE" => Some(RefundReport::Failed(
            "CLOSED: WeChat closed the refund, no money moved".to_owned(),
        )),
        _ => None,
    }
}
