//! Catalogue of faults: name, number, endpoints and effect, for people and for checks.

use super::Endpoint;
use crate::books::Gateway;

pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    /// The member that must be given beside the kind.
    pub(crate) number: Option<&'static str>,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) places: Places,
    pub(crate) what: &'static str,
}

/// Endpoints to which a kind applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// The address itself; neither endpoint nor count.
    Host,
    /// Every answer.
    Answers,
    /// Every answer and every notification.
    Signed,
    Notifications,
    /// These answers; decided inside the gateway, whichever address was called.
    Only(&'static [Endpoint]),
}

const CALLS: &[Endpoint] = &[
    Endpoint::Create,
    Endpoint::Query,
    Endpoint::Close,
    Endpoint::Cancel,
    Endpoint::Refund,
    Endpoint::QueryRefund,
    Endpoint::Bill,
    Endpoint::Certificates,
    Endpoint::Shipping,
    Endpoint::Cashier,
];
const NOTIFICATIONS: &[Endpoint] = &[Endpoint::Notification, Endpoint::RefundNotification];

impl Places {
    pub(crate) fn include(self, endpoint: Endpoint) -> bool {
        match self {
            Places::Host => false,
            Places::Answers => CALLS.contains(&endpoint),
            Places::Signed => CALLS.contains(&endpoint) || NOTIFICATIONS.contains(&endpoint),
            Places::Notifications => NOTIFICATIONS.contains(&endpoint),
            Places::Only(endpoints) => endpoints.contains(&endpoint),
        }
    }

    /// Whether a fault of this kind can be for one address only.
    pub(crate) fn have_hosts(self) -> bool {
        matches!(self, Places::Host | Places::Answers)
    }

    pub(crate) fn words(self) -> String {
        match self {
            Places::Host => "the address as a whole; no endpoint, no times, no percent".to_owned(),
            Places::Answers => "every answer".to_owned(),
            Places::Signed => "every answer and every notice".to_owned(),
            Places::Notifications => "notice, refundNotice".to_owned(),
            Places::Only(endpoints) => {
                let words: Vec<String> = endpoints.iter().map(|endpoint| endpoint.word()).collect();
                words.join(", ")
            }
        }
    }
}

impl Endpoint {
    /// As JSON writes it.
    pub(crate) fn word(self) -> String {
        let value = serde_json::to_value(self).expect("an endpoint is a word");
        value.as_str().expect("an endpoint is a word").to_owned()
    }
}

const fn catalogue_entry(kind: &'static str, places: Places, what: &'static str) -> Entry {
    Entry {
        kind,
        number: None,
        gateway: None,
        places,
        what,
    }
}

const fn numbered_entry(
    kind: &'static str,
    number: &'static str,
    places: Places,
    what: &'static str,
) -> Entry {
    Entry {
        number: Some(number),
        ..catalogue_entry(kind, places, what)
    }
}

const fn entry_of_gateway(gateway: Gateway, entry: Entry) -> Entry {
    Entry {
        gateway: Some(gateway),
        ..entry
    }
}

