//! Alipay notifications: a form whose parameters are signed together (docs/gateway-facts.md 2.6).

use aws_lc_rs::digest::{SHA256, digest};
use domain::{Report, Timestamp, hex_digits};

use super::super::urlencoded::{RawParam, pairs};
use super::super::{
    Notification, NotificationContent, NotificationError, RefundNews, VerifyingKey, is_plain,
};
use super::sign::joined_in_order;
use super::wire::{money, receipt};
use crate::model::sentence::Sentence;

/// Capacity hint: a real notification has about thirty.
const USUAL_PARAMS: usize = 40;
const MOST_PARAMS: usize = 500;

/// Parameters of a form in the order of their names, decoded once to bytes.
pub(super) struct RawParams<'a>(Vec<RawParam<'a>>);

/// Certificate that the signature was made with, in certificate mode.
const CERT_SN: &str = "alipay_cert_sn";
/// Parameters that are not signed; the last one only by some senders.
const UNSIGNED: [&str; 3] = ["sign", "sign_type", CERT_SN];

/// Expected account of the notifications.
pub(super) struct Reader<'a> {
    pub(super) app_id: &'a str,
    pub(super) seller_id: Option<&'a str>,
    pub(super) key: &'a VerifyingKey,
    pub(super) is_certified: bool,
    pub(super) now: Timestamp,
}

/// Parameters of a verified notification, as text.
struct Params<'a>(&'a RawParams<'a>);

/// Replaces a value that is not ASCII: it equals no known value.
const NOT_ASCII: &str = "\u{FFFD}";

impl Reader<'_> {
    pub(super) fn read(&self, raw: &RawParams<'_>) -> Result<Notification, NotificationError> {
        self.verify(raw)?;
        let params = Params(raw);
        if raw.is_ambiguous() {
            return Ok(ambiguous_notification(&params));
        }
        let id = params.get("notify_id").filter(|id| is_plain(id));
        let id = id.ok_or(NotificationError::Malformed("the notification has no usable id"))?;
        let payment_no = params.get("out_trade_no").unwrap_or_default();
        let is_sync = params
            .get("notify_type")
            .is_none_or(|kind| kind == "trade_status_sync");
        let content = match self.foreign(&params) {
            Some(whose) => NotificationContent::Foreign(whose),
            None if !is_sync => NotificationContent::Other,
            None if !is_plain(payment_no) => {
                return Err(NotificationError::Malformed("the payment has no usable number"));
            }
            None => self.news(&params)?,
        };
        Ok(Notification {
            id: id.to_owned(),
            payment_no: if is_plain(payment_no) {
                payment_no.to_owned()
            } else {
                String::new()
            },
            content,
        })
    }

    /// Verifies the signature. Only `sign` and `sign_type` are not signed, and the latter may not choose the algorithm
    /// (T-15).
    fn verify(&self, raw: &RawParams<'_>) -> Result<(), NotificationError> {
        let sign = raw.get("sign").and_then(|sign| std::str::from_utf8(sign).ok());
        let sign = sign
            .filter(|sign| !sign.is_empty())
            .ok_or(NotificationError::NotAuthentic("no signature"))?;
        if raw.get("sign_type").is_some_and(|kind| kind != b"RSA2") {
            return Err(NotificationError::NotAuthentic("another kind of signature"));
        }
        let is_over = |unsigned: &[&str]| self.key.verifies(&raw.signed_text(unsigned), sign);
        // Some senders of certificate mode leave the certificate's serial out of the signed text (2.6, step 5).
        if is_over(&UNSIGNED[..2]) || (self.is_certified && raw.get(CERT_SN).is_some() && is_over(&UNSIGNED))
        {
            Ok(())
        } else {
            Err(NotificationError::NotAuthentic(
                "the signature is not of these parameters",
            ))
        }
    }

    fn foreign(&self, params: &Params<'_>) -> Option<Sentence> {
        if params.get("app_id") != Some(self.app_id) {
            return Some(Sentence::OtherApp);
        }
        if params.get("auth_app_id").is_some_and(|id| id != self.app_id) {
            return Some(Sentence::OtherAuthorisedApp);
        }
        let seller_id = params.get("seller_id");
        if self.seller_id.is_some() && seller_id.is_some() && seller_id != self.seller_id {
            return Some(Sentence::OtherSeller);
        }
        None
    }

    fn news(&self, params: &Params<'_>) -> Result<NotificationContent, NotificationError> {
        // A partial refund is notified with TRADE_SUCCESS to the same address: not a second payment (T-35).
        if tells_of_refund(params) {
            return Ok(NotificationContent::Refund(refund_news(params)));
        }
        match params.get("trade_status") {
            Some("TRADE_SUCCESS" | "TRADE_FINISHED") => receipt(
                params.get("trade_no"),
                params.get("total_amount"),
                params.get("gmt_payment"),
                self.now,
            )
            .map(|receipt| NotificationContent::Payment(Report::Paid(receipt)))
            .map_err(NotificationError::Malformed),
            // Closed after it was paid: refunded in full (T-37).
            Some("TRADE_CLOSED") if params.get("gmt_payment").is_some() => {
                Ok(NotificationContent::Refund(refund_news(params)))
            }
            Some("TRADE_CLOSED") => Ok(NotificationContent::Payment(Report::Closed)),
            Some("WAIT_BUYER_PAY") => Ok(NotificationContent::Payment(Report::Unpaid)),
            _ => Ok(NotificationContent::Foreign(Sentence::UnknownTradeStatus)),
        }
    }
}

