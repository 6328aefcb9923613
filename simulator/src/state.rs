//! State machine of both gateways: requests, payers and time go in, answers and notifications come out.
//!
//! No socket, no clock and no signing: time arrives as an argument, and signatures are made outside
//! ([`Reply::seal`], [`Draft::seal`]), because they are slow and need no state.

use std::sync::Arc;

use crate::alipay::{self, Alipay};
use crate::books::{Books, Gateway};
use crate::faults::{Endpoint, Fault, FaultKind, Faults, Occasion};
use crate::keys::Keys;
use crate::outbox::{Notification, Outbox};
use crate::rng::Rng;
use crate::settings::Products;
use crate::signed_notification::{Draft, Style};
use crate::statement::Plant;
use crate::time::DAY_MS;
use crate::wechat::{self, Wechat};
use crate::wire::{Reply, Request};

/// Longer than either schedule.
const LONGEST_DELAY_MS: i64 = 30 * DAY_MS;
/// More at once would only test the machine.
const MOST_COPIES: u32 = 1_000;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) keys: Arc<Keys>,
    pub(crate) rng: Rng,
    pub(crate) faults: Faults,
    /// Differences between the statements and the books.
    pub(crate) plants: Vec<Plant>,
    pub(crate) outbox: Outbox,
    pub(crate) wechat: Wechat,
    pub(crate) alipay: Alipay,
    pub(crate) products: Products,
}

/// Deliveries of one due notification; a muted one has none.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) place: usize,
    pub(crate) gateway: Gateway,
    /// The notification and its copies, sent in parallel.
    pub(crate) letters: Vec<Draft>,
}

impl State {
    pub(crate) fn new(keys: Arc<Keys>, seed: u64) -> State {
        State {
            keys,
            rng: Rng::new(seed),
            faults: Faults::none(),
            plants: Vec::new(),
            outbox: Outbox::default(),
            wechat: Wechat::default(),
            alipay: Alipay::default(),
            products: Products::default(),
        }
    }

    /// A request to one of the two gateways.
    pub(crate) fn handle(&mut self, now_ms: i64, request: &Request) -> Reply {
        self.lapse(now_ms);
        let is_download = request.path() == alipay::DOWNLOAD_PATH;
        let (gateway, endpoint) = if is_download {
            (Gateway::Alipay, Some(Endpoint::Bill))
        } else if request.path() == "/gateway.do" {
            (Gateway::Alipay, alipay::endpoint(request))
        } else {
            (Gateway::Wechat, wechat::endpoint(request))
        };
        let act = |state: &mut State| match gateway {
            Gateway::Wechat => wechat::handle(state, now_ms, request),
            Gateway::Alipay if is_download => alipay::download_bill(state, now_ms, request),
            Gateway::Alipay => alipay::handle(state, now_ms, request),
        };
        let Some(endpoint) = endpoint else {
            return act(self);
        };
        let occasion = Occasion {
            gateway,
            endpoint,
            host: Some(request.host),
        };
        self.with_faults(&occasion, act)
    }

    pub(crate) fn add_fault(&mut self, fault: Fault) {
        // The new certificate is listed from the first rotation on.
        self.wechat.rotated |= fault.kind == FaultKind::Rotate;
        self.faults.push(fault);
    }

    pub(crate) fn set_faults(&mut self, faults: &Faults) {
        self.faults = Faults::none();
        for fault in faults.list() {
            self.add_fault(*fault);
        }
    }

    /// Plants differences in the statements; none when one of them could never show.
    pub(crate) fn plant(&mut self, plants: &[Plant]) -> Result<(), String> {
        let books = self.books();
        plants.iter().try_for_each(|plant| plant.check(&books))?;
        self.plants.extend_from_slice(plants);
        Ok(())
    }

    pub(crate) fn announce(&mut self, now_ms: i64, notification: Notification) {
        let (gateway, endpoint) = (notification.content.gateway(), notification.endpoint());
        let State {
            faults, rng, outbox, ..
        } = self;
        let delay_ms = faults.strike(rng, gateway, endpoint, |kind| match kind {
            FaultKind::Delay { ms } => Some(ms.clamp(0, LONGEST_DELAY_MS)),
            _ => None,
        });
        let held = faults.strikes(rng, gateway, endpoint, FaultKind::Reorder);
        outbox.send(now_ms, notification, delay_ms.unwrap_or(0), held);
    }

    /// Refunds past the merchant's program, at the gateway that has this payment.
    pub(crate) fn refund_by_hand(
        &mut self,
        now_ms: i64,
        out_trade_no: &str,
        fen: Option<i64>,
    ) -> Result<String, String> {
        self.lapse(now_ms);
        if self.wechat.orders.contains_key(out_trade_no) {
            wechat::refund_by_hand(self, now_ms, out_trade_no, fen)
        } else {
            alipay::refund_by_hand(self, now_ms, out_trade_no, fen)
        }
    }

    /// Closes and finishes everything whose time is up.
    pub(crate) fn lapse(&mut self, now_ms: i64) {
        wechat::lapse(self, now_ms);
        alipay::lapse(self, now_ms);
    }

    /// Time at which the state next changes by itself.
    pub(crate) fn next_event_ms(&self) -> Option<i64> {
        self.outbox
            .next_due_ms()
            .into_iter()
            .chain(self.alipay.next_lapse_ms())
            .chain(self.wechat.next_lapse_ms())
            .min()
    }

    /// Takes every due notification; each must be returned through `outbox.attempted`.
    pub(crate) fn due(&mut self, now_ms: i64) -> Vec<Delivery> {
        self.lapse(now_ms);
        let claimed = self.outbox.claim(now_ms);
        claimed
            .into_iter()
            .map(|(place, notification)| self.prepare(now_ms, place, notification))
            .collect()
    }

    fn prepare(&mut self, now_ms: i64, place: usize, notification: Notification) -> Delivery {
        let (gateway, endpoint) = (notification.content.gateway(), notification.endpoint());
        let forgery = self.forgery(&Occasion {
            gateway,
            endpoint,
            host: None,
        });
        let State { faults, rng, .. } = self;
        let copies = faults.strike(rng, gateway, endpoint, |kind| match kind {
            FaultKind::Mute => Some(0),
            FaultKind::Duplicate { copies } => Some(copies.min(MOST_COPIES) + 1),
            _ => None,
        });
        let mut strikes = |kind| faults.strikes(rng, gateway, endpoint, kind);
        let style = Style {
            gbk: strikes(FaultKind::Gbk),
            percent_spaces: strikes(FaultKind::PercentSpaces),
        };
        let letters = (0..copies.unwrap_or(1))
            .map(|_| Draft {
                style,
                ..Draft::new(notification.clone(), now_ms, &mut self.rng, forgery.clone())
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
        let mut refunds = self.wechat.book_refunds();
        refunds.extend(self.alipay.book_refunds());
        Books {
            trades,
            refunds,
            notifications: self.outbox.book(),
        }
    }
}

/// WeChat's probe in place of a signature, to see whether a merchant verifies (docs/gateway-facts.md 1.3).
pub(crate) fn probe(rng: &mut Rng) -> String {
    format!("WECHATPAY/SIGNTEST/{}", rng.alphanumeric(326))
}
