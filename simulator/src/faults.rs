//! Faults between a gateway and its merchant: kind, place and frequency.
//!
//! [`catalogue`] lists for every kind where it applies; `/_control` reads and shows faults by it.

mod catalogue;
mod json;

use serde::{Deserialize, Serialize};

use crate::books::Gateway;
use crate::rng::Rng;
pub(crate) use catalogue::{CATALOGUE, Entry};
pub(crate) use json::{read_fault, show_fault};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Endpoint {
    /// Every kind of order.
    Create,
    Query,
    Close,
    /// `alipay.trade.cancel`.
    Cancel,
    Refund,
    QueryRefund,
    /// The address of a bill, and its download.
    Bill,
    Certificates,
    /// Token and upload of the shipping information of a mini program at WeChat.
    Shipping,
    /// Pages in a payer's browser: Alipay's page and WAP products, WeChat's H5.
    Cashier,
    /// Every notification.
    #[serde(rename = "notice")]
    Notification,
    /// Notifications about refunds only.
    #[serde(rename = "refundNotice")]
    RefundNotification,
}

impl Endpoint {
    /// Returns whether a fault set here applies to that endpoint.
    fn covers(self, place: Endpoint) -> bool {
        self == place || (self == Endpoint::Notification && place == Endpoint::RefundNotification)
    }
}

