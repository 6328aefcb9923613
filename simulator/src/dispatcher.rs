//! The shell around the state: its lock, its clock, and the delivery of notifications.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, watch};

use crate::books::Gateway;
use crate::keys::Keys;
use crate::listener::Listener;
use crate::saved::{self, Saved};
use crate::settings::Clock;
use crate::signed_notification::SignedNotification;
use crate::state::{Delivery, State};
use crate::time::Watch;
use crate::wire::{Reply, Request};

/// A slower merchant counts as not answering.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Most bytes read of an answer; Alipay looks at seven.
const ANSWER_BYTES: usize = 64 * 1024;
/// Changes within this time are written together.
const SAVE_PAUSE: Duration = Duration::from_millis(100);
/// Pause between two writes, as a multiple of the last one's duration.
const SAVE_SHARE: u32 = 10;
/// Longest pause of the delivery task between two looks at the clock.
const LONGEST_NAP: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Dispatcher {
    state: Mutex<State>,
    pub(crate) watch: Watch,
    pub(crate) keys: Arc<Keys>,
    client: reqwest::Client,
    wake: Notify,
    landed: Notify,
    stopped: watch::Sender<bool>,
    listeners: [Arc<Listener>; 2],
    /// File of the state, and the bytes last written to it.
    books_file: Option<PathBuf>,
    saved: tokio::sync::Mutex<Vec<u8>>,
    changed: Notify,
}

/// The merchant's answer to one notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

enum Step {
    Wait,
    Deliver(Vec<Delivery>),
    Done,
}

impl Dispatcher {
    pub(crate) fn new(
        keys: Keys,
        seed: u64,
        clock: Clock,
        listeners: [Arc<Listener>; 2],
        books_file: Option<PathBuf>,
    ) -> io::Result<Dispatcher> {
        let keys = Arc::new(keys);
        let mut state = State::new(Arc::clone(&keys), seed);
        let mut ahead_ms = 0;
        let kept = books_file.as_deref().map(saved::load).transpose()?.flatten();
        if let Some(kept) = kept {
            ahead_ms = kept.ahead_ms;
            kept.restore(&mut state);
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(ANSWER_LIMIT)
            .timeout(ANSWER_LIMIT)
            .build()
            .map_err(io::Error::other)?;
        Ok(Dispatcher {
            state: Mutex::new(state),
            watch: Watch::new(clock, ahead_ms),
            keys,
            client,
            wake: Notify::new(),
            landed: Notify::new(),
            stopped: watch::Sender::new(false),
            listeners,
            books_file,
            saved: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no decision of the world panics")
    }

    /// Changes the state at the present time, then wakes the delivery task.
    pub(crate) fn act<T>(&self, change: impl FnOnce(&mut State, i64) -> T) -> T {
        let outcome = change(&mut self.state(), self.watch.now_ms());
        self.wake.notify_one();
        self.changed.notify_one();
        outcome
    }

    /// Writes the state to its file, unless it is unchanged.
    pub(crate) async fn save(&self) {
        let Some(path) = self.books_file.clone() else {
            return;
        };
        // Locked before the state is read, so that an older state never replaces a newer one.
        let mut last = self.saved.lock().await;
        let bytes = {
            let state = self.state();
            Saved::of(&state, self.watch.now_ms(), self.watch.ahead_ms()).to_bytes()
        };
        if bytes == *last {
            return;
        }
        *last = bytes.clone();
        let written = tokio::task::spawn_blocking(move || saved::store(&path, &bytes)).await;
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            tracing::warn!(%error, "the simulator's books cannot be kept: {error}");
        }
    }

    /// Saves soon after each change. The pause grows with the size of the state, so that writing stays a small part of the work.
    pub(crate) async fn keep_saved(self: Arc<Dispatcher>) {
        if self.books_file.is_none() {
            return;
        }
        let mut pause = SAVE_PAUSE;
        loop {
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.until_stopped() => return,
            }
            tokio::time::sleep(pause).await;
            let started = tokio::time::Instant::now();
            self.save().await;
            pause = SAVE_PAUSE.max(started.elapsed() * SAVE_SHARE);
        }
    }

    /// Changes the faults; a listener is closed, or open, before this returns.
    pub(crate) fn change_faults(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        for listener in &self.listeners {
            listener.set_shut(state.faults.refuses(listener.host));
        }
    }

    /// Answers a gateway request; it is signed outside the lock.
    pub(crate) async fn answer(self: &Arc<Dispatcher>, request: &Request) -> Reply {
        let reply = self.act(|state, now_ms| state.handle(now_ms, request).dated(now_ms));
        if reply.after_notifications {
            self.settle(self.watch.now_ms()).await;
        }
        reply.seal(&self.keys)
    }

    /// Moves the clock to the target, handling everything that falls due at its own time.
    pub(crate) async fn settle(self: &Arc<Dispatcher>, target_ms: i64) {
        loop {
            let landed = self.landed.notified();
            tokio::pin!(landed);
            landed.as_mut().enable();
            match self.step(target_ms) {
                Step::Wait => landed.await,
                Step::Deliver(deliveries) => {
                    let dispatcher = Arc::clone(self);
                    // A task of its own: claimed notifications must be returned even if the caller is dropped.
                    let round = tokio::spawn(async move {
                        for delivery in deliveries {
                            dispatcher.deliver(delivery).await;
                        }
                    });
                    round.await.expect("a delivery does not panic");
                }
                Step::Done => return,
            }
        }
    }

    fn step(&self, target_ms: i64) -> Step {
        let mut state = self.state();
        if state.outbox.any_in_flight() {
            return Step::Wait;
        }
        match state.next_event_ms().filter(|at_ms| *at_ms <= target_ms) {
            Some(at_ms) => {
                self.watch.reach(at_ms);
                // At this very moment, even when a running clock is a little further.
                Step::Deliver(state.due(at_ms.max(self.watch.now_ms().min(target_ms))))
            }
            None => {
                self.watch.reach(target_ms);
                Step::Done
            }
        }
    }

    async fn deliver(&self, delivery: Delivery) {
        let Delivery {
            place,
            gateway,
            letters,
        } = delivery;
        let attempts = letters.iter().map(|draft| async {
            let notification = draft.seal(&self.keys);
            self.post(&notification).await
        });
        let receipts = join_all(attempts).await;
        let received = receipts.iter().flatten().any(|receipt| receipt.is_good(gateway));
        tracing::info!(
            notification.place = place,
            gateway = gateway.as_str(),
            received,
            "notice {place} delivered: {received}"
        );
        self.state().outbox.attempted(place, received);
        self.landed.notify_waiters();
        self.wake.notify_one();
        self.changed.notify_one();
    }

    /// Sends a notification; none when the merchant cannot be reached, or not in time.
    pub(crate) async fn post(&self, notification: &SignedNotification) -> Option<Receipt> {
        let mut request = self
            .client
            .post(&notification.url)
            .body(notification.body.clone());
        for (name, value) in &notification.headers {
            request = request.header(name, value);
        }
        let answer = tokio::time::timeout(ANSWER_LIMIT, async {
            let mut response = request.send().await.ok()?;
            let status = response.status().as_u16();
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.ok()? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_BYTES {
                    break;
                }
            }
            Some(Receipt { status, body })
        });
        answer.await.ok().flatten()
    }

