//! Fields that tell an epay merchant of a paid order: in a notification, and behind the return address.

use domain::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::describe::shown_type;
use super::sign::{sign_with_md5, sign_with_rsa};
use super::text::{Empties, Fields, signed_text};
use super::{Attempt, Merchant, Version};
use crate::Error;
use crate::calendar::beijing;
use crate::store::StoreError;

/// Everything but the unreserved characters of RFC 3986 is encoded, a space as `%20`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The fields of a paid order, signed now.
pub(super) fn sign_paid(
    merchant: &Merchant,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = vec![
        ("pid", attempt.pid.to_string()),
        ("trade_no", attempt.trade_no.to_string()),
        ("out_trade_no", attempt.out_trade_no.clone()),
        ("type", shown_type(attempt).to_owned()),
        ("name", attempt.name.clone()),
        ("money", attempt.amount.to_yuan()),
        ("trade_status", "TRADE_SUCCESS".to_owned()),
        // Some clients trim what they receive before they sign it.
        ("param", attempt.param.trim().to_owned()),
    ];
    if attempt.version == Version::V2 {
        pairs.extend([
            ("api_trade_no", attempt.transaction_id.clone().unwrap_or_default()),
            ("addtime", beijing(attempt.created_at)),
            ("endtime", attempt.paid_at.map(beijing).unwrap_or_default()),
            ("timestamp", now.seconds().to_string()),
        ]);
    }
    // Clients that sign everything they receive sign an empty value too, and others do not: so none is sent.
    pairs.retain(|(_, value)| !value.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let fields = Fields::collect(pairs.clone()).expect("each field is there once");
    let text = signed_text(&fields, Empties::LeftOut);
    let (sign, sign_type) = match attempt.version {
        Version::V1 => (sign_with_md5(&text, &merchant.key), "MD5"),
        Version::V2 => {
            let key = merchant
                .signing_key()
                .map_err(|_| StoreError::Corrupt("epay_merchants.platform_key"))?;
            (sign_with_rsa(&text, &key), "RSA")
        }
    };
    pairs.push(("sign".to_owned(), sign));
    pairs.push(("sign_type".to_owned(), sign_type.to_owned()));
    Ok(pairs)
}

/// Adds fields to an address, behind the query that it may have already.
pub(crate) fn append_fields(address: &str, fields: &[(String, String)]) -> String {
    let (base, rest) = address.split_once('#').unwrap_or((address, ""));
    let encoded: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
        .collect();
    let joint = match base.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let mut whole = format!("{base}{joint}{}", encoded.join("&"));
    if !rest.is_empty() {
        whole.push('#');
        whole.push_str(rest);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_behind_the_query_of_an_address_and_before_its_fragment() {
        let fields = [
            ("name".to_owned(), "a b+会&=".to_owned()),
            ("sign".to_owned(), "x~y_z-.".to_owned()),
        ];
        let added = "name=a%20b%2B%E4%BC%9A%26%3D&sign=x~y_z-.";
        for (address, whole) in [
            (
                "https://shop.example/n",
                format!("https://shop.example/n?{added}"),
            ),
            (
                "https://shop.example/n?",
                format!("https://shop.example/n?{added}"),
            ),
            (
                "https://shop.example/n?wc-api=epay",
                format!("https://shop.example/n?wc-api=epay&{added}"),
            ),
            (
                "https://shop.example/n?a=1#top",
                format!("https://shop.example/n?a=1&{added}#top"),
            ),
        ] {
            assert_eq!(append_fields(address, &fields), whole);
        }
    }
}