/// The two addresses under which the simulator answers (docs/gateway-facts.md 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Host {
    Primary,
    Backup,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum FaultKind {
    /// The attempt is not made; the schedule goes on.
    Mute,
    /// So many copies more, in parallel.
    Duplicate {
        copies: u32,
    },
    /// The first attempt comes this much later.
    Delay {
        ms: i64,
    },
    /// The payer pays before the create call is answered, and the notification comes first.
    Early,
    /// The notification waits until another one has overtaken it, at most 15 s.
    Reorder,
    /// `WECHATPAY/SIGNTEST/…` instead of a signature, on notifications and replies of WeChat.
    Probe,
    /// A signature by an unknown key.
    BadSignature,
    NoSignature,
    /// WeChat signs with its other platform certificate (certificate mode).
    Rotate,
    /// Alipay's answer, well signed, stands in the node of another method.
    WrongNode,
    /// The answer is well signed and about another `out_trade_no`.
    OtherTrade,
    /// Nothing listens at this host (the first, unless the fault names the backup) while the fault is set.
    Refuse,
    /// The connection breaks before the call is looked at.
    ResetBefore,
    /// The call takes effect, then the connection breaks.
    ResetAfter,
    /// No answer at all.
    HangBefore,
    HangAfter,
    /// Half of the body, then the connection breaks.
    Truncate,
    /// The edge's error page, without an effect.
    Html502,
    /// The edge's error page, and the call took effect.
    Html502After,
    /// WeChat answers 500 `SYSTEM_ERROR`, Alipay code 20000.
    ErrorBefore,
    ErrorAfter,
    /// 429 without an effect; Alipay answers 40005.
    Busy,
    /// 429 though the call took effect, which WeChat documents for refunds.
    BusyAfter,
    /// WeChat answers 202 `USER_PAYING`: the payer is typing the password, nothing is closed.
    UserPaying,
    /// The number is not there yet: WeChat 404 (shipping: 10060001), Alipay `ACQ.TRADE_NOT_EXIST`; no effect.
    NotFound,
    /// The order is refused, well signed, without an effect: WeChat `INVALID_REQUEST` (shipping: 10060004), Alipay
    /// `ACQ.INVALID_PARAMETER`.
    Declined,
    /// The same, when the order is known already: the first call stands.
    DeclinedAgain,
    /// WeChat's access token of the mini program is over before its time: 42001.
    TokenExpired,
    /// The merchant's account cannot pay the refund: `NOT_ENOUGH`, `ACQ.SELLER_BALANCE_NOT_ENOUGH`.
    NotEnough,
    /// WeChat's refund ends `ABNORMAL`: the payer's card takes no money.
    RefundAbnormal,
    /// WeChat's refund ends `CLOSED`: no money moves.
    RefundClosed,
    /// A bill leaves out the first payment of its day.
    BillOmits,
    /// A bill says one fen more of the first payment of its day.
    BillDiffers,
    /// A bill lists a payment that never was.
    BillInvents,
    /// A bill is not made yet, whatever the hour.
    BillNotReady,
    /// There is no bill, though there were trades.
    BillMissing,
    /// WeChat's answer promises the hash of another file.
    BillWrongHash,
    /// A bit of the file is wrong.
    BillDamaged,
    /// The second half is missing, and WeChat's hash fits the first.
    BillCutOff,
    /// The bill of another merchant.
    BillOfOther,
    /// The bill of the day before.
    BillOfOtherDay,
    /// A query does not see a payment of the last seconds.
    Stale {
        seconds: i64,
    },
    /// A payment begun in time still succeeds after the close or the deadline (endpoint `close`).
    LatePay,
    /// Alipay's notification, or its answer, is in GBK.
    Gbk,
    /// Alipay's notification writes a space as `%20`, not `+`.
    PercentSpaces,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    #[default]
    Always,
    /// The next so many occasions.
    Times(u32),
    /// So many of a hundred occasions, by the seeded random numbers.
    Percent(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// Both gateways when absent.
    pub gateway: Option<Gateway>,
    /// Every endpoint where the kind makes sense when absent.
    pub endpoint: Option<Endpoint>,
    /// Both addresses when absent.
    pub host: Option<Host>,
    pub when: When,
}

impl Fault {
    /// Always and everywhere, until it is narrowed.
    pub fn new(kind: FaultKind) -> Fault {
        Fault {
            kind,
            gateway: None,
            endpoint: None,
            host: None,
            when: When::Always,
        }
    }

    #[must_use]
    pub fn on(self, gateway: Gateway) -> Fault {
        Fault {
            gateway: Some(gateway),
            ..self
        }
    }

    #[must_use]
    pub fn at(self, endpoint: Endpoint) -> Fault {
        Fault {
            endpoint: Some(endpoint),
            ..self
        }
    }

    /// Only calls to this address.
    #[must_use]
    pub fn host(self, host: Host) -> Fault {
        Fault {
            host: Some(host),
            ..self
        }
    }

    #[must_use]
    pub fn times(self, n_times: u32) -> Fault {
        Fault {
            when: When::Times(n_times),
            ..self
        }
    }

    #[must_use]
    pub fn percent(self, percent: u32) -> Fault {
        Fault {
            when: When::Percent(percent),
            ..self
        }
    }

    fn is_for(&self, occasion: &Occasion) -> bool {
        self.gateway.is_none_or(|wanted| wanted == occasion.gateway)
            && self
                .endpoint
                .is_none_or(|wanted| wanted.covers(occasion.endpoint))
            && self.host.is_none_or(|wanted| Some(wanted) == occasion.host)
    }
}

/// One moment at which a fault may strike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion {
    pub(crate) gateway: Gateway,
    pub(crate) endpoint: Endpoint,
    /// None where the address does not matter.
    pub(crate) host: Option<Host>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    pub fn none() -> Faults {
        Faults::default()
    }

    #[must_use]
    pub fn with(mut self, fault: Fault) -> Faults {
        self.list.push(fault);
        self
    }

    pub fn list(&self) -> &[Fault] {
        &self.list
    }

    pub(crate) fn push(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// Returns whether this address is down as a whole.
    pub(crate) fn refuses(&self, host: Host) -> bool {
        let refusals = self.list.iter().filter(|fault| fault.kind == FaultKind::Refuse);
        refusals
            .into_iter()
            .any(|fault| fault.host.unwrap_or(Host::Primary) == host)
    }

    /// Returns the first fault that `pick` wants and that applies to this occasion; a counted one is used up.
    pub(crate) fn strike_at<T>(
        &mut self,
        rng: &mut Rng,
        occasion: &Occasion,
        pick: impl Fn(FaultKind) -> Option<T>,
    ) -> Option<T> {
        for fault in &mut self.list {
            let Some(picked) = pick(fault.kind).filter(|_| fault.is_for(occasion)) else {
                continue;
            };
            let strikes = match &mut fault.when {
                When::Always => true,
                When::Times(0) => false,
                When::Times(left) => {
                    *left -= 1;
                    true
                }
                When::Percent(percent) => rng.below(100) < u64::from(*percent),
            };
            if strikes {
                return Some(picked);
            }
        }
        None
    }

    /// As [`Faults::strike_at`], where the address does not matter.
    pub(crate) fn strike<T>(
        &mut self,
        rng: &mut Rng,
        gateway: Gateway,
        endpoint: Endpoint,
        pick: impl Fn(FaultKind) -> Option<T>,
    ) -> Option<T> {
        let occasion = Occasion {
            gateway,
            endpoint,
            host: None,
        };
        self.strike_at(rng, &occasion, pick)
    }

    pub(crate) fn strikes(
        &mut self,
        rng: &mut Rng,
        gateway: Gateway,
        endpoint: Endpoint,
        kind: FaultKind,
    ) -> bool {
        self.strike(rng, gateway, endpoint, |found| (found == kind).then_some(()))
            .is_some()
    }
}
