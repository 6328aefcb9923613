//! Effects of the payment of an epay order: its notification, the end of other attempts, and the payer's way back.

use domain::{Order, OrderState, Timestamp};
use futures_util::FutureExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::describe::shown_type;
use super::merchants::find_any_merchant;
use super::notification::enqueue_notification;
use super::sign::{sign_with_md5, sign_with_rsa};
use super::text::{Empties, Fields, signed_text};
use super::{Attempt, Merchant, USER_PREFIX, Version};
use crate::calendar::beijing;
use crate::store::{StoreError, Tx, epay_attempts, orders, payments};
use crate::{Error, Services};

/// Everything but the unreserved characters of RFC 3986 is encoded, a space as `%20`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An order of an epay merchant that money came for, with the other attempts of its number.
#[derive(Debug)]
pub(crate) struct Siblings {
    attempt: Attempt,
    others: Vec<Attempt>,
}

impl Siblings {
    /// Whether the number is paid already: more money for it goes back.
    pub(crate) fn has_paid(&self) -> bool {
        self.others.iter().any(|other| other.state == OrderState::Paid)
    }
}

/// Holds the number of an epay order, so that of two of its attempts only one is credited. `None`: it is none.
pub(crate) async fn find_siblings(tx: &mut Tx<'_>, order: &Order) -> Result<Option<Siblings>, StoreError> {
    // Nearly every order ends here, without a question to the database.
    if !order.user_id.starts_with(USER_PREFIX) {
        return Ok(None);
    }
    let Some(attempt) = epay_attempts::find_by_order(tx, &order.id).await? else {
        return Ok(None);
    };
    epay_attempts::hold_number(tx, attempt.pid, &attempt.out_trade_no).await?;
    let mut others = epay_attempts::list_of_number(tx, attempt.pid, &attempt.out_trade_no).await?;
    others.retain(|other| other.order_id != attempt.order_id);
    Ok(Some(Siblings { attempt, others }))
}

/// Whether an order was made by the epay protocol.
pub(crate) async fn is_epay_order(tx: &mut Tx<'_>, order: &Order) -> Result<bool, StoreError> {
    Ok(
        order.user_id.starts_with(USER_PREFIX)
            && epay_attempts::find_by_order(tx, &order.id).await?.is_some(),
    )
}

/// Writes the notification in the transaction that marks the order paid, and ends the time of other attempts: their open
/// payments are closed, and money that still comes for them goes back.
pub(crate) async fn record_paid(
    services: &Services,
    tx: &mut Tx<'_>,
    siblings: &Siblings,
) -> Result<(), StoreError> {
    let now = services.clock.now();
    let open = siblings
        .others
        .iter()
        .filter(|other| other.state == OrderState::Open);
    for other in open {
        orders::end_time(tx, &other.order_id, now).await?;
        payments::expire_now(tx, &other.order_id, now).await?;
    }
    enqueue_notification(tx, &siblings.attempt, now).await
}

/// Address that the payer goes to from the page of a paid order, signed now; the bare address while nothing may be told.
///
/// `None`: not an epay order, or its merchant gave no address.
pub async fn find_return_address(services: &Services, token: &str) -> Result<Option<String>, Error> {
    let attempt = services
        .db
        .snapshot(|tx| {
            async move {
                match orders::find_by_token(tx, token).await? {
                    Some(order) => epay_attempts::find_by_order(tx, &order.id).await,
                    None => Ok(None),
                }
            }
            .boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    let Some(attempt) = attempt else { return Ok(None) };
    let Some(address) = attempt.return_url.clone() else {
        return Ok(None);
    };
    if !attempt.may_tell_paid() {
        return Ok(Some(address));
    }
    let merchant = find_any_merchant(services, attempt.pid).await?;
    let fields = sign_paid(&merchant, &attempt, services.clock.now())?;
    Ok(Some(append_fields(&address, &fields)))
}

/// The fields that tell of a paid order, signed now: in a notification and behind the return address.
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
pub(super) fn append_fields(address: &str, fields: &[(String, String)]) -> String {
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
