//! What Alipay tells us unasked: a form whose parameters are signed together (protocols 2.6).

use std::collections::BTreeMap;

use domain::{Report, Timestamp};
use encoding_rs::{Encoding, GB18030, GBK, UTF_8};
use percent_encoding::percent_decode;

use super::super::{Notice, NoticeContent, NoticeError, RefundNews, VerifyingKey, is_plain};
use super::sign::joined;
use super::wire::{money, receipt};

/// A real notice has about thirty.
const MOST_PARAMS: usize = 500;

pub(super) type RawParams = BTreeMap<Vec<u8>, Vec<u8>>;

/// In certificate mode: what the signature was made with.
const CERT_SN: &[u8] = b"alipay_cert_sn";

/// Who we are at Alipay.
pub(super) struct Reader<'a> {
    pub(super) app_id: &'a str,
    pub(super) seller_id: Option<&'a str>,
    pub(super) key: &'a VerifyingKey,
    pub(super) is_certified: bool,
    pub(super) now: Timestamp,
}

/// The parameters of a message that Alipay signed, as text.
struct Params(BTreeMap<String, String>);

impl Reader<'_> {
    pub(super) fn read(&self, raw: RawParams) -> Result<Notice, NoticeError> {
        self.verify(&raw)?;
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
    fn verify(&self, raw: &RawParams) -> Result<(), NoticeError> {
        let get = |name: &str| raw.get(name.as_bytes()).map(Vec::as_slice);
        let sign = get("sign").and_then(|sign| std::str::from_utf8(sign).ok());
        let sign = sign
            .filter(|sign| !sign.is_empty())
            .ok_or(NoticeError::NotAuthentic("no signature"))?;
        if get("sign_type").is_some_and(|kind| kind != b"RSA2") {
            return Err(NoticeError::NotAuthentic("another kind of signature"));
        }
        let is_over = |unsigned: &[&[u8]]| {
            let signed = raw
                .iter()
                .filter(|(name, _)| !unsigned.contains(&name.as_slice()))
                .map(|(name, value)| (name.as_slice(), value.as_slice()));
            self.key.verifies(&joined(signed), sign)
        };
        // Some senders of certificate mode leave the name of the certificate out of what they sign (2.6, step 5).
        let unsigned: [&[u8]; 3] = [b"sign", b"sign_type", CERT_SN];
        if is_over(&unsigned[..2]) || (self.is_certified && raw.contains_key(CERT_SN) && is_over(&unsigned)) {
            Ok(())
        } else {
            Err(NoticeError::NotAuthentic(
                "the signature is not of these parameters",
            ))
        }
    }

    fn foreign(&self, params: &Params) -> Option<&'static str> {
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

    fn news(&self, params: &Params) -> Result<NoticeContent, NoticeError> {
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
fn refund_news(params: &Params) -> RefundNews {
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
pub(super) fn parse_form(body: &[u8]) -> Result<RawParams, NoticeError> {
    let mut params = RawParams::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (name, value) = (
            halves.next().unwrap_or_default(),
            halves.next().unwrap_or_default(),
        );
        // One of two values would be checked and the other be used.
        if params.insert(decode_once(name), decode_once(value)).is_some() {
            return Err(NoticeError::Malformed("a parameter comes twice"));
        }
        if params.len() > MOST_PARAMS {
            return Err(NoticeError::Malformed("too many parameters"));
        }
    }
    Ok(params)
}

/// The certificate that a message names, whose signature is yet to be checked. One without a signature names none worth
/// fetching.
pub(super) fn named_certificate(raw: &RawParams) -> Result<Option<&str>, NoticeError> {
    if !raw.contains_key(b"sign".as_slice()) {
        return Err(NoticeError::NotAuthentic("no signature"));
    }
    match raw.get(CERT_SN).map(|sn| std::str::from_utf8(sn)) {
        None => Ok(None),
        Some(Ok(sn)) if is_plain(sn) => Ok(Some(sn)),
        Some(_) => Err(NoticeError::NotAuthentic("the certificate has no usable name")),
    }
}

fn decode_once(part: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = part
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced).collect()
}

impl Params {
    /// After verification: the signature is over bytes, their charset is one of the signed parameters (T-18).
    fn decode(raw: RawParams) -> Result<Params, NoticeError> {
        let charset = match raw.get(b"charset".as_slice()) {
            None => Some(UTF_8),
            Some(label) => Encoding::for_label(label),
        };
        let charset = charset
            .filter(|charset| [UTF_8, GBK, GB18030].contains(charset))
            .ok_or(NoticeError::Malformed("an unknown charset"))?;
        let text = |bytes: &[u8]| {
            charset
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned)
                .ok_or(NoticeError::Malformed("not in the charset it names"))
        };
        let decoded: Result<BTreeMap<_, _>, _> = raw
            .iter()
            .map(|(name, value)| Ok((text(name)?, text(value)?)))
            .collect();
        decoded.map(Params)
    }

    /// A parameter that says something: empty ones are signed, but mean nothing.
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}
