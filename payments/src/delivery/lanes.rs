//! Lanes: the targets that a worker of this process is busy with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Workers at once. Each has at most a few requests under way.
const MAX_WORKERS: usize = 128;
const UNBROKEN: &str = "nothing panics while it holds the lanes";

#[derive(Debug, Clone, Default)]
pub(super) struct Lanes(Arc<Mutex<HashMap<String, bool>>>);

/// The right to work on a lane, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    lanes: Lanes,
    target: String,
    is_over: bool,
}

/// Result of a run of a lane.
#[derive(Debug)]
pub(super) enum Ended {
    Done,
    /// Something became due while the worker was about to stop.
    Again(Seat),
}

impl Lanes {
    /// Takes the lane of a target; `None`: a worker has it, which is told to look once more, or there are too many workers.
    pub(super) fn try_begin(&self, target: &str) -> Option<Seat> {
        let mut busy = self.0.lock().expect(UNBROKEN);
        if let Some(looks_again) = busy.get_mut(target) {
            *looks_again = true;
            return None;
        }
        if busy.len() >= MAX_WORKERS {
            return None;
        }
        busy.insert(target.to_owned(), false);
        Some(Seat {
            lanes: self.clone(),
            target: target.to_owned(),
            is_over: false,
        })
    }
}

impl Seat {
    pub(super) fn end(mut self) -> Ended {
        let mut busy = self.lanes.0.lock().expect(UNBROKEN);
        if let Some(looks_again) = busy.get_mut(&self.target)
            && std::mem::take(looks_again)
        {
            drop(busy);
            return Ended::Again(self);
        }
        busy.remove(&self.target);
        drop(busy);
        self.is_over = true;
        Ended::Done
    }
}

/// A worker that panicked gives its lane back too.
impl Drop for Seat {
    fn drop(&mut self) {
        if !self.is_over {
            self.lanes.0.lock().expect(UNBROKEN).remove(&self.target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_one_worker_and_is_given_back() {
        let lanes = Lanes::default();
        let seat = lanes.try_begin("a").unwrap();
        assert!(lanes.try_begin("a").is_none());
        assert!(lanes.try_begin("b").is_some());
        let Ended::Again(seat) = seat.end() else {
            panic!("something became due meanwhile")
        };
        assert!(matches!(seat.end(), Ended::Done));
        drop(lanes.try_begin("a").unwrap());
        assert!(lanes.try_begin("a").is_some());
    }
}