/// Whether a notification is about a refund. `refund_fee=0.00` also comes with ordinary payments, unpaid closed trades
/// and finished ones, and means nothing (T-54); an amount that cannot be parsed is not taken for zero.
fn tells_of_refund(params: &Params<'_>) -> bool {
    let is_nothing = |sum: &str| sum.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    ["gmt_refund", "out_biz_no"]
        .iter()
        .any(|name| params.get(name).is_some())
        || params.get("refund_fee").is_some_and(|sum| !is_nothing(sum))
}

/// Builds the ambiguous notification without the message's own id: a forged id would make it a duplicate of another
/// one.
fn ambiguous_notification(params: &Params<'_>) -> Notification {
    let digest = digest(&SHA256, &params.0.signed_text(&UNSIGNED[..2]));
    let hex = hex_digits(&digest.as_ref()[..16]);
    let payment_no = params.get("out_trade_no").filter(|number| is_plain(number));
    Notification {
        id: format!("ambiguous-{hex}"),
        payment_no: payment_no.unwrap_or_default().to_owned(),
        content: NotificationContent::Ambiguous,
    }
}

/// Builds a refund notification without a report: the amount is that of all refunds (T-36), and whether this refund is
/// done is not stated. The gateway is queried.
fn refund_news(params: &Params<'_>) -> RefundNews {
    RefundNews {
        refund_no: params.get("out_biz_no").map(str::to_owned),
        transaction_id: params.get("trade_no").map(str::to_owned),
        amount: None,
        refunded: money(params.get("refund_fee")),
        total: money(params.get("total_amount")),
        report: None,
    }
}

/// Parses the raw body, decoded once to bytes (T-12). The query of the address is ignored (T-14).
pub(super) fn parse_form(body: &[u8]) -> Result<RawParams<'_>, NotificationError> {
    let mut params = Vec::with_capacity(USUAL_PARAMS);
    params.extend(pairs(body).take(MOST_PARAMS + 1));
    if params.len() > MOST_PARAMS {
        return Err(NotificationError::Malformed("too many parameters"));
    }
    params.sort_by(|(left, _), (right, _)| left.cmp(right));
    // A parameter that occurs twice is refused: one value would be verified and the other used.
    if params.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(NotificationError::Malformed("a parameter comes twice"));
    }
    Ok(RawParams(params))
}

impl RawParams<'_> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        let place = self
            .0
            .binary_search_by(|(known, _)| (**known).cmp(name.as_bytes()));
        Some(&self.0[place.ok()?].1)
    }

    fn signed_text(&self, unsigned: &[&str]) -> Vec<u8> {
        let is_signed = |name: &[u8]| !unsigned.iter().any(|other| other.as_bytes() == name);
        let signed = self.0.iter().filter(|(name, _)| is_signed(name));
        joined_in_order(signed.map(|(name, value)| (name.as_ref(), value.as_ref())))
    }

    /// Whether the same signed text could stand for other parameters: it has no escapes, so a value with `&…=` may hide
    /// parameters, or be left over from ones that were cut out of another value (T-53). No multi-byte character of GBK
    /// or UTF-8 contains either byte.
    fn is_ambiguous(&self) -> bool {
        self.0.iter().any(|(name, value)| {
            let hides = |place: usize| value[place..].contains(&b'=');
            name.iter().any(|byte| matches!(byte, b'&' | b'='))
                || value.iter().position(|byte| *byte == b'&').is_some_and(hides)
        })
    }
}

/// Returns the serial of the certificate that a notification names; without a signature it is not worth fetching.
pub(super) fn named_certificate<'a>(raw: &'a RawParams<'_>) -> Result<Option<&'a str>, NotificationError> {
    if raw.get("sign").is_none() {
        return Err(NotificationError::NotAuthentic("no signature"));
    }
    match raw.get(CERT_SN).map(std::str::from_utf8) {
        None => Ok(None),
        Some(Ok(sn)) if is_plain(sn) => Ok(Some(sn)),
        Some(_) => Err(NotificationError::NotAuthentic(
            "the certificate has no usable name",
        )),
    }
}

impl<'a> Params<'a> {
    /// Returns a parameter unless it is empty: empty ones are signed but mean nothing.
    ///
    /// All values that we act on are ASCII, equal in every charset that Alipay uses. So no charset is needed, and a
    /// subject cut inside a character, or with a missing or wrong charset, cannot make an authentic notification
    /// unreadable (T-57). A value that is not ASCII equals no known value.
    fn get(&self, name: &str) -> Option<&'a str> {
        let value = self.0.get(name).filter(|value| !value.is_empty())?;
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
        Some(text.unwrap_or(NOT_ASCII))
    }
}
