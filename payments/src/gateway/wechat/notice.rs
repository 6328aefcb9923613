//! What WeChat tells us unasked (docs/gateway-facts.md 1.7). The signature has been verified before any of this is read.

use std::borrow::Cow;

use domain::{Money, Report, Timestamp};
use serde::Deserialize;

use super::super::scalar::Scalar;
use super::super::{Notice, NoticeContent, NoticeError, RefundNews, is_plain};
use super::refund::report;
use super::sealed::{ApiV3Key, Sealed};
use super::wire::{NoReport, Trade};

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

/// A refund's words differ from a payment's and from a refund query's: no appid, no currency, and `refund_status` for
/// `status` (T-31).
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
    fn read(body: &'a [u8]) -> Result<Envelope<'a>, NoticeError> {
        serde_json::from_slice(body).map_err(|_| NoticeError::Malformed("not a notice"))
    }
}

/// What is encrypted in a message, for a person who reads it.
pub(super) fn unsealed(api_v3_key: &ApiV3Key, body: &[u8]) -> Result<Vec<u8>, NoticeError> {
    api_v3_key
        .open(&Envelope::read(body)?.resource)
        .map_err(NoticeError::Malformed)
}

/// Who we are at WeChat, and how it encrypts for us.
pub(super) struct Reader<'a> {
    pub(super) app_id: &'a str,
    pub(super) mch_id: &'a str,
    pub(super) api_v3_key: &'a ApiV3Key,
    pub(super) now: Timestamp,
}

impl Reader<'_> {
    pub(super) fn read(&self, body: &[u8]) -> Result<Notice, NoticeError> {
        let envelope = Envelope::read(body)?;
        if envelope.resource_type != "encrypt-resource" {
            return Err(NoticeError::Malformed("another kind of resource"));
        }
        if !is_plain(&envelope.id) {
            return Err(NoticeError::Malformed("the notice has no usable id"));
        }
        let plain = self
            .api_v3_key
            .open(&envelope.resource)
            .map_err(NoticeError::Malformed)?;
        let (payment_no, content) = match envelope.event_type.split_once('.') {
            Some(("TRANSACTION", "SUCCESS")) => self.payment(&plain)?,
            Some(("REFUND", outcome)) => self.refund(outcome, &plain)?,
            _ => (String::new(), NoticeContent::Other),
        };
        Ok(Notice {
            id: envelope.id,
            payment_no,
            content,
        })
    }

    fn payment(&self, plain: &[u8]) -> Result<(String, NoticeContent), NoticeError> {
        let trade: Trade = parse(plain)?;
        let content = match trade.report(self.app_id, self.mch_id, self.now) {
            Ok(report @ Report::Paid(_)) => NoticeContent::Payment(report),
            Ok(_) | Err(NoReport::UnknownState) => {
                NoticeContent::Foreign("an event of success about a trade that is not paid")
            }
            Err(NoReport::Foreign(whose)) => NoticeContent::Foreign(whose),
            Err(NoReport::Unreadable(what)) => return Err(NoticeError::Malformed(what)),
        };
        Ok((named(trade.out_trade_no)?, content))
    }

    fn refund(&self, outcome: &str, plain: &[u8]) -> Result<(String, NoticeContent), NoticeError> {
        let refund: Refund = parse(plain)?;
        let is_plain_all = [&refund.out_refund_no, &refund.transaction_id, &refund.refund_id]
            .into_iter()
            .all(|number| is_plain(number));
        if !is_plain_all {
            return Err(NoticeError::Malformed("the refund has no usable numbers"));
        }
        let content = if refund.mchid != self.mch_id {
            NoticeContent::Foreign("another merchant")
        } else if spelt_out(outcome) != spelt_out(&refund.refund_status) {
            NoticeContent::Foreign("an event that says another thing about a refund than its content")
        } else {
            NoticeContent::Refund(RefundNews {
                // A status that we do not know gives no report, and so leads to a question.
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
        Ok((named(refund.out_trade_no)?, content))
    }
}

/// An old table of the documentation says `CLOSE`.
fn spelt_out(status: &str) -> &str {
    if status == "CLOSE" { "CLOSED" } else { status }
}

fn parse<'a, T: Deserialize<'a>>(plain: &'a [u8]) -> Result<T, NoticeError> {
    serde_json::from_slice(plain).map_err(|_| NoticeError::Malformed("the decrypted part is not readable"))
}

fn named(payment_no: String) -> Result<String, NoticeError> {
    if is_plain(&payment_no) {
        Ok(payment_no)
    } else {
        Err(NoticeError::Malformed("the payment has no usable number"))
    }
}
