//! Circuit breaker and concurrency limit of one gateway: one that hangs gets fewer calls, then only probes, and no call
//! that a person waits for.
//!
//! Kept in memory and measured by the monotonic clock. Only lost time counts: a gateway that refuses at once, or whose
//! answers cannot be verified, costs nothing and is called as before.

use std::sync::Mutex;
use std::time::Duration;

use super::Gateway;

/// Timeouts in a row before the breaker opens.
const MOST_LOST: u32 = 3;
/// A call that failed faster than this costs little and does not count.
const LOST_AFTER: Duration = Duration::from_millis(1500);
/// An answer that took longer halves the concurrency.
const SLOW_AFTER: Duration = Duration::from_secs(3);
const MOST_SLOTS: usize = 8;
/// Interval between two probes of a gateway that does not answer; each may hang for its full timeout.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// Time without a probe by a job after which the next caller probes.
const UNPROBED: Duration = Duration::from_secs(15);

/// Calls that fail together. Some outages affect only the creation of payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    Creates,
    Others,
}

#[derive(Debug)]
pub struct Breaker(Mutex<State>);

#[derive(Debug)]
struct State {
    creates: Losses,
    others: Losses,
    /// Queries that a job may send at once.
    n_slots: usize,
}

#[derive(Debug, Default)]
struct Losses {
    n_lost: u32,
    /// While open: time of the last probe, or of opening.
    probed_at: Duration,
}

const UNBROKEN: &str = "nothing panics while it holds the breaker";

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker(Mutex::new(State {
            creates: Losses::default(),
            others: Losses::default(),
            n_slots: MOST_SLOTS,
        }))
    }
}

impl Losses {
    fn is_open(&self) -> bool {
        self.n_lost >= MOST_LOST
    }

    fn lose(&mut self, now: Duration) {
        if !self.is_open() {
            self.probed_at = now;
        }
        self.n_lost = self.n_lost.saturating_add(1);
    }

    /// Takes the right to probe when the last probe is at least `pause` ago.
    fn may_probe(&mut self, now: Duration, pause: Duration) -> bool {
        let is_due = now.saturating_sub(self.probed_at) >= pause;
        if is_due {
            self.probed_at = now;
        }
        is_due
    }
}

impl State {
    fn losses(&mut self, circuit: Circuit) -> &mut Losses {
        match circuit {
            Circuit::Creates => &mut self.creates,
            Circuit::Others => &mut self.others,
        }
    }
}

impl Breaker {
    /// Records a call that ended at `now` after `took`, with an answer or without one.
    pub fn note(&self, circuit: Circuit, is_answer: bool, took: Duration, now: Duration) {
        let mut state = self.0.lock().expect(UNBROKEN);
        let is_slow = took >= SLOW_AFTER;
        if !is_answer && took >= LOST_AFTER {
            state.losses(circuit).lose(now);
        } else {
            state.losses(circuit).n_lost = 0;
        }
        if circuit == Circuit::Others {
            state.n_slots = if is_slow {
                (state.n_slots / 2).max(1)
            } else {
                (state.n_slots + 1).min(MOST_SLOTS)
            };
        }
    }

    fn is_closed(&self) -> bool {
        !self.0.lock().expect(UNBROKEN).others.is_open()
    }

    /// Whether a caller that waits for the answer may call.
    pub fn may_call(&self, circuit: Circuit, now: Duration) -> bool {
        let mut state = self.0.lock().expect(UNBROKEN);
        let circuits: &[Circuit] = match circuit {
            Circuit::Creates => &[Circuit::Others, Circuit::Creates],
            Circuit::Others => &[Circuit::Others],
        };
        circuits.iter().all(|circuit| {
            let losses = state.losses(*circuit);
            !losses.is_open() || losses.may_probe(now, UNPROBED)
        })
    }

    /// Returns how many calls a job may make at once, and whether that is a probe.
    fn admit(&self, now: Duration, most: usize) -> (usize, bool) {
        let mut state = self.0.lock().expect(UNBROKEN);
        if !state.others.is_open() {
            return (most.min(state.n_slots), false);
        }
        (usize::from(state.others.may_probe(now, PROBE_EVERY)), true)
    }
}

impl Gateway {
    /// Returns how many calls a job may make at once, and whether that is a probe of a gateway that does not answer.
    pub(crate) fn admit_calls(&self, most: usize) -> (usize, bool) {
        self.breaker().admit(self.clock().monotonic(), most)
    }

    /// Whether the circuit breaker lets every call pass.
    pub(crate) fn has_closed_circuit(&self) -> bool {
        self.breaker().is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANG: Duration = Duration::from_secs(8);
    const QUICK: Duration = Duration::from_millis(80);

    fn second(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_gateway_that_hangs_is_probed_until_it_answers() {
        let breaker = Breaker::default();
        assert_eq!(breaker.admit(second(0), 8), (8, false));
        for _ in 0..3 {
            assert!(breaker.may_call(Circuit::Creates, second(8)));
            breaker.note(Circuit::Others, false, HANG, second(8));
        }
        assert!(!breaker.may_call(Circuit::Others, second(9)));
        assert!(!breaker.may_call(Circuit::Creates, second(9)));
        assert_eq!(breaker.admit(second(9), 8), (0, true));
        assert_eq!(breaker.admit(second(10), 8), (1, true));
        assert_eq!(breaker.admit(second(11), 8), (0, true), "one probe at a time");
        assert_eq!(breaker.admit(second(12), 8), (1, true));
        breaker.note(Circuit::Others, true, QUICK, second(12));
        assert!(breaker.may_call(Circuit::Creates, second(12)));
        assert_eq!(breaker.admit(second(12), 8), (2, false), "carefully at first");
    }

    #[test]
    fn a_caller_probes_when_no_job_does() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            breaker.note(Circuit::Creates, false, HANG, second(0));
        }
        assert!(breaker.is_closed() && breaker.may_call(Circuit::Others, second(1)));
        assert!(!breaker.may_call(Circuit::Creates, second(14)));
        assert!(breaker.may_call(Circuit::Creates, second(15)));
        assert!(!breaker.may_call(Circuit::Creates, second(16)));
        breaker.note(Circuit::Creates, true, QUICK, second(17));
        assert!(breaker.may_call(Circuit::Creates, second(17)));
    }

    #[test]
    fn fast_failures_do_not_open_the_breaker() {
        let breaker = Breaker::default();
        for _ in 0..100 {
            breaker.note(Circuit::Others, false, QUICK, second(1));
        }
        assert!(breaker.is_closed());
        assert_eq!(breaker.admit(second(1), 8), (8, false));
        breaker.note(Circuit::Others, true, second(4), second(5));
        assert_eq!(
            breaker.admit(second(5), 8),
            (4, false),
            "slow answers, fewer questions"
        );
    }
}
