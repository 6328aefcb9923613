//! Deliveries: what this server tells to addresses that are not ours, until they have heard it or their time is over.
//!
//! The row is the job ([`crate::store::deliveries`]). Each target has a lane of its own: a worker that takes what is due for
//! it, so that a slow or dead target delays no other. What is sent, what counts as success and when to try again is the
//! matter of a [`DeliveryKind`].

mod attempt;
mod kind;
mod lanes;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio_util::task::TaskTracker;

pub use self::kind::DeliveryKind;
pub(crate) use self::kind::{Failure, NextStep, Prepared};
use self::lanes::{Ended, Lanes};
use crate::alarm::Robots;
use crate::error::logged;
use crate::outbound::OutboundGuard;
use crate::store::deliveries::{self, DeliveryRow};
use crate::{Error, Services};

/// Deliveries of one target that are under way at once.
const LANE_BATCH: usize = 8;
/// Longer than an attempt may take: what a dead server had taken is tried again when it is over.
const LEASE: Duration = Duration::from_mins(1);

/// Context of deliveries beside the database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    /// Base of the addresses in what is told, without a slash at its end.
    pub public_url: Arc<str>,
    pub guard: OutboundGuard,
    /// Robots that tell operators of incidents.
    pub robots: Arc<Robots>,
    lanes: Lanes,
    /// Workers of the lanes. Closed: they end what they have claimed, and claim no more.
    workers: TaskTracker,
}

impl Outbox {
    pub fn new(public_url: &str, guard: OutboundGuard) -> Outbox {
        Outbox {
            public_url: Arc::from(public_url),
            guard,
            robots: Arc::default(),
            lanes: Lanes::default(),
            workers: TaskTracker::new(),
        }
    }

    #[must_use]
    pub fn with_robots(self, robots: Robots) -> Outbox {
        Outbox {
            robots: Arc::new(robots),
            ..self
        }
    }

    /// Starts no other delivery, and returns once those under way have ended.
    pub async fn finish(&self) {
        self.workers.close();
        self.workers.wait().await;
    }
}

impl Default for Outbox {
    fn default() -> Outbox {
        Outbox::new("http://localhost", OutboundGuard::default())
    }
}

/// Starts a worker for every target that something is due for and that has none. Returns how many it started; the workers
/// go on by themselves.
pub(crate) async fn dispatch_deliveries(services: &Services) -> Result<usize, Error> {
    let mut n_started = 0;
    for target in list_due_targets(services).await? {
        let Some(seat) = services.outbox.lanes.try_begin(&target) else {
            continue;
        };
        n_started += 1;
        let services = services.clone();
        services.outbox.workers.clone().spawn(async move {
            let mut seat = seat;
            loop {
                if let Err(error) = run_lane(&services, &target).await {
                    tracing::warn!(
                        target,
                        error = logged(&error),
                        "deliveries to {target} wait for the next run"
                    );
                }
                seat = match seat.end() {
                    Ended::Done => return,
                    Ended::Again(seat) => seat,
                };
            }
        });
    }
    Ok(n_started)
}

/// Makes every attempt that is due, and returns how many there were when all have ended.
pub(crate) async fn deliver_due(services: &Services) -> Result<usize, Error> {
    let targets = list_due_targets(services).await?;
    let runs = targets.iter().map(|target| run_lane(services, target));
    let mut n_done = 0;
    for done in join_all(runs).await {
        n_done += done?;
    }
    Ok(n_done)
}

async fn list_due_targets(services: &Services) -> Result<Vec<String>, Error> {
    let now = services.clock.now().millis();
    let lanes = services
        .db
        .read_one(|tx| deliveries::list_lanes(tx).boxed())
        .await?;
    let due = lanes.into_iter().filter(|lane| lane.due_at <= now);
    Ok(due.map(|lane| lane.target).collect())
}

/// Attempts what is due for one target until nothing is. While every attempt fails, one is under way at a time.
async fn run_lane(services: &Services, target: &str) -> Result<usize, Error> {
    let mut n_done = 0;
    let mut limit = LANE_BATCH;
    while !services.outbox.workers.is_closed() {
        let claimed = claim_deliveries(services, target, limit).await?;
        crash_point!("deliveries.after_claim");
        if claimed.is_empty() {
            return Ok(n_done);
        }
        n_done += claimed.len();
        let mut attempts = Vec::new();
        for delivery in &claimed {
            attempts.push(attempt::attempt_delivery(services, delivery));
        }
        let mut has_success = false;
        for end in join_all(attempts).await {
            has_success |= end?;
        }
        limit = if has_success { LANE_BATCH } else { 1 };
    }
    Ok(n_done)
}

async fn claim_deliveries(
    services: &Services,
    target: &str,
    limit: usize,
) -> Result<Vec<DeliveryRow>, Error> {
    let lease = services.lease(lease!(LEASE));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let claim = services.db.write_one(|tx| {
        async move { deliveries::claim_due(tx, target, lease.now, lease.until, lease.holder, limit).await }.boxed()
    });
    claim.await.map_err(Error::Internal)
}
