//! Virtual time of a simulation: it stands still while any task runs, and jumps to the next sleeper's wake-up.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

use domain::Timestamp;

/// True time of a simulation, and its sleepers.
#[derive(Debug)]
pub struct Timeline {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    n_sleeps: u64,
    /// By wake-up time, then by the order of falling asleep, so that a run can be repeated.
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
}

impl Timeline {
    pub fn starting_at(now: Timestamp) -> Arc<Timeline> {
        Arc::new(Timeline {
            inner: Mutex::new(Inner {
                now,
                n_sleeps: 0,
                sleepers: BTreeMap::new(),
            }),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds the time")
    }

    pub fn now(&self) -> Timestamp {
        self.inner().now
    }

    /// Wake-up time of the next sleeper.
    pub fn next_waking(&self) -> Option<Timestamp> {
        self.inner().sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Advances the time, never backwards, and wakes every sleeper that is due.
    pub fn advance_to(&self, target: Timestamp) {
        let woken = {
            let mut inner = self.inner();
            let now = inner.now.max(target);
            inner.now = now;
            let later = inner.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut inner.sleepers, later)
        };
        for waker in woken.into_values() {
            waker.wake();
        }
    }

    pub async fn sleep(&self, duration: Duration) {
        let key = {
            let mut inner = self.inner();
            inner.n_sleeps += 1;
            (inner.now + duration, inner.n_sleeps)
        };
        // Removes a sleeper that is dropped.
        let _place = Place { timeline: self, key };
        poll_fn(|context| {
            let mut inner = self.inner();
            if inner.now >= key.0 {
                return Poll::Ready(());
            }
            inner.sleepers.insert(key, context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

struct Place<'a> {
    timeline: &'a Timeline,
    key: (Timestamp, u64),
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.timeline.inner().sleepers.remove(&self.key);
    }
}

/// Clock of one machine of the simulation: with its own randomness, and an offset from the true time.
#[derive(Debug)]
pub struct VirtualClock {
    timeline: Arc<Timeline>,
    ahead_ms: AtomicI64,
    dice: Mutex<u64>,
}

impl VirtualClock {
    pub fn on(timeline: &Arc<Timeline>, seed: u64) -> VirtualClock {
        VirtualClock {
            timeline: Arc::clone(timeline),
            ahead_ms: AtomicI64::new(0),
            dice: Mutex::new(seed),
        }
    }

    /// Sets the clock's offset; negative is behind.
    pub fn set_ahead_ms(&self, ms: i64) {
        self.ahead_ms.store(ms, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.timeline.now().millis() + self.ahead_ms.load(Ordering::SeqCst))
    }

    /// True time: independent of this machine's offset.
    pub(super) fn monotonic(&self) -> Duration {
        let millis = self.timeline.now().millis();
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    pub(super) fn dice(&self) -> MutexGuard<'_, u64> {
        self.dice
            .lock()
            .expect("nothing panics while it holds the random numbers")
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.timeline.sleep(duration).await;
    }
}
