//! Both gateways without sockets: a request is a call, time is an argument, and the caller delivers the notifications.
//!
//! For simulations that control their time. Requests, payers, faults and books are the same as behind the sockets.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::http;
use bytes::Bytes;

use crate::books::{Books, Gateway, RefundOutcome};
use crate::control::{self, Alteration};
use crate::dispatcher::Receipt;
use crate::faults::{Faults, Host};
use crate::keys::Keys;
use crate::payer::{self, Payer};
use crate::settings::{Credentials, WechatKeys};
use crate::signed_notification::SignedNotification;
use crate::state::State;
use crate::wechat;
use crate::wire::{Ending, Request};

/// Keys of both sides. Generating them is slow, so many simulations share one ring.
#[derive(Clone)]
pub struct KeyRing(Arc<Keys>);

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

impl KeyRing {
    pub fn load(wechat_keys: WechatKeys) -> io::Result<KeyRing> {
        Ok(KeyRing(Arc::new(Keys::load(wechat_keys, None)?)))
    }

    pub fn credentials(&self) -> &Credentials {
        self.0.credentials()
    }
}

#[derive(Debug)]
pub struct InProcess {
    state: State,
    keys: KeyRing,
}

/// Outcome of a call.
#[derive(Debug)]
pub enum Answer {
    Whole(http::Response<Vec<u8>>),
    /// The connection broke; the call may have taken effect.
    Broken,
    /// The answer never comes.
    Never,
}

/// A due notification with its copies; none when it is muted.
#[derive(Debug)]
pub struct Due {
    /// Argument for [`InProcess::attempted`].
    pub place: usize,
    pub gateway: Gateway,
    pub out_trade_no: String,
    pub letters: Vec<SignedNotification>,
}

impl InProcess {
    /// The same seed repeats a run: ids, nonces, and where faults strike.
    pub fn new(keys: &KeyRing, seed: u64) -> InProcess {
        InProcess {
            state: State::new(Arc::clone(&keys.0), seed),
            keys: keys.clone(),
        }
    }

    /// Answers a call. The second value says that due notifications go out before the answer does.
    pub fn handle(&mut self, now_ms: i64, request: http::Request<Vec<u8>>) -> (Answer, bool) {
        let (parts, body) = request.into_parts();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let request = Request::new(Host::Primary, peer, &parts, Bytes::from(body));
        let reply = self.state.handle(now_ms, &request).dated(now_ms);
        let notifications_first = reply.after_notifications;
        let reply = reply.seal(&self.keys.0);
        let answer = match reply.ending {
            Ending::Never => Answer::Never,
            Ending::Reset | Ending::Truncated => Answer::Broken,
            Ending::Whole => {
                let mut response = http::Response::builder().status(reply.status);
                for (name, value) in reply.headers {
                    response = response.header(name, value);
                }
                Answer::Whole(response.body(reply.body).expect("our answers are well formed"))
            }
        };
        (answer, notifications_first)
    }

    /// Time at which the gateways next act by themselves.
    pub fn next_event_ms(&self) -> Option<i64> {
        self.state.next_event_ms()
    }

    /// Takes every due notification; each must be returned through [`InProcess::attempted`].
    pub fn due(&mut self, now_ms: i64) -> Vec<Due> {
        let deliveries = self.state.due(now_ms);
        let sealed = |delivery: crate::state::Delivery| Due {
            place: delivery.place,
            gateway: delivery.gateway,
            out_trade_no: self.state.outbox.number_at(delivery.place).to_owned(),
            letters: delivery
                .letters
                .iter()
                .map(|draft| draft.seal(&self.keys.0))
                .collect(),
        };
        deliveries.into_iter().map(sealed).collect()
    }

    /// Returns whether the gateway accepts the merchant's answer to a notification.
    pub fn is_acknowledged(gateway: Gateway, status: u16, body: &[u8]) -> bool {
        let body = body.to_vec();
        Receipt { status, body }.is_good(gateway)
    }

    pub fn attempted(&mut self, place: usize, received: bool) {
        self.state.outbox.attempted(place, received);
    }

    pub fn pay(&mut self, now_ms: i64, prompt_or_trade_no: &str) -> Result<(), String> {
        let paid = payer::pay(&mut self.state, now_ms, &Payer::first(prompt_or_trade_no));
        paid.map(drop).map_err(|refusal| refusal.to_string())
    }

    pub fn scan(&mut self, now_ms: i64, prompt_or_trade_no: &str) -> Result<(), String> {
        let scanned = payer::scan(&mut self.state, now_ms, &Payer::first(prompt_or_trade_no));
        scanned.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// As [`crate::Simulator::settle_refund`]: a person acts in WeChat's console, or at the bank.
    pub fn settle_refund(
        &mut self,
        now_ms: i64,
        out_refund_no: &str,
        outcome: RefundOutcome,
    ) -> Result<(), String> {
        wechat::settle_refund(&mut self.state, now_ms, out_refund_no, outcome)
    }

    /// Replaces all faults by these.
    pub fn faults(&mut self, faults: &Faults) {
        self.state.set_faults(faults);
    }

    pub fn books(&mut self, now_ms: i64) -> Books {
        self.state.lapse(now_ms);
        self.state.books()
    }

    /// A signed notification about this trade, altered as asked and not sent.
    pub fn letter(
        &mut self,
        now_ms: i64,
        out_trade_no: &str,
        alteration: &Alteration,
    ) -> Result<SignedNotification, String> {
        let draft = control::draft(&mut self.state, now_ms, out_trade_no, alteration)?;
        Ok(draft.seal(&self.keys.0))
    }
}
