//! The shop's servers: booted, called, crashed and paused; their jobs run at their intervals.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::Channel;
use futures_util::future::{BoxFuture, Either, select};
use payments::gateway::{Gateway, Gateways, alipay, wechat};
use payments::secrets::Secrets;
use payments::store::{LostCommit, StoreError};
use payments::{Clock, Error, Lane, Policy, Services, VirtualClock};
use tokio::sync::oneshot;

use crate::executor::Owner;
use crate::simulation::Simulation;

pub const NOTIFY: &str = "https://shop.example/notify";
const RECONCILE: Duration = Duration::from_secs(5);
const REFUNDS: Duration = Duration::from_secs(5);
const EXPIRE: Duration = Duration::from_secs(15);
const LOOK_AFTER: Duration = Duration::from_secs(30);
/// Timeout of a client.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether an error means that the outcome is unknown, and tells the caller so.
pub fn is_unheard(error: &Error) -> bool {
    matches!(error, Error::Internal(StoreError::CommitUnknown))
}

impl Simulation {
    /// Starts a server with empty memory on the existing database.
    pub fn boot(&self, place: usize) {
        let n_boots = self.n_boots.fetch_add(1, Ordering::SeqCst);
        let clock = Arc::new(VirtualClock::on(
            &self.timeline,
            self.plan.seed.wrapping_mul(31).wrapping_add(n_boots),
        ));
        if place == 0 {
            clock.set_ahead_ms(self.plan.skew_ms);
        }
        let clock = Clock::Virtual(clock);
        let services = Services {
            gateways: Arc::new(self.links(&clock)),
            policy: Policy {
                payment_ttl: self.plan.payment_ttl,
                order_ttl: self.plan.order_ttl,
                late_payment: self.plan.late_policy,
                ..Policy::default()
            },
            ..Services::new(self.db.clone(), clock, Secrets::new([7; 32]))
        };
        self.tell(&format!("server {place} starts"));
        self.set_server(place, Some(services.clone()));
        let owner = Owner::Server(place);
        if self.plan.reconciles {
            for lane in Lane::ALL {
                self.spawn(owner, "reconcile", self.clone().reconcile(services.clone(), lane));
            }
            self.spawn(owner, "calls", self.clone().write_calls(services.clone()));
        }
        for channel in Channel::ALL {
            self.spawn(
                owner,
                "refunds",
                self.clone().send_refunds(services.clone(), channel),
            );
        }
        self.spawn(owner, "look_after", self.clone().look_after(services.clone()));
        self.spawn(owner, "expire", self.clone().expire(services));
    }

    fn links(&self, clock: &Clock) -> Gateways {
        let given = self.keys.credentials();
        let wechat = wechat::Settings {
            app_id: given.wechat_app_id.clone(),
            mini_app_id: Some(given.wechat_mini_app_id.clone()),
            mobile_app_id: Some(given.wechat_mobile_app_id.clone()),
            mch_id: given.wechat_mch_id.clone(),
            serial_no: given.wechat_serial_no.clone(),
            api_v3_key: given.wechat_api_v3_key.clone().into(),
            private_key: given.wechat_private_key.clone().into(),
            verify: wechat::Verify::PublicKey {
                id: given.wechat_public_key_id.clone().unwrap(),
                key: given.wechat_public_key.clone(),
            },
            gateway_url: "http://wechat.example".to_owned(),
            backup_url: self
                .plan
                .has_backup_host
                .then(|| "http://backup.example".to_owned()),
            notify_url: format!("{NOTIFY}/wechat"),
            oauth: None,
            mini_api: None,
        };
        let alipay = alipay::Settings {
            app_id: given.alipay_app_id.clone(),
            private_key: given.alipay_private_key.clone().into(),
            verify: alipay::Verify::PublicKey {
                key: given.alipay_public_key.clone(),
            },
            seller_id: Some(given.alipay_seller_id.clone()),
            mini_app_id: Some(given.alipay_mini_app_id.clone()),
            qr_product: alipay::QrProduct::default(),
            gateway_url: "http://alipay.example/gateway.do".to_owned(),
            notify_url: format!("{NOTIFY}/alipay"),
        };
        let wechat: Gateway = wechat::Wechat::new(wechat, clock.clone()).unwrap().into();
        let alipay: Gateway = alipay::Alipay::new(alipay, clock.clone()).unwrap().into();
        Gateways {
            wechat: Some(wechat.in_process(self.line())),
            alipay: Some(alipay.in_process(self.line())),
        }
    }

    async fn reconcile(self, services: Services, lane: Lane) {
        loop {
            self.until_due(RECONCILE, services.wake.question_due(lane)).await;
            let outcome = payments::reconcile_lane(&services, lane).await;
            self.note_job("reconcile", outcome);
        }
    }

    async fn write_calls(self, services: Services) {
        loop {
            self.until_due(RECONCILE, std::future::pending()).await;
            let outcome = payments::write_calls(&services).await;
            self.note_job("calls", outcome.map(|_| 0));
        }
    }

