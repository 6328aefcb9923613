//! What Alipay tells us unasked: a form whose parameters are signed together (docs/gateway-facts.md 2.6).

use std::borrow::Cow;

use domain::{Report, Timestamp};
use encoding_rs::{Encoding, GB18030, GBK, UTF_8};
use percent_encoding::percent_decode;

use super::super::{Notice, NoticeContent, NoticeError, RefundNews, VerifyingKey, is_plain};
use super::sign::joined_in_order;
use super::wire::{money, receipt};

/// A real notice has about thirty.
const USUAL_PARAMS: usize = 40;
const MOST_PARAMS: usize = 500;

/// A name and its value.
type RawParam<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The parameters of a form in the order of their names, decoded once to bytes.
pub(super) struct RawParams<'a>(Vec<RawParam<'a>>);

/// In certificate mode: what the signature was made with.
const CERT_SN: &str = "alipay_cert_sn";

/// Who we are at Alipay.
pub(super) struct Reader<'a> {
    pub(super) app_id: &'a str,
    pub(super) seller_id: Option<&'a str>,
    pub(super) key: &'a VerifyingKey,
    pub(super) is_certified: bool,
    pub(super) now: Timestamp,
}

/// The parameters of a message that Alipay signed, as text.
struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Reader<'_> {
    pub(super) fn read(&self, raw: &RawParams<'_>) -> Result<Notice, NoticeError> {
        self.verify(raw)?;
        let params = Params::decode(raw)?;
        let id = params.get("notify_id").filter(|id| is_plain(id));
        let id = id.ok_or(NoticeError::Malformed("the notice has no usable id"))?;
        let payment_no = params.get("out_trade_no").unwrap_or_default();
        let is_sync = params
            .get("notify_type")
            .is_none_or(|kind| kind == "trade_status_sync");
        let content = match self.foreign(&params) {
            Some(whose) => NoticeContent::Foreign(whose),
            None if !is_sync => NoticeContent::Other,
            None if !is_plain(payment_no) => {
                return Err(NoticeError::Malformed("the payment has no usable number"));
            }
            None => self.news(&params)?,
        };
        Ok(Notice {
            id: id.to_owned(),
            payment_no: if is_plain(payment_no) {
                payment_no.to_owned()
            } else {
                String::new()
            },
            content,
        })
    }

    /// `sign` and `sign_type` are all that is not signed, and the latter may not choose the algorithm (T-15).
    fn verify(&self, raw: &RawParams<'_>) -> Result<(), NoticeError> {
        let sign = raw.get("sign").and_then(|sign| std::str::from_utf8(sign).ok());
        let sign = sign
            .filter(|sign| !sign.is_empty())
            .ok_or(NoticeError::NotAuthentic("no signature"))?;
        if raw.get("sign_type").is_some_and(|kind| kind != b"RSA2") {
            return Err(NoticeError::NotAuthentic("another kind of signature"));
        }
        let is_over = |unsigned: &[&str]| {
            let is_signed = |name: &[u8]| !unsigned.iter().any(|other| other.as_bytes() == name);
            let signed = raw.0.iter().filter(|(name, _)| is_signed(name));
            let signed = signed.map(|(name, value)| (name.as_ref(), value.as_ref()));
            self.key.verifies(&joined_in_order(signed), sign)
        };
        // Some senders of certificate mode leave the name of the certificate out of what they sign (2.6, step 5).
        let unsigned = ["sign", "sign_type", CERT_SN];
        if is_over(&unsigned[..2]) || (self.is_certified && raw.get(CERT_SN).is_some() && is_over(&unsigned))
        {
            Ok(())
        } else {
            Err(NoticeError::NotAuthentic(
                "the signature is not of these parameters",
            ))
        }
    }

    fn foreign(&self, params: &Params<'_>) -> Option<&'static str> {
        if params.get("app_id") != Some(self.app_id) {
            return Some("another app");
        }
        if params.get("auth_app_id").is_some_and(|id| id != self.app_id) {
            return Some("another authorised app");
        }
        let seller_id = params.get("seller_id");
        if self.seller_id.is_some() && seller_id.is_some() && seller_id != self.seller_id {
            return Some("another seller");
        }
        None
    }

    fn news(&self, params: &Params<'_>) -> Result<NoticeContent, NoticeError> {
        // A partial refund comes with TRADE_SUCCESS to the same address: it is no second payment (T-35).
        let is_refund = ["gmt_refund", "refund_fee", "out_biz_no"]
            .iter()
            .any(|name| params.get(name).is_some());
        if is_refund {
            return Ok(NoticeContent::Refund(refund_news(params)));
        }
        match params.get("trade_status") {
            Some("TRADE_SUCCESS" | "TRADE_FINISHED") => receipt(
                params.get("trade_no"),
                params.get("total_amount"),
                params.get("gmt_payment"),
                self.now,
            )
            .map(|receipt| NoticeContent::Payment(Report::Paid(receipt)))
            .map_err(NoticeError::Malformed),
            // Closed after it was paid means refunded in full (T-37).
            Some("TRADE_CLOSED") if params.get("gmt_payment").is_some() => {
                Ok(NoticeContent::Refund(refund_news(params)))
            }
            Some("TRADE_CLOSED") => Ok(NoticeContent::Payment(Report::Closed)),
            Some("WAIT_BUYER_PAY") => Ok(NoticeContent::Payment(Report::Unpaid)),
            _ => Ok(NoticeContent::Foreign("an unknown trade status")),
        }
    }
}

