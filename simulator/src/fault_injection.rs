//! Fault injection into one call: before the gateway handles it, and after it took effect.

use serde_json::Value;

use crate::alipay;
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind, Occasion};
use crate::keys::Signer;
use crate::state::State;
use crate::wechat;
use crate::wire::{Ending, Forgery, Reply, Seal};

const BEFORE: [FaultKind; 5] = [
    FaultKind::ResetBefore,
    FaultKind::HangBefore,
    FaultKind::Html502,
    FaultKind::ErrorBefore,
    FaultKind::Busy,
];
const AFTER: [FaultKind; 6] = [
    FaultKind::ResetAfter,
    FaultKind::HangAfter,
    FaultKind::Html502After,
    FaultKind::ErrorAfter,
    FaultKind::BusyAfter,
    FaultKind::Truncate,
];
const DISGUISES: [FaultKind; 3] = [FaultKind::WrongNode, FaultKind::OtherTrade, FaultKind::Gbk];
const PAGE_502: &str = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>";

impl State {
    pub(crate) fn with_faults(
        &mut self,
        occasion: &Occasion,
        act: impl FnOnce(&mut State) -> Reply,
    ) -> Reply {
        if let Some(kind) = self.first_of(&BEFORE, occasion) {
            return self.spoil(occasion, kind, Reply::new(504, "text/plain", ""));
        }
        let forgery = self.forgery(occasion);
        let spoilt = self.first_of(&AFTER, occasion);
        let disguise = self.first_of(&DISGUISES, occasion);
        let mut reply = act(self);
        reply.forgery = forgery;
        if let Some(kind) = disguise {
            reply = disguise_reply(kind, reply);
        }
        match spoilt {
            Some(kind) => self.spoil(occasion, kind, reply),
            None => reply,
        }
    }

    fn first_of(&mut self, kinds: &[FaultKind], occasion: &Occasion) -> Option<FaultKind> {
        let State { faults, rng, .. } = self;
        faults.strike_at(rng, occasion, |kind| kinds.contains(&kind).then_some(kind))
    }

    /// Applies a fault to this answer.
    fn spoil(&mut self, occasion: &Occasion, kind: FaultKind, reply: Reply) -> Reply {
        let after_notifications = reply.after_notifications;
        let ending = match kind {
            FaultKind::ResetBefore | FaultKind::ResetAfter => Ending::Reset,
            FaultKind::HangBefore | FaultKind::HangAfter => Ending::Never,
            FaultKind::Truncate => Ending::Truncated,
            _ => Ending::Whole,
        };
        let left = match kind {
            FaultKind::Html502 | FaultKind::Html502After => Reply::new(502, "text/html", PAGE_502),
            FaultKind::ErrorBefore | FaultKind::ErrorAfter => self.failure(occasion, false),
            FaultKind::Busy | FaultKind::BusyAfter => self.failure(occasion, true),
            _ => reply,
        };
        Reply {
            ending,
            after_notifications,
            ..left
        }
    }

    fn failure(&mut self, occasion: &Occasion, busy: bool) -> Reply {
        match occasion.gateway {
            Gateway::Wechat => wechat::failure(self, occasion.endpoint, busy),
            Gateway::Alipay => alipay::failure(self, busy),
        }
    }

    pub(crate) fn forgery(&mut self, occasion: &Occasion) -> Forgery {
        let is_wechat = occasion.gateway == Gateway::Wechat;
        let State { faults, rng, .. } = self;
        let struck = faults.strike_at(rng, occasion, |kind| match kind {
            FaultKind::NoSignature | FaultKind::BadSignature => Some(kind),
            FaultKind::Probe | FaultKind::Rotate if is_wechat => Some(kind),
            _ => None,
        });
        match struck {
            Some(FaultKind::NoSignature) => Forgery::Missing,
            Some(FaultKind::BadSignature) => Forgery::By(Signer::Stranger),
            Some(FaultKind::Probe) => Forgery::Probe(crate::state::probe(&mut self.rng)),
            Some(FaultKind::Rotate) => Forgery::By(Signer::Rotated),
            _ => Forgery::By(Signer::Gateway),
        }
    }

    /// Business refusal of an authenticated call.
    pub(crate) fn veto(&mut self, gateway: Gateway, endpoint: Endpoint) -> Option<FaultKind> {
        let State { faults, rng, .. } = self;
        faults.strike(rng, gateway, endpoint, |kind| {
            let fits = match kind {
                FaultKind::UserPaying => gateway == Gateway::Wechat && endpoint == Endpoint::Close,
                FaultKind::NotEnough => endpoint == Endpoint::Refund,
                FaultKind::NotFound => matches!(
                    endpoint,
                    Endpoint::Query
                        | Endpoint::Close
                        | Endpoint::Refund
                        | Endpoint::QueryRefund
                        | Endpoint::Shipping
                ),
                FaultKind::Declined => endpoint == Endpoint::Shipping,
                _ => false,
            };
            fits.then_some(kind)
        })
    }

    /// Returns whether a fault refuses an order.
    pub(crate) fn declines_order(&mut self, gateway: Gateway, is_known: bool) -> bool {
        let State { faults, rng, .. } = self;
        let struck = faults.strike(rng, gateway, Endpoint::Create, |kind| {
            let fits = kind == FaultKind::Declined || (is_known && kind == FaultKind::DeclinedAgain);
            fits.then_some(())
        });
        struck.is_some()
    }
}

/// Alters an answer (another node, another trade, another charset) before it is signed.
fn disguise_reply(kind: FaultKind, mut reply: Reply) -> Reply {
    match (kind, &mut reply.seal) {
        (FaultKind::WrongNode, Seal::Alipay { node, .. }) => {
            const REFUND: &str = "alipay_trade_refund_response";
            let other = if node == REFUND {
                "alipay_trade_query_response"
            } else {
                REFUND
            };
            other.clone_into(node);
        }
        (FaultKind::OtherTrade, Seal::Alipay { .. } | Seal::Wechat { .. }) => {
            if let Some(body) = about_another_trade(&reply.body) {
                let slashed = matches!(reply.seal, Seal::Alipay { .. });
                reply.body = if slashed { body.replace('/', "\\/") } else { body }.into_bytes();
            }
        }
        (FaultKind::Gbk, Seal::Alipay { .. } | Seal::None) => {
            let text = String::from_utf8_lossy(&reply.body);
            reply.body = encoding_rs::GBK.encode(&text).0.into_owned();
            for (name, value) in &mut reply.headers {
                if *name == "content-type" {
                    *value = value.replace("utf-8", "GBK");
                }
            }
        }
        _ => {}
    }
    reply
}

fn about_another_trade(body: &[u8]) -> Option<String> {
    let mut shown: Value = serde_json::from_slice(body).ok()?;
    let number = shown.get("out_trade_no")?.as_str()?;
    let mut other = number.to_owned();
    let last = other.pop()?;
    other.push(if last == '0' { '1' } else { '0' });
    shown["out_trade_no"] = other.into();
    Some(shown.to_string())
}
