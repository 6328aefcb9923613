//! Fault injection for SQLite commits: a slow disk, and commits whose outcome is lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Commit whose outcome is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostCommit {
    TookEffect,
    DidNothing,
}

#[derive(Debug, Clone, Default)]
pub struct CommitTrouble(Arc<Troubles>);

#[derive(Debug, Default)]
struct Troubles {
    delay_ms: AtomicU64,
    lost: Mutex<VecDeque<LostCommit>>,
    n_reruns: AtomicU64,
}

impl CommitTrouble {
    /// Delays each further commit by this long before it begins, and again before it is answered.
    pub fn slow_down(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.0.delay_ms.store(millis, Ordering::SeqCst);
    }

    /// Loses the outcome of one more commit.
    pub fn lose_commit(&self, lost: LostCommit) {
        self.lost().push_back(lost);
    }

    /// Number of closures that ran again because their group was rolled back.
    pub fn n_reruns(&self) -> u64 {
        self.0.n_reruns.load(Ordering::SeqCst)
    }

    pub(super) fn note_rerun(&self) {
        self.0.n_reruns.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits the delay and returns whether this commit's outcome is lost.
    pub(super) async fn meet(&self) -> Option<LostCommit> {
        self.delay_answer().await;
        self.lost().pop_front()
    }

    pub(super) async fn delay_answer(&self) {
        let delay_ms = self.0.delay_ms.load(Ordering::SeqCst);
        if delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        }
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, VecDeque<LostCommit>> {
        self.0
            .lost
            .lock()
            .expect("nothing panics while it holds the faults")
    }
}