/// What is said about a refund is a hint: the sum is that of all refunds (T-36), and whether this one is done is not
/// said at all. The gateway is asked.
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

/// The raw body, decoded once to bytes (T-12). The query of the address takes no part (T-14).
pub(super) fn parse_form(body: &[u8]) -> Result<RawParams<'_>, NoticeError> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let mut params = Vec::with_capacity(USUAL_PARAMS);
    params.extend(pairs.take(MOST_PARAMS + 1).map(decoded_pair));
    if params.len() > MOST_PARAMS {
        return Err(NoticeError::Malformed("too many parameters"));
    }
    params.sort_by(|(left, _), (right, _)| left.cmp(right));
    // One of two values would be checked and the other be used.
    if params.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(NoticeError::Malformed("a parameter comes twice"));
    }
    Ok(RawParams(params))
}

fn decoded_pair(pair: &[u8]) -> RawParam<'_> {
    let mut halves = pair.splitn(2, |byte| *byte == b'=');
    let mut half = || decode_once(halves.next().unwrap_or_default());
    (half(), half())
}

impl RawParams<'_> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        let place = self
            .0
            .binary_search_by(|(known, _)| (**known).cmp(name.as_bytes()));
        Some(&self.0[place.ok()?].1)
    }
}

/// The certificate that a message names, whose signature is yet to be checked. One without a signature names none worth
/// fetching.
pub(super) fn named_certificate<'a>(raw: &'a RawParams<'_>) -> Result<Option<&'a str>, NoticeError> {
    if raw.get("sign").is_none() {
        return Err(NoticeError::NotAuthentic("no signature"));
    }
    match raw.get(CERT_SN).map(std::str::from_utf8) {
        None => Ok(None),
        Some(Ok(sn)) if is_plain(sn) => Ok(Some(sn)),
        Some(_) => Err(NoticeError::NotAuthentic("the certificate has no usable name")),
    }
}

fn decode_once(part: &[u8]) -> Cow<'_, [u8]> {
    if !part.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(part);
    }
    // Shorter than it was, so it never grows.
    let mut decoded = Vec::with_capacity(part.len());
    for (place, word) in part.split(|byte| *byte == b'+').enumerate() {
        if place > 0 {
            decoded.push(b' ');
        }
        decoded.extend(percent_decode(word));
    }
    Cow::Owned(decoded)
}

impl<'a> Params<'a> {
    /// After verification: the signature is over bytes, their charset is one of the signed parameters (T-18).
    fn decode(raw: &'a RawParams<'_>) -> Result<Params<'a>, NoticeError> {
        let charset = match raw.get("charset") {
            None => Some(UTF_8),
            Some(label) => Encoding::for_label(label),
        };
        let charset = charset
            .filter(|charset| [UTF_8, GBK, GB18030].contains(charset))
            .ok_or(NoticeError::Malformed("an unknown charset"))?;
        let text = |bytes: &'a [u8]| {
            charset
                .decode_without_bom_handling_and_without_replacement(bytes)
                .ok_or(NoticeError::Malformed("not in the charset it names"))
        };
        let decoded: Result<Vec<_>, _> = raw
            .0
            .iter()
            .map(|(name, value)| Ok((text(name)?, text(value)?)))
            .collect();
        decoded.map(Params)
    }

    /// A parameter that says something: empty ones are signed, but mean nothing.
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_ref())
            .filter(|value| !value.is_empty())
    }
}
