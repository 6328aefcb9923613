//! Readiness: whether the database answers and takes writes. Tried at most every few seconds, however many ask.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use payments::store::{Db, StoreError};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::telemetry;

/// Time for which a good answer is cached: it costs a write. A bad one is cached shorter, so that recovery shows soon.
const READY_FOR: Duration = Duration::from_secs(2);
const UNREADY_FOR: Duration = Duration::from_millis(500);
/// Supervisors wait only a few seconds for an answer, and so do payers.
const PATIENCE: Duration = Duration::from_secs(3);

/// The part that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    Silent,
    /// The database answers, but a full disk or a read-only file prevents writes.
    Unwritable,
}

#[derive(Debug, Clone)]
pub struct Readiness {
    db: Db,
    last: Arc<Mutex<Last>>,
}

#[derive(Debug, Default)]
struct Last {
    outcome: Option<(Instant, Result<(), Unready>)>,
    /// A try that timed out goes on: a second one beside it would only take longer.
    trying: Option<JoinHandle<Result<(), Unready>>>,
}

impl Readiness {
    pub fn new(db: Db) -> Readiness {
        Readiness {
            db,
            last: Arc::default(),
        }
    }

    /// Checks the database; concurrent callers share one answer.
    pub async fn check(&self) -> Result<(), Unready> {
        let mut last = self.last.lock().await;
        if let Some((at, outcome)) = last.outcome {
            let good_for = if outcome.is_ok() { READY_FOR } else { UNREADY_FOR };
            if at.elapsed() < good_for {
                return outcome;
            }
        }
        let db = self.db.clone();
        let mut trying = last
            .trying
            .take()
            .unwrap_or_else(|| tokio::spawn(async move { try_database(&db).await }));
        let outcome = match tokio::time::timeout(PATIENCE, &mut trying).await {
            Ok(tried) => tried.unwrap_or(Err(Unready::Silent)),
            Err(_) => {
                tracing::error!("the database takes too long to answer");
                last.trying = Some(trying);
                Err(Unready::Silent)
            }
        };
        last.outcome = Some((Instant::now(), outcome));
        outcome
    }
}

async fn try_database(db: &Db) -> Result<(), Unready> {
    log_failure(db.ping()).await.map_err(|()| Unready::Silent)?;
    log_failure(db.try_to_write())
        .await
        .map_err(|()| Unready::Unwritable)
}

async fn log_failure(tried: impl Future<Output = Result<(), StoreError>>) -> Result<(), ()> {
    tried.await.map_err(|error| {
        tracing::error!(error = telemetry::chain(&error), "the database is not ready");
    })
}
