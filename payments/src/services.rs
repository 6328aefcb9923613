//! Context of the verbs: database, gateways, clock, and wake-ups of the jobs.

use std::sync::Arc;
use std::time::Duration;

use domain::{Channel, LatePolicy, Money};
use tokio::sync::Notify;

use crate::console::LoginLimits;
use crate::delivery::Outbox;
use crate::gateway::Gateways;
use crate::model::shipping::Logistics;
use crate::payment::Lane;
use crate::secrets::Secrets;
use crate::store::Db;
use crate::store::servers::Lease;
use crate::{Clock, KeyCache, Metrics, OverdueAfter, Process, Retention, Watchers};

/// Whole context of the core; cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    pub db: Db,
    pub gateways: Arc<Gateways>,
    pub clock: Clock,
    pub wake: Wake,
    pub watchers: Watchers,
    pub login_limits: LoginLimits,
    pub api_keys: KeyCache,
    pub policy: Policy,
    pub secrets: Secrets,
    pub process: Process,
    pub metrics: Metrics,
    pub outbox: Outbox,
}

impl Services {
    /// A core without gateways, by the default policy; callers replace what they have.
    pub fn new(db: Db, clock: Clock, secrets: Secrets) -> Services {
        Services {
            db,
            gateways: Arc::default(),
            process: Process::new(&clock),
            clock,
            wake: Wake::default(),
            watchers: Watchers::default(),
            login_limits: LoginLimits::default(),
            api_keys: KeyCache::default(),
            policy: Policy::default(),
            secrets,
            metrics: Metrics::default(),
            outbox: Outbox::default(),
        }
    }

    /// Lease of this server, from now on.
    pub(crate) fn lease(&self, length: Duration) -> Lease<'_> {
        let now = self.clock.now();
        Lease {
            now,
            until: now + length,
            holder: self.process.id(),
        }
    }
}

/// The operator's settings.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub payment_ttl: Duration,
    pub order_ttl: Duration,
    pub late_payment: LatePolicy,
    /// A refund from the console above this needs a second person; `None`: none does.
    pub refund_approval_above: Option<Money>,
    /// A refund from the console above this needs a recently confirmed password.
    pub refund_confirm_above: Money,
    pub retention: Retention,
    pub overdue_after: OverdueAfter,
    /// Delivery of what WeChat's mini program sells, which WeChat is told; `None`: it is told nothing.
    pub shipping: Option<Logistics>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            payment_ttl: Duration::from_mins(15),
            order_ttl: Duration::from_mins(30),
            late_payment: LatePolicy::Refund,
            refund_approval_above: None,
            refund_confirm_above: Money::from_fen(100_000).expect("this is an amount"),
            retention: Retention::default(),
            overdue_after: OverdueAfter::default(),
            shipping: None,
        }
    }
}

/// Wakes jobs when something is due earlier than their polling interval.
#[derive(Debug, Clone, Default)]
pub struct Wake {
    questions: Arc<[Notify; Lane::ALL.len()]>,
    deadlines: Arc<Notify>,
    refunds: Arc<[Notify; Channel::ALL.len()]>,
}

impl Wake {
    /// Wakes every job but that of events, which the database wakes: a notify wakes one waiter, so each job has its own.
    pub fn ring(&self) {
        self.ring_for_questions();
        self.deadlines.notify_one();
        for bell in self.refunds.iter() {
            bell.notify_one();
        }
    }

    /// Wakes only the jobs that query payments.
    pub(crate) fn ring_for_questions(&self) {
        for bell in self.questions.iter() {
            bell.notify_one();
        }
    }

    /// Waits for the next wake-up of the lane's job; one that came before the wait is not lost.
    pub async fn question_due(&self, lane: Lane) {
        self.questions[lane.index()].notified().await;
    }

    /// Waits for the next wake-up of the job that executes the gateway's refunds.
    pub async fn refund_due(&self, channel: Channel) {
        let bell = match channel {
            Channel::Wechat => &self.refunds[0],
            Channel::Alipay => &self.refunds[1],
        };
        bell.notified().await;
    }

    /// Waits for the next wake-up of the expiry job.
    pub async fn deadline_due(&self) {
        self.deadlines.notified().await;
    }
}
