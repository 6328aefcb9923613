//! What may go wrong between a gateway and its merchant: which, where and how often.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::books::Gateway;
use crate::dice::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    Create,
    Query,
    Close,
    Certificates,
    Notice,
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
    /// The payer pays before the create call is answered, and the notice comes first.
    Early,
    /// The notice waits until another one has overtaken it, at most 15 s.
    Reorder,
    /// `WECHATPAY/SIGNTEST/…` instead of a signature, on notices and replies of WeChat.
    Probe,
    /// A signature by nobody's key.
    BadSignature,
    NoSignature,
    /// Half of the body, then the connection breaks.
    Truncate,
    /// The edge's error page.
    Html502,
    /// WeChat answers 500 `SYSTEM_ERROR`, Alipay code 20000.
    ErrorBefore,
    ErrorAfter,
    /// No answer at all.
    HangBefore,
    HangAfter,
    /// 429 without an effect; Alipay answers 40005.
    Busy,
    /// A payer who began in time still pays after the close or the deadline (endpoint `close`).
    LatePay,
    /// A query does not see a payment of the last seconds.
    Stale {
        seconds: i64,
    },
    /// WeChat signs with its other platform certificate (certificate mode).
    Rotate,
    /// Alipay's notice is in GBK.
    Gbk,
    /// Alipay's notice writes a space as `%20`, not `+`.
    PercentSpaces,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    #[default]
    Always,
    /// The next so many occasions.
    Times(u32),
    /// So many of a hundred occasions, by the seeded dice.
    Percent(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// Both gateways when absent.
    pub gateway: Option<Gateway>,
    /// Every endpoint where the kind makes sense when absent.
    pub endpoint: Option<Endpoint>,
    pub when: When,
}

impl Fault {
    /// Always and everywhere, until it is narrowed.
    pub fn new(kind: FaultKind) -> Fault {
        Fault {
            kind,
            gateway: None,
            endpoint: None,
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

    /// The first fault that `pick` wants and that strikes on this occasion; a counted one is used up.
    pub(crate) fn strike<T>(
        &mut self,
        dice: &mut Dice,
        gateway: Gateway,
        endpoint: Endpoint,
        pick: impl Fn(FaultKind) -> Option<T>,
    ) -> Option<T> {
        for fault in &mut self.list {
            let here = fault.gateway.is_none_or(|wanted| wanted == gateway)
                && fault.endpoint.is_none_or(|wanted| wanted == endpoint);
            let Some(picked) = pick(fault.kind).filter(|_| here) else {
                continue;
            };
            let strikes = match &mut fault.when {
                When::Always => true,
                When::Times(0) => false,
                When::Times(left) => {
                    *left -= 1;
                    true
                }
                When::Percent(percent) => dice.below(100) < u64::from(*percent),
            };
            if strikes {
                return Some(picked);
            }
        }
        None
    }

    pub(crate) fn strikes(
        &mut self,
        dice: &mut Dice,
        gateway: Gateway,
        endpoint: Endpoint,
        kind: FaultKind,
    ) -> bool {
        self.strike(dice, gateway, endpoint, |found| (found == kind).then_some(()))
            .is_some()
    }
}

/// A fault as `/_control/faults` reads it: the kind and its number, then where and how often.
pub(crate) fn read_fault(value: &Value) -> Result<Fault, String> {
    let mut members = value.as_object().ok_or("a fault is an object")?.clone();
    let gateway = take(&mut members, "gateway")?;
    let endpoint = take(&mut members, "endpoint")?;
    let times = take(&mut members, "times")?;
    let percent = take(&mut members, "percent")?;
    let kind = serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
    let when = match (times, percent) {
        (None, None) => When::Always,
        (Some(n_times), None) => When::Times(n_times),
        (None, Some(percent)) if percent <= 100 => When::Percent(percent),
        (None, Some(_)) => return Err("percent is 0 to 100".to_owned()),
        (Some(_), Some(_)) => return Err("times or percent, not both".to_owned()),
    };
    Ok(Fault {
        kind,
        gateway,
        endpoint,
        when,
    })
}

fn take<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    let Some(value) = members.remove(name) else {
        return Ok(None);
    };
    serde_json::from_value(value).map_err(|error| format!("{name}: {error}"))
}

pub(crate) fn show_fault(fault: &Fault) -> Value {
    let mut shown = serde_json::to_value(fault.kind).expect("a fault kind is plain data");
    if let Some(gateway) = fault.gateway {
        shown["gateway"] = gateway.as_str().into();
    }
    if let Some(endpoint) = fault.endpoint {
        shown["endpoint"] = serde_json::to_value(endpoint).expect("an endpoint is a word");
    }
    match fault.when {
        When::Always => {}
        When::Times(n_times) => shown["times"] = n_times.into(),
        When::Percent(percent) => shown["percent"] = percent.into(),
    }
    shown
}
