//! Retention: erases data after its retention period. Ledger, orders and audit log are never erased.
//!
//! A notification keeps its row, its id and its verdict, so that a late duplicate is still detected; a payment keeps
//! everything but its create request, which names the payer.

use std::time::Duration;

use domain::Timestamp;
use futures_util::FutureExt;

use crate::store::retention::{self, Kind};
use crate::wechat_authorization::OPENID_LIFE;
use crate::{Error, Services};

/// Retention period of each kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Headers and bodies of notifications.
    pub notifications: Duration,
    /// Requests to the gateways and their answers.
    pub gateway_messages: Duration,
    /// Answers stored under an `Idempotency-Key`.
    pub idempotency: Duration,
    /// Sessions of the console and counters of logins.
    pub sessions: Duration,
    /// Ids and addresses of payers that no refund needs any more.
    pub payer_ids: Duration,
}

const DAY: Duration = Duration::from_hours(24);
/// Events, alarms and their deliveries: the feed promises at least so long.
const EVENTS: Duration = Duration::from_hours(30 * 24);
/// An authorisation is over after minutes; a day leaves room for wrong clocks.
const AUTHORIZATIONS: Duration = Duration::from_hours(24);
/// One run an hour among all servers.
const BETWEEN_RUNS: Duration = Duration::from_hours(1);
/// Lease of a run, renewed with each batch: another server goes on when this one dies.
const LEASE: Duration = Duration::from_mins(1);
/// Rows of one transaction: few enough that no other write waits long.
const BATCH: i64 = 500;
/// Batches of one kind in one run: a large backlog is worked off over several runs.
const MAX_BATCHES: usize = 200;

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            notifications: 180 * DAY,
            gateway_messages: 90 * DAY,
            idempotency: 7 * DAY,
            sessions: 30 * DAY,
            payer_ids: 365 * DAY,
        }
    }
}

impl Retention {
    const fn of(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Notifications => self.notifications,
            Kind::GatewayMessages => self.gateway_messages,
            Kind::IdempotencyKeys => self.idempotency,
            Kind::Sessions | Kind::LoginAttempts => self.sessions,
            // A statement names its payers; the figures of its day stay.
            Kind::PayerIds | Kind::LoginDevices | Kind::Statements => self.payer_ids,
            Kind::WechatAuthorizations => AUTHORIZATIONS,
            Kind::WechatOpenids => OPENID_LIFE,
            Kind::Events | Kind::Deliveries | Kind::AlarmDeliveries | Kind::Alarms => EVENTS,
        }
    }
}

/// Erases data older than its retention period; returns how many rows. Runs once an hour, on one server at a time.
pub async fn erase_old_data(services: &Services) -> Result<usize, Error> {
    let now = services.clock.now();
    let (lease, last_run) = (now + LEASE, now - BETWEEN_RUNS);
    let is_ours = services
        .db
        .write(|tx| retention::claim_run(tx, now, lease, last_run).boxed())
        .await?;
    if !is_ours {
        return Ok(0);
    }
    let mut n_erased = 0;
    for kind in Kind::ALL {
        n_erased += erase_kind(services, kind, now - services.policy.retention.of(kind)).await?;
    }
    services
        .db
        .write(|tx| retention::finish_run(tx, now).boxed())
        .await?;
    Ok(n_erased)
}

async fn erase_kind(services: &Services, kind: Kind, before: Timestamp) -> Result<usize, Error> {
    let mut n_erased = 0;
    for _ in 0..MAX_BATCHES {
        let lease = services.clock.now() + LEASE;
        let n_rows = services
            .db
            .write(|tx| {
                async move {
                    retention::renew_run(tx, lease).await?;
                    retention::erase_batch(tx, kind, before, BATCH).await
                }
                .boxed()
            })
            .await?;
        n_erased += usize::try_from(n_rows).unwrap_or(usize::MAX);
        if i64::try_from(n_rows).unwrap_or(i64::MAX) < BATCH {
            break;
        }
    }
    Ok(n_erased)
}
