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

const fn entry(kind: &'static str, places: Places, what: &'static str) -> Entry {
    Entry {
        kind,
        number: None,
        gateway: None,
        places,
        what,
    }
}

const fn numbered(kind: &'static str, number: &'static str, places: Places, what: &'static str) -> Entry {
    Entry {
        number: Some(number),
        ..entry(kind, places, what)
    }
}

const fn of(gateway: Gateway, entry: Entry) -> Entry {
    Entry {
        gateway: Some(gateway),
        ..entry
    }
}

pub(crate) const CATALOGUE: &[Entry] = &[
    entry(
        "refuse",
        Places::Host,
        "nothing listens at the first address until the fault is cleared; host backup means the other one; this page stays under the address that is up",
    ),
    entry("resetBefore", Places::Answers, "the connection breaks, no effect"),
    entry(
        "resetAfter",
        Places::Answers,
        "the call takes effect, then the connection breaks",
    ),
    entry("hangBefore", Places::Answers, "no answer, no effect"),
    entry(
        "hangAfter",
        Places::Answers,
        "no answer, but the call took effect",
    ),
    entry(
        "truncate",
        Places::Answers,
        "half of the body, then the connection breaks",
    ),
    entry("html502", Places::Answers, "the edge's error page, no effect"),
    entry(
        "html502After",
        Places::Answers,
        "the edge's error page, but the call took effect",
    ),
    entry(
        "errorBefore",
        Places::Answers,
        "WeChat 500 SYSTEM_ERROR, Alipay 20000; no effect",
    ),
    entry(
        "errorAfter",
        Places::Answers,
        "the same, but the call took effect",
    ),
    entry(
        "busy",
        Places::Answers,
        "WeChat 429 FREQUENCY_LIMITED, Alipay 40005; no effect",
    ),
    entry(
        "busyAfter",
        Places::Answers,
        "the same, but the call took effect: what a 429 may mean for a refund",
    ),
    of(
        Gateway::Wechat,
        entry(
            "userPaying",
            Places::Only(&[Endpoint::Close]),
            "202 USER_PAYING: the payer is typing the password; no effect",
        ),
    ),
    entry(
        "notFound",
        Places::Only(&[
            Endpoint::Query,
            Endpoint::Close,
            Endpoint::Refund,
            Endpoint::QueryRefund,
        ]),
        "the number is not known yet: WeChat 404, Alipay ACQ.TRADE_NOT_EXIST; no effect",
    ),
    entry(
        "declined",
        Places::Only(&[Endpoint::Create]),
        "the order is refused, well signed: WeChat 400 INVALID_REQUEST, Alipay ACQ.INVALID_PARAMETER; no effect",
    ),
    entry(
        "declinedAgain",
        Places::Only(&[Endpoint::Create]),
        "the same refusal for an order that is known already: the first call stands; no effect",
    ),
    entry(
        "notEnough",
        Places::Only(&[Endpoint::Refund]),
        "the merchant's account is empty: WeChat 403 NOT_ENOUGH, Alipay ACQ.SELLER_BALANCE_NOT_ENOUGH; no effect",
    ),
    of(
        Gateway::Wechat,
        entry(
            "refundAbnormal",
            Places::Only(&[Endpoint::Refund]),
            "the refund is accepted and ends ABNORMAL",
        ),
    ),
    of(
        Gateway::Wechat,
        entry(
            "refundClosed",
            Places::Only(&[Endpoint::Refund]),
            "the refund is accepted and ends CLOSED",
        ),
    ),
    entry(
        "billOmits",
        Places::Only(&[Endpoint::Bill]),
        "the bill lacks the first payment of its day; the totals fit what it lists",
    ),
    entry(
        "billDiffers",
        Places::Only(&[Endpoint::Bill]),
        "the bill says one fen more of the first payment of its day",
    ),
    entry(
        "billInvents",
        Places::Only(&[Endpoint::Bill]),
        "the bill lists a copy of the first payment under numbers that never were",
    ),
    entry(
        "billNotReady",
        Places::Only(&[Endpoint::Bill]),
        "the bill is not made yet, whatever the hour: WeChat 400 STATEMENT_CREATING, Alipay BILL_NOT_EXIST",
    ),
    entry(
        "billMissing",
        Places::Only(&[Endpoint::Bill]),
        "no bill, though there were trades: WeChat 400 NO_STATEMENT_EXIST, Alipay EMPTY_DATA_WITH_BILL_FILE and a file without rows",
    ),
    of(
        Gateway::Wechat,
        entry(
            "billWrongHash",
            Places::Only(&[Endpoint::Bill]),
            "the answer, well signed, promises the hash of another file",
        ),
    ),
    entry(
        "billDamaged",
        Places::Only(&[Endpoint::Bill]),
        "one bit of the file is wrong",
    ),
    entry(
        "billCutOff",
        Places::Only(&[Endpoint::Bill]),
        "the second half of the table and its sums are missing; the hash and the archive are whole",
    ),
    entry(
        "billOfOther",
        Places::Only(&[Endpoint::Bill]),
        "the bill names another merchant number or account",
    ),
    entry(
        "billOfOtherDay",
        Places::Only(&[Endpoint::Bill]),
        "the bill of the day (or month) before",
    ),
    numbered(
        "stale",
        "seconds",
        Places::Only(&[Endpoint::Query]),
        "a payment of the last seconds is not seen yet",
    ),
    entry(
        "latePay",
        Places::Only(&[Endpoint::Close]),
        "somebody who began in time still pays after the close or the deadline",
    ),
    entry(
        "early",
        Places::Only(&[Endpoint::Create]),
        "the payer pays and the notice arrives before the create call is answered",
    ),
    of(
        Gateway::Wechat,
        entry(
            "probe",
            Places::Signed,
            "WECHATPAY/SIGNTEST/… in place of the signature; with percent at the rate you want",
        ),
    ),
    entry("badSignature", Places::Signed, "signed by a key nobody knows"),
    entry("noSignature", Places::Signed, "no signature at all"),
    of(
        Gateway::Wechat,
        entry(
            "rotate",
            Places::Signed,
            "signed with the second platform certificate (certificate mode)",
        ),
    ),
    of(
        Gateway::Alipay,
        entry(
            "wrongNode",
            Places::Answers,
            "the answer, well signed, under the name of another method",
        ),
    ),
    entry(
        "otherTrade",
        Places::Answers,
        "the answer is well signed and about another out_trade_no",
    ),
    entry(
        "mute",
        Places::Notifications,
        "an attempt is not made; the schedule goes on",
    ),
    numbered(
        "duplicate",
        "copies",
        Places::Notifications,
        "so many copies more, in parallel",
    ),
    numbered(
        "delay",
        "ms",
        Places::Notifications,
        "the first attempt comes later",
    ),
    entry(
        "reorder",
        Places::Notifications,
        "a notice waits until another has overtaken it, at most 15 s",
    ),
    of(
        Gateway::Alipay,
        entry(
            "gbk",
            Places::Signed,
            "in GBK; without an endpoint notices and answers",
        ),
    ),
    of(
        Gateway::Alipay,
        entry("percentSpaces", Places::Notifications, "a space is %20, not +"),
    ),
];

pub(crate) fn find(kind: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.kind == kind)
}
