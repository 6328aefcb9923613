//! Time and random bytes of one write, the same in each of its runs.
//!
//! A write's closure may run again after a lost race or a rollback. Ids are made of the clock's time and random bytes, so a
//! second run with its own would write another row where the first one's may be read, logged or sent already.

use std::sync::{Arc, Mutex};

use domain::Timestamp;

tokio::task_local! {
    /// Set while a closure of a write is polled; [`super::Clock`] reads it first.
    static OF_THIS_WRITE: Draws;
}

/// Time and random bytes drawn so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draws(Arc<Mutex<Drawn>>);

#[derive(Debug, Default)]
struct Drawn {
    now: Option<Timestamp>,
    bytes: Vec<Vec<u8>>,
    n_used: usize,
}

impl Draws {
    /// Runs a closure's future and replays what earlier runs drew, in the same order.
    pub(crate) async fn replay<T>(&self, run: impl Future<Output = T>) -> T {
        self.drawn().n_used = 0;
        OF_THIS_WRITE.scope(self.clone(), run).await
    }

    fn drawn(&self) -> std::sync::MutexGuard<'_, Drawn> {
        self.0.lock().expect("nothing panics while it holds the draws")
    }
}

/// Time of the present write, fixed at the first call; outside of a write the current time.
pub(super) fn time_of_write(read: impl FnOnce() -> Timestamp) -> Timestamp {
    match OF_THIS_WRITE.try_with(Clone::clone) {
        Ok(draws) => *draws.drawn().now.get_or_insert_with(read),
        Err(_) => read(),
    }
}

/// Fills the array with the next draw of the present write, or with new bytes.
pub(super) fn fill_for_write(bytes: &mut [u8], draw: impl FnOnce(&mut [u8])) {
    let Ok(draws) = OF_THIS_WRITE.try_with(Clone::clone) else {
        return draw(bytes);
    };
    let mut drawn = draws.drawn();
    let place = drawn.n_used;
    drawn.n_used += 1;
    match drawn.bytes.get(place) {
        Some(earlier) if earlier.len() == bytes.len() => bytes.copy_from_slice(earlier),
        // The closure took another path than in the run before: from here on it writes another row.
        _ => {
            draw(bytes);
            drawn.bytes.truncate(place);
            drawn.bytes.push(bytes.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn a_second_run_draws_what_the_first_drew() {
        let clock = &Clock::System;
        let draws = Draws::default();
        let run = async || (clock.now(), clock.entropy::<10>(), clock.entropy::<4>());
        let first = draws.replay(run()).await;
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        assert_eq!(draws.replay(run()).await, first);
        assert_ne!(Draws::default().replay(run()).await.1, first.1);
        assert_ne!(
            clock.entropy::<10>(),
            first.1,
            "outside of a write nothing is kept"
        );
        let (longer, same) = draws
            .replay(async { (clock.entropy::<12>(), clock.entropy::<4>()) })
            .await;
        assert_ne!(longer[..10], first.1);
        assert_ne!(same, first.2);
    }
}