    /// Delivers due notifications while the clock runs, until told to stop.
    pub(crate) async fn run(self: Arc<Dispatcher>) {
        loop {
            for delivery in self.claim() {
                let dispatcher = Arc::clone(&self);
                tokio::spawn(async move { dispatcher.deliver(delivery).await });
            }
            let nap = self.nap();
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(nap) => {}
                () = self.until_stopped() => return,
            }
        }
    }

    fn claim(&self) -> Vec<Delivery> {
        let mut state = self.state();
        state.due(self.watch.now_ms())
    }

    fn nap(&self) -> Duration {
        let next_ms = self
            .state()
            .next_event_ms()
            .filter(|_| self.watch.runs_by_itself());
        let speed = i64::from(self.watch.speed());
        let left_ms = next_ms.map(|at_ms| (at_ms - self.watch.now_ms()).max(0) / speed + 1);
        let left = left_ms.map(|left_ms| Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)));
        left.unwrap_or(LONGEST_NAP).min(LONGEST_NAP)
    }

    pub(crate) fn stop(&self) {
        self.stopped.send_replace(true);
    }

    pub(crate) async fn until_stopped(&self) {
        let mut stopped = self.stopped.subscribe();
        // The sender lives in self, so waiting ends by a stop only.
        stopped
            .wait_for(|stopped| *stopped)
            .await
            .map(drop)
            .unwrap_or_default();
    }
}

impl Receipt {
    /// WeChat looks at the status only, Alipay at the exact body only (docs/gateway-facts.md 1.7, 2.6).
    pub(crate) fn is_good(&self, gateway: Gateway) -> bool {
        match gateway {
            Gateway::Wechat => self.status == 200 || self.status == 204,
            Gateway::Alipay => self.status == 200 && self.body == b"success",
        }
    }
}