    async fn look_after(self, services: Services) {
        loop {
            self.until_due(LOOK_AFTER, std::future::pending()).await;
            let outcome = payments::mend_times(&services).await;
            self.note_job("mend_times", outcome);
            let outcome = payments::look_after(&services, &[]).await;
            self.note_job("look_after", outcome.map(|_| 0));
        }
    }

    async fn send_refunds(self, services: Services, channel: Channel) {
        loop {
            self.until_due(REFUNDS, services.wake.refund_due(channel)).await;
            let outcome = payments::reconcile_refunds_of(&services, channel).await;
            self.note_job("refunds", outcome);
        }
    }

    async fn expire(self, services: Services) {
        loop {
            self.until_due(EXPIRE, services.wake.deadline_due()).await;
            let outcome = payments::expire(&services).await;
            self.note_job("expire", outcome);
        }
    }

    async fn until_due(&self, rhythm: Duration, bell: impl Future<Output = ()>) {
        let slowdown = u32::try_from(self.slowdown.load(Ordering::SeqCst)).unwrap();
        let nap = self.sleep(rhythm * slowdown);
        select(std::pin::pin!(nap), std::pin::pin!(bell)).await;
    }

    /// Records a job's result. Gateways fail in every way here; our own database must not.
    fn note_job(&self, job: &str, outcome: Result<usize, Error>) {
        match outcome {
            Ok(0) => {}
            Ok(n_done) => self.tell(&format!("{job} worked on {n_done}")),
            Err(error) if is_unheard(&error) => self.tell(&format!("{job} did not hear its commit")),
            Err(error) => self.fail(format!("{job} failed: {error:?}")),
        }
    }

    /// Sometimes loses the outcome of a commit.
    fn lose_commit_perhaps(&self, services: &Services) {
        if !self.in_trouble() || !self.rng().percent(self.plan.lost_commits) {
            return;
        }
        let lost = self
            .rng()
            .one_of(&[LostCommit::TookEffect, LostCommit::DidNothing]);
        let trouble = services.db.trouble().expect("a simulated database is SQLite");
        trouble.lose_commit(lost);
    }

    /// Sends a request to any server and waits for its answer; `None` when none comes. The request may have taken effect.
    pub async fn ask<T: Send + 'static>(
        &self,
        name: &'static str,
        verb: impl FnOnce(Services) -> BoxFuture<'static, T>,
    ) -> Option<T> {
        let (is_lost, is_deaf) = self.draw_losses();
        self.hop().await;
        if is_lost {
            self.sleep(PATIENCE).await;
            return None;
        }
        let (place, services) = self.any_server()?;
        let (sender, receiver) = oneshot::channel();
        self.lose_commit_perhaps(&services);
        let work = verb(services);
        self.spawn_request(Owner::Server(place), name, async move {
            // The client may have gone.
            drop(sender.send(work.await));
        });
        let nap = self.sleep(PATIENCE);
        let answer = match select(receiver, std::pin::pin!(nap)).await {
            Either::Left((answer, _)) => answer.ok(),
            Either::Right(_) => None,
        };
        self.hop().await;
        answer.filter(|_| !is_deaf)
    }

    /// Crashes and pauses the servers until the trouble is over.
    pub async fn nemesis(self) {
        let (crash_every, pause_every) = (self.plan.crash_every, self.plan.pause_every);
        let crashes = self.clone().crash_now_and_then(crash_every);
        let pauses = self.clone().pause_now_and_then(pause_every);
        futures_util::future::join(crashes, pauses).await;
    }

    async fn crash_now_and_then(self, every: Option<Duration>) {
        let Some(every) = every else { return };
        loop {
            let nap = self
                .rng()
                .millis(0, u64::try_from(every.as_millis()).unwrap() * 2);
            self.sleep(nap).await;
            if !self.in_trouble() {
                return;
            }
            let place = self.rng().place(self.plan.n_servers);
            self.tell(&format!("server {place} dies"));
            self.facts().n_crashes += 1;
            self.set_server(place, None);
            self.commands.kill(Owner::Server(place));
            let nap = self.rng().seconds(1, 15);
            self.sleep(nap).await;
            if self.server(place).is_none() {
                self.boot(place);
            }
        }
    }

    async fn pause_now_and_then(self, every: Option<Duration>) {
        let Some(every) = every else { return };
        loop {
            let nap = self
                .rng()
                .millis(0, u64::try_from(every.as_millis()).unwrap() * 2);
            self.sleep(nap).await;
            if !self.in_trouble() {
                return;
            }
            let place = self.rng().place(self.plan.n_servers);
            // Sometimes longer than any lease.
            let pause = self.rng().seconds(2, 100);
            self.tell(&format!("server {place} stands still for {pause:?}"));
            self.facts().n_pauses += 1;
            self.commands.freeze(Owner::Server(place), self.now() + pause);
        }
    }
}
