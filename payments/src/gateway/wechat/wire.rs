//! WeChat's wire format of trades: requests, answers and their meaning.

use std::net::IpAddr;

use domain::{Money, Receipt, Report, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::parse_rfc3339;
use crate::model::sentence::Sentence;

use super::super::is_plain;
use super::super::scalar::Scalar;
use super::super::text::GatewayText;
use super::apps::Apps;

/// Body of a create call. Absent members stay absent: WeChat refuses nulls and unknown members (T-44).
#[derive(Debug, Serialize)]
pub(super) struct NewTrade<'a> {
    pub(super) appid: &'a str,
    pub(super) mchid: &'a str,
    pub(super) description: GatewayText,
    pub(super) out_trade_no: &'a str,
    pub(super) time_expire: String,
    pub(super) notify_url: &'a str,
    pub(super) amount: NewAmount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payer: Option<Openid<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scene_info: Option<Scene>,
}

/// Payer's id, for JSAPI.
#[derive(Debug, Serialize)]
pub(super) struct Openid<'a> {
    pub(super) openid: &'a str,
}

/// Payer's address, for H5.
#[derive(Debug, Serialize)]
pub(super) struct Scene {
    pub(super) payer_client_ip: IpAddr,
    pub(super) h5_info: H5Info,
}

#[derive(Debug, Serialize)]
pub(super) struct H5Info {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
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

/// Prompt in an answer; each product has its own member for it.
#[derive(Debug, Deserialize)]
pub(super) struct Prompt {
    pub(super) code_url: Option<String>,
    pub(super) h5_url: Option<String>,
    pub(super) prepay_id: Option<String>,
}

/// Trade as in queries and notifications (docs/gateway-facts.md 1.6.2, 1.7).
#[derive(Debug, Deserialize)]
pub(super) struct Trade {
    pub(super) appid: String,
    pub(super) mchid: String,
    pub(super) out_trade_no: String,
    pub(super) trade_state: String,
    #[serde(default)]
    transaction_id: Option<String>,
    #[serde(default)]
    success_time: Scalar,
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

/// Reason why a trade gives no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoReport {
    Foreign(Sentence),
    /// A state that WeChat does not document.
    UnknownState,
    Unreadable(&'static str),
}

impl Trade {
    /// Translates the trade into a report, once it is known to be ours. `now` replaces a missing time of payment.
    pub(super) fn report(&self, apps: &Apps, mch_id: &str, now: Timestamp) -> Result<Report, NoReport> {
        if self.mchid != mch_id {
            return Err(NoReport::Foreign(Sentence::OtherMerchant));
        }
        if !apps.contains(&self.appid) {
            return Err(NoReport::Foreign(Sentence::OtherApp));
        }
        match self.trade_state.as_str() {
            // REFUND means that a refund was started, even a partial one: the money was paid.
            "SUCCESS" | "REFUND" => self.receipt(now).map(Report::Paid),
            // A payer's failed attempt leaves the trade payable.
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
            return Err(NoReport::Foreign(Sentence::OtherCurrency));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_57_no_text_beside_the_facts_decides_whether_a_trade_is_read() {
        for odd in [
            &b"\"attach\":\"\xE4\xBC\""[..],
            b"\"attach\":\"\\ud800\"",
            b"\"attach\":7",
            b"\"trade_state_desc\":null",
            b"\"success_time\":null",
            b"\"success_time\":20231115",
            b"\"success_time\":\"yesterday\"",
        ] {
            let trade = br#"{"appid":"a","mchid":"m","out_trade_no":"P1","trade_state":"SUCCESS","transaction_id":"t",
                "amount":{"total":990,"currency":"CNY"},"#;
            let trade = [&trade[..], odd, b"}"].concat();
            let trade: Trade = serde_json::from_slice(&trade).unwrap();
            let now = Timestamp::from_millis(7);
            let apps = Apps {
                account: "a".to_owned(),
                mini: None,
                mobile: None,
            };
            assert!(
                matches!(trade.report(&apps, "m", now), Ok(Report::Paid(receipt)) if receipt.paid_at == now)
            );
        }
    }
}
