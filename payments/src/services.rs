//! Everything a verb may use: the database, the gateways, the clock, and the bells.

use std::sync::Arc;
use std::time::Duration;

use domain::{LatePolicy, Money};
use tokio::sync::Notify;

use crate::console::LoginLimits;
use crate::gateway::Gateways;
use crate::secrets::Secrets;
use crate::store::Db;
use crate::{Clock, Retention, Watchers};

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
        }
    }
}

/// Rings when something is due earlier than the rhythm of the jobs would notice.
#[derive(Debug, Clone, Default)]
pub struct Wake {
    questions: Arc<Notify>,
    deadlines: Arc<Notify>,
    refunds: Arc<Notify>,
}

impl Wake {
    /// Wakes every job: a bell rouses one sleeper, so each has its own.
    pub fn ring(&self) {
        self.questions.notify_one();
        self.deadlines.notify_one();
        self.refunds.notify_one();
    }

    /// Wakes only who asks the gateways.
    pub(crate) fn ring_for_question(&self) {
        self.questions.notify_one();
    }

    /// Returns at the next ring for who asks the gateways; one that came while nobody waited is not lost.
    pub async fn question_due(&self) {
        self.questions.notified().await;
    }

    /// Returns at the next ring for who sends refunds and asks about them.
    pub async fn refund_due(&self) {
        self.refunds.notified().await;
    }

    /// Returns at the next ring for who watches the deadlines.
    pub async fn deadline_due(&self) {
        self.deadlines.notified().await;
    }
}
