//! Everything a verb may use: the database, the gateways, the clock, and the bells.

use std::sync::Arc;
use std::time::Duration;

use domain::{Channel, LatePolicy, Money};
use tokio::sync::Notify;

use crate::console::LoginLimits;
use crate::gateway::Gateways;
use crate::reconcile::Lane;
use crate::secrets::Secrets;
use crate::store::Db;
use crate::store::servers::Lease;
use crate::{Clock, OverdueAfter, Process, Retention, Watchers};

/// The whole context of the core; cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    pub db: Db,
    pub gateways: Arc<Gateways>,
    pub clock: Clock,
    pub wake: Wake,
    pub watchers: Watchers,
    pub login_limits: LoginLimits,
    pub policy: Policy,
    pub secrets: Secrets,
    pub process: Process,
}

impl Services {
    /// A claim of this server on rows, from now on.
    pub(crate) fn lease(&self, length: Duration) -> Lease<'_> {
        let now = self.clock.now();
        Lease {
            now,
            until: now + length,
            holder: self.process.id(),
        }
    }
}

/// What the operator decided.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub payment_ttl: Duration,
    pub order_ttl: Duration,
    pub late_payment: LatePolicy,
    /// A refund from the console of more than this needs a second person; `None`: none does.
    pub refund_approval_above: Option<Money>,
    /// A refund from the console of more than this needs a password that was given a short time ago.
    pub refund_confirm_above: Money,
    pub retention: Retention,
    pub overdue_after: OverdueAfter,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            payment_ttl: Duration::from_secs(15 * 60),
            order_ttl: Duration::from_secs(30 * 60),
            late_payment: LatePolicy::Refund,
            refund_approval_above: None,
            refund_confirm_above: Money::from_fen(100_000).expect("this is an amount"),
            retention: Retention::default(),
            overdue_after: OverdueAfter::default(),
        }
    }
}

/// Rings when something is due earlier than the rhythm of the jobs would notification.
#[derive(Debug, Clone, Default)]
pub struct Wake {
    questions: Arc<[Notify; Lane::ALL.len()]>,
    deadlines: Arc<Notify>,
    refunds: Arc<[Notify; Channel::ALL.len()]>,
}

impl Wake {
    /// Wakes every job: a bell rouses one sleeper, so each has its own.
    pub fn ring(&self) {
        self.ring_for_questions();
        self.deadlines.notify_one();
        for bell in self.refunds.iter() {
            bell.notify_one();
        }
    }

    /// Wakes only the jobs that ask the gateways about payments.
    pub(crate) fn ring_for_questions(&self) {
        for bell in self.questions.iter() {
            bell.notify_one();
        }
    }

    /// Returns at the next ring for the lane's job; one that came while nobody waited is not lost.
    pub async fn question_due(&self, lane: Lane) {
        self.questions[lane.index()].notified().await;
    }

    /// Returns at the next ring for who sends the gateway's refunds and asks about them.
    pub async fn refund_due(&self, channel: Channel) {
        let bell = match channel {
            Channel::Wechat => &self.refunds[0],
            Channel::Alipay => &self.refunds[1],
        };
        bell.notified().await;
    }

    /// Returns at the next ring for who watches the deadlines.
    pub async fn deadline_due(&self) {
        self.deadlines.notified().await;
    }
}
