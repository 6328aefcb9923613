//! Both gateways as one state machine: requests, payers and time go in, answers and notices come out.
//!
//! No socket, no clock and no signing: time arrives as an argument, and signatures are made outside
//! ([`Reply::seal`], [`Draft::seal`]), because they are slow and need no state.

use std::sync::Arc;

use crate::alipay::{self, Alipay};
use crate::books::{Books, Gateway};
use crate::dice::Dice;
use crate::faults::{Endpoint, Fault, FaultKind, Faults};
use crate::keys::{Keys, Signer};
use crate::letter::{Draft, Style};
use crate::post::{Notice, Post};
use crate::time::DAY_MS;
use crate::wechat::{self, Wechat};
use crate::wire::{Ending, Forgery, Reply, Request};

/// Longer than either schedule.
const LONGEST_DELAY_MS: i64 = 30 * DAY_MS;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) keys: Arc<Keys>,
    pub(crate) dice: Dice,
    pub(crate) faults: Faults,
    pub(crate) post: Post,
    pub(crate) wechat: Wechat,
    pub(crate) alipay: Alipay,
}

/// What one due notice turns into; a muted one has no letters.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) place: usize,
    pub(crate) gateway: Gateway,
    /// The letter and its copies, sent in parallel.
    pub(crate) letters: Vec<Draft>,
}

impl World {
    pub(crate) fn new(keys: Arc<Keys>, seed: u64) -> World {
        World {
            keys,
            dice: Dice::new(seed),
            faults: Faults::none(),
            post: Post::default(),
            wechat: Wechat::default(),
            alipay: Alipay::default(),
        }
    }

    /// A request to one of the two gateways.
    pub(crate) fn handle(&mut self, now_ms: i64, request: &Request) -> Reply {
        self.lapse(now_ms);
        if request.path() == "/gateway.do" {
            let endpoint = alipay::endpoint(request);
            return self.with_faults(Gateway::Alipay, endpoint, |world| {
                alipay::handle(world, now_ms, request)
            });
        }
        let endpoint = wechat::endpoint(request);
        self.with_faults(Gateway::Wechat, endpoint, |world| {
            wechat::handle(world, now_ms, request)
        })
    }

    fn with_faults(
        &mut self,
        gateway: Gateway,
        endpoint: Option<Endpoint>,
        act: impl FnOnce(&mut World) -> Reply,
    ) -> Reply {
        let Some(endpoint) = endpoint else {
            return act(self);
        };
        let World { faults, dice, .. } = self;
        let mut strikes = |kind| faults.strikes(dice, gateway, endpoint, kind);
        if strikes(FaultKind::HangBefore) {
            return Reply {
                ending: Ending::Never,
                ..Reply::new(504, "text/plain", "")
            };
        }
        if strikes(FaultKind::Html502) {
            let page = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>";
            return Reply::new(502, "text/html", page);
        }
        let error_before = strikes(FaultKind::ErrorBefore);
        let busy = !error_before && strikes(FaultKind::Busy);
        let error_after = strikes(FaultKind::ErrorAfter);
        let hang_after = strikes(FaultKind::HangAfter);
        let truncated = strikes(FaultKind::Truncate);
        let forgery = self.forgery(gateway, endpoint);
        let failure = |world: &mut World, busy: bool| match gateway {
            Gateway::Wechat => wechat::failure(world, busy),
            Gateway::Alipay => alipay::failure(world, busy),
        };
        let mut reply = if error_before || busy {
            failure(self, busy)
        } else {
            act(self)
        };
        if error_after {
            reply = failure(self, false);
        }
        if hang_after {
            reply.ending = Ending::Never;
        } else if truncated {
            reply.ending = Ending::Truncated;
        }
        reply.forgery = forgery;
        reply
    }

