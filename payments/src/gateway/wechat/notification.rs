//! WeChat notifications (docs/gateway-facts.md 1.7). The signature is verified before any of this is parsed.

use std::borrow::Cow;

use domain::{Money, Report, Timestamp};
use serde::Deserialize;

use super::super::scalar::Scalar;
use super::super::{Notification, NotificationContent, NotificationError, RefundNews, is_plain};
use super::apps::Apps;
use super::refund::report;
use super::sealed::{ApiV3Key, Sealed};
use super::wire::{NoReport, Trade};
use crate::model::sentence::Sentence;

#[derive(Deserialize)]
struct Envelope<'a> {
    id: String,
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    resource_type: Cow<'a, str>,
    #[serde(borrow)]
    resource: Sealed<'a>,
}

/// Refund in a notification. Its members differ from a payment's and from a refund query's: no appid, no currency, and
/// `refund_status` for `status` (T-31).
#[derive(Deserialize)]
struct Refund {
    mchid: String,
    out_trade_no: String,
    transaction_id: String,
    out_refund_no: String,
    refund_id: String,
    refund_status: String,
    #[serde(default)]
    success_time: Scalar,
    amount: RefundAmount,
}

#[derive(Deserialize)]
struct RefundAmount {
    total: Money,
    refund: Money,
}

impl<'a> Envelope<'a> {
    fn read(body: &'a [u8]) -> Result<Envelope<'a>, NotificationError> {
        serde_json::from_slice(body).map_err(|_| NotificationError::Malformed("not a notification"))
    }
}

/// Decrypts a notification for display.
pub(super) fn unsealed(api_v3_key: &ApiV3Key, body: &[u8]) -> Result<Vec<u8>, NotificationError> {
    api_v3_key
        .open(&Envelope::read(body)?.resource)
        .map_err(NotificationError::Malformed)
}

/// Expected account of the notifications, and the decryption key.
pub(super) struct Reader<'a> {
    pub(super) apps: &'a Apps,
    pub(super) mch_id: &'a str,
    pub(super) api_v3_key: &'a ApiV3Key,
    pub(super) now: Timestamp,
}

impl Reader<'_> {
    pub(super) fn read(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        let envelope = Envelope::read(body)?;
        if envelope.resource_type != "encrypt-resource" {
            return Err(NotificationError::Malformed("another kind of resource"));
        }
        if !is_plain(&envelope.id) {
            return Err(NotificationError::Malformed("the notification has no usable id"));
        }
        let plain = self
            .api_v3_key
            .open(&envelope.resource)
            .map_err(NotificationError::Malformed)?;
        let (payment_no, content) = match envelope.event_type.split_once('.') {
            Some(("TRANSACTION", "SUCCESS")) => self.payment(&plain)?,
            Some(("REFUND", outcome)) => self.refund(outcome, &plain)?,
            _ => (String::new(), NotificationContent::Other),
        };
        Ok(Notification {
            id: envelope.id,
            payment_no,
            content,
        })
    }

    fn payment(&self, plain: &[u8]) -> Result<(String, NotificationContent), NotificationError> {
        let trade: Trade = parse_resource(plain)?;
        let content = match trade.report(self.apps, self.mch_id, self.now) {
            Ok(report @ Report::Paid(_)) => NotificationContent::Payment(report),
            Ok(_) | Err(NoReport::UnknownState) => NotificationContent::Foreign(Sentence::UnpaidSuccess),
            Err(NoReport::Foreign(whose)) => NotificationContent::Foreign(whose),
            Err(NoReport::Unreadable(what)) => return Err(NotificationError::Malformed(what)),
        };
        Ok((require_number(trade.out_trade_no)?, content))
    }

    fn refund(
        &self,
        outcome: &str,
        plain: &[u8],
    ) -> Result<(String, NotificationContent), NotificationError> {
        let refund: Refund = parse_resource(plain)?;
        let is_plain_all = [&refund.out_refund_no, &refund.transaction_id, &refund.refund_id]
            .into_iter()
            .all(|number| is_plain(number));
        if !is_plain_all {
            return Err(NotificationError::Malformed("the refund has no usable numbers"));
        }
        let content = if refund.mchid != self.mch_id {
            NotificationContent::Foreign(Sentence::OtherMerchant)
        } else if spelt_out(outcome) != spelt_out(&refund.refund_status) {
            NotificationContent::Foreign(Sentence::Contradiction)
        } else {
            NotificationContent::Refund(RefundNews {
                // An unknown status gives no report, so the gateway is queried.
                report: report(
                    &refund.refund_status,
                    &refund.refund_id,
                    refund.success_time.as_deref(),
                    self.now,
                ),
                refund_no: Some(refund.out_refund_no),
                transaction_id: Some(refund.transaction_id),
                amount: Some(refund.amount.refund),
                refunded: None,
                total: Some(refund.amount.total),
            })
        };
        Ok((require_number(refund.out_trade_no)?, content))
    }
}

/// An old table of the documentation says `CLOSE`.
fn spelt_out(status: &str) -> &str {
    if status == "CLOSE" { "CLOSED" } else { status }
}

fn parse_resource<'a, T: Deserialize<'a>>(plain: &'a [u8]) -> Result<T, NotificationError> {
    serde_json::from_slice(plain)
        .map_err(|_| NotificationError::Malformed("the decrypted part is not readable"))
}

fn require_number(payment_no: String) -> Result<String, NotificationError> {
    if is_plain(&payment_no) {
        Ok(payment_no)
    } else {
        Err(NotificationError::Malformed("the payment has no usable number"))
    }
}
