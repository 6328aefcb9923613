//! What WeChat tells us unasked (protocols 1.7). The signature has been verified before any of this is read.

use domain::{Report, Timestamp};
use serde::Deserialize;

use super::super::{Notice, NoticeContent, NoticeError, is_plain};
use super::keys::{ApiV3Key, Sealed};
use super::wire::{NoReport, Trade};

#[derive(Deserialize)]
struct Envelope {
    id: String,
    event_type: String,
    resource_type: String,
    resource: Sealed,
}

/// A refund's words differ from a payment's: no appid, and `refund_status` for `status` (T-31).
#[derive(Deserialize)]
struct RefundNews {
    mchid: String,
    out_trade_no: String,
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
        let envelope: Envelope =
            serde_json::from_slice(body).map_err(|_| NoticeError::Malformed("not a notice"))?;
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
        let (payment_no, content) = match envelope.event_type.as_str() {
            "TRANSACTION.SUCCESS" => self.payment(&plain)?,
            kind if kind.starts_with("REFUND.") => self.refund(&plain)?,
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

    fn refund(&self, plain: &[u8]) -> Result<(String, NoticeContent), NoticeError> {
        let news: RefundNews = parse(plain)?;
        let content = if news.mchid == self.mch_id {
            NoticeContent::Refund
        } else {
            NoticeContent::Foreign("another merchant")
        };
        Ok((named(news.out_trade_no)?, content))
    }
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