    fn forgery(&mut self, gateway: Gateway, endpoint: Endpoint) -> Forgery {
        let World { faults, dice, .. } = self;
        let mut strikes = |kind| faults.strikes(dice, gateway, endpoint, kind);
        if strikes(FaultKind::NoSignature) {
            return Forgery::Missing;
        }
        if strikes(FaultKind::BadSignature) {
            return Forgery::By(Signer::Stranger);
        }
        if gateway == Gateway::Wechat && strikes(FaultKind::Probe) {
            return Forgery::Probe(probe(dice));
        }
        if gateway == Gateway::Wechat && strikes(FaultKind::Rotate) {
            return Forgery::By(Signer::Rotated);
        }
        Forgery::By(Signer::Gateway)
    }

    pub(crate) fn add_fault(&mut self, fault: Fault) {
        // The new certificate is on the list from the first rotation on, and stays there.
        self.wechat.rotated |= fault.kind == FaultKind::Rotate;
        self.faults.push(fault);
    }

    pub(crate) fn set_faults(&mut self, faults: &Faults) {
        self.faults = Faults::none();
        for fault in faults.list() {
            self.add_fault(*fault);
        }
    }

    pub(crate) fn announce(&mut self, now_ms: i64, notice: Notice) {
        let gateway = notice.content.gateway();
        let World {
            faults, dice, post, ..
        } = self;
        let delay_ms = faults.strike(dice, gateway, Endpoint::Notice, |kind| match kind {
            FaultKind::Delay { ms } => Some(ms.clamp(0, LONGEST_DELAY_MS)),
            _ => None,
        });
        let held = faults.strikes(dice, gateway, Endpoint::Notice, FaultKind::Reorder);
        post.send(now_ms, notice, delay_ms.unwrap_or(0), held);
    }

    /// Closes and finishes what its time has run out for.
    pub(crate) fn lapse(&mut self, now_ms: i64) {
        self.wechat.lapse(now_ms);
        alipay::lapse(self, now_ms);
    }

    /// When the world next changes by itself.
    pub(crate) fn next_event_ms(&self) -> Option<i64> {
        self.post
            .next_due_ms()
            .into_iter()
            .chain(self.alipay.next_lapse_ms())
            .min()
    }

    /// Takes every notice that is due; each must come back through `post.attempted`.
    pub(crate) fn due(&mut self, now_ms: i64) -> Vec<Delivery> {
        self.lapse(now_ms);
        let claimed = self.post.claim(now_ms);
        claimed
            .into_iter()
            .map(|(place, notice)| self.prepare(now_ms, place, notice))
            .collect()
    }

    fn prepare(&mut self, now_ms: i64, place: usize, notice: Notice) -> Delivery {
        let gateway = notice.content.gateway();
        let forgery = self.forgery(gateway, Endpoint::Notice);
        let World { faults, dice, .. } = self;
        let copies = faults.strike(dice, gateway, Endpoint::Notice, |kind| match kind {
            FaultKind::Mute => Some(0),
            FaultKind::Duplicate { copies } => Some(copies.saturating_add(1)),
            _ => None,
        });
        let mut strikes = |kind| faults.strikes(dice, gateway, Endpoint::Notice, kind);
        let style = Style {
            gbk: strikes(FaultKind::Gbk),
            percent_spaces: strikes(FaultKind::PercentSpaces),
        };
        let letters = (0..copies.unwrap_or(1))
            .map(|_| Draft {
                style,
                ..Draft::new(notice.clone(), now_ms, &mut self.dice, forgery.clone())
            })
            .collect();
        Delivery {
            place,
            gateway,
            letters,
        }
    }

    pub(crate) fn books(&self) -> Books {
        let mut trades = self.wechat.book();
        trades.extend(self.alipay.book());
        Books {
            trades,
            notices: self.post.book(),
        }
    }
}

/// What WeChat sends in place of a signature to see whether anybody verifies (protocols 1.3).
pub(crate) fn probe(dice: &mut Dice) -> String {
    format!("WECHATPAY/SIGNTEST/{}", dice.alphanumeric(326))
}