pub(crate) const CATALOGUE: &[Entry] = &[
    catalogue_entry(
        "refuse",
        Places::Host,
        "nothing listens at the first address until the fault is cleared; host backup means the other one; this page stays under the address that is up",
    ),
    catalogue_entry("resetBefore", Places::Answers, "the connection breaks, no effect"),
    catalogue_entry(
        "resetAfter",
        Places::Answers,
        "the call takes effect, then the connection breaks",
    ),
    catalogue_entry("hangBefore", Places::Answers, "no answer, no effect"),
    catalogue_entry(
        "hangAfter",
        Places::Answers,
        "no answer, but the call took effect",
    ),
    catalogue_entry(
        "truncate",
        Places::Answers,
        "half of the body, then the connection breaks",
    ),
    catalogue_entry("html502", Places::Answers, "the edge's error page, no effect"),
    catalogue_entry(
        "html502After",
        Places::Answers,
        "the edge's error page, but the call took effect",
    ),
    catalogue_entry(
        "errorBefore",
        Places::Answers,
        "WeChat 500 SYSTEM_ERROR, Alipay 20000; no effect",
    ),
    catalogue_entry(
        "errorAfter",
        Places::Answers,
        "the same, but the call took effect",
    ),
    catalogue_entry(
        "busy",
        Places::Answers,
        "WeChat 429 FREQUENCY_LIMITED (shipping -1), Alipay 40005; no effect",
    ),
    catalogue_entry(
        "busyAfter",
        Places::Answers,
        "the same, but the call took effect: what a 429 may mean for a refund",
    ),
    entry_of_gateway(
        Gateway::Wechat,
        catalogue_entry(
            "userPaying",
            Places::Only(&[Endpoint::Close]),
            "202 USER_PAYING: the payer is typing the password; no effect",
        ),
    ),
    catalogue_entry(
        "notFound",
        Places::Only(&[
            Endpoint::Query,
            Endpoint::Close,
            Endpoint::Refund,
            Endpoint::QueryRefund,
            Endpoint::Shipping,
        ]),
        "the number is not known yet: WeChat 404 (shipping 10060001), Alipay ACQ.TRADE_NOT_EXIST; no effect",
    ),
    catalogue_entry(
        "declined",
        Places::Only(&[Endpoint::Create, Endpoint::Shipping]),
        "the order is refused, well signed: WeChat 400 INVALID_REQUEST (shipping 10060004), Alipay ACQ.INVALID_PARAMETER; no effect",
    ),
    catalogue_entry(
        "declinedAgain",
        Places::Only(&[Endpoint::Create]),
        "the same refusal for an order that is known already: the first call stands; no effect",
    ),
    entry_of_gateway(
        Gateway::Wechat,
        catalogue_entry(
            "tokenExpired",
            Places::Only(&[Endpoint::Shipping]),
            "the access token of the mini program is over before its time: 42001; no effect",
        ),
    ),
    catalogue_entry(
        "notEnough",
        Places::Only(&[Endpoint::Refund]),
        "the merchant's account is empty: WeChat 403 NOT_ENOUGH, Alipay ACQ.SELLER_BALANCE_NOT_ENOUGH; no effect",
    ),
    entry_of_gateway(
        Gateway::Wechat,
        catalogue_entry(
            "refundAbnormal",
            Places::Only(&[Endpoint::Refund]),
            "the refund is accepted and ends ABNORMAL",
        ),
    ),
    entry_of_gateway(
        Gateway::Wechat,
        catalogue_entry(
            "refundClosed",
            Places::Only(&[Endpoint::Refund]),
            "the refund is accepted and ends CLOSED",
        ),
    ),
    catalogue_entry(
        "billOmits",
        Places::Only(&[Endpoint::Bill]),
        "the bill lacks the first payment of its day; the totals fit what it lists",
    ),
    catalogue_entry(
        "billDiffers",
        Places::Only(&[Endpoint::Bill]),
        "the bill says one fen more of the first payment of its day",
    ),
    catalogue_entry(
        "billInvents",
        Places::Only(&[Endpoint::Bill]),
        "the bill lists a copy of the first payment under numbers that never were",
    ),
    catalogue_entry(
        "billNotReady",
        Places::Only(&[Endpoint::Bill]),
        "the bill is not made yet, whatever the hour: WeChat 400 STATEMENT_CREATING, Alipay BILL_NOT_EXIST",
    ),
    catalogue_entry(
        "billMissing",
        Places::Only(&[Endpoint::Bill]),
        "no bill, though there were trades: WeChat 400 NO_STATEMENT_EXIST, Alipay EMPTY_DATA_WITH_BILL_FILE and a file without rows",
    ),
    entry_of_gateway(
        Gateway::Wechat,
        catalogue_entry(
            "billWrongHash",
            Places::Only(&[Endpoint::Bill]),
            "the answer, well signed, promises the hash of another file",
        ),
    ),
    catalogue_entry(
        "billDamaged",
        Places::Only(&[Endpoint::Bill]),
        "one bit of the file is wrong",
    ),
    catalogue_entry(
        "billCutOff",
        Places::Only(&[Endpoint::Bill]),
        "the second half of the table and its sums are missing; the hash and the archive are whole",
    ),
    catalogue_entry(
        "billOfOther",
        Places::Only(&[Endpoint::Bill]),
        "the bill names another merchant number or account",
    ),
    catalogue_entry(
        "billOfOtherDay",
        Places::Only(&[Endpoint::Bill]),
        "the bill of the day (or month) before",
    ),
    numbered_entry(
        "stale",
        "seconds",
        Places::Only(&[Endpoint::Query]),
        "a payment of the last seconds is not seen yet",
    ),
    catalogue_entry(
        "latePay",
        Places::Only(&[Endpoint::Close]),
        "somebody who began in time still pays after the close or the deadline",
    ),
    catalogue_entry(
        "early",
        Places::Only(&[Endpoint::Create]),
        "the payer pays and the notice arrives before the create call is answered",
    ),
    entry_of_gateway(
        Gateway::Wechat,
        catalogue_entry(
            "probe",
            Places::Signed,
            "WECHATPAY/SIGNTEST/… in place of the signature; with percent at the rate you want",
        ),
    ),
    catalogue_entry("badSignature", Places::Signed, "signed by a key nobody knows"),
    catalogue_entry("noSignature", Places::Signed, "no signature at all"),
    entry_of_gateway(
        Gateway::Wechat,
        catalogue_entry(
            "rotate",
            Places::Signed,
            "signed with the second platform certificate (certificate mode)",
        ),
    ),
    entry_of_gateway(
        Gateway::Alipay,
        catalogue_entry(
            "wrongNode",
            Places::Answers,
            "the answer, well signed, under the name of another method",
        ),
    ),
    catalogue_entry(
        "otherTrade",
        Places::Answers,
        "the answer is well signed and about another out_trade_no",
    ),
    catalogue_entry(
        "mute",
        Places::Notifications,
        "an attempt is not made; the schedule goes on",
    ),
    numbered_entry(
        "duplicate",
        "copies",
        Places::Notifications,
        "so many copies more, in parallel",
    ),
    numbered_entry(
        "delay",
        "ms",
        Places::Notifications,
        "the first attempt comes later",
    ),
    catalogue_entry(
        "reorder",
        Places::Notifications,
        "a notice waits until another has overtaken it, at most 15 s",
    ),
    entry_of_gateway(
        Gateway::Alipay,
        catalogue_entry(
            "gbk",
            Places::Signed,
            "in GBK; without an endpoint notices and answers",
        ),
    ),
    entry_of_gateway(
        Gateway::Alipay,
        catalogue_entry("percentSpaces", Places::Notifications, "a space is %20, not +"),
    ),
];

pub(crate) fn find(kind: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.kind == kind)
}
