//! Gateway health: whether a gateway answers, and how many forged notifications came. Kept in memory: a stranger's request
//! must not cost a write, so forgeries are counted here and written together (`gateway_health`).

use std::sync::Mutex;
use std::time::Duration;

use domain::{Product, Timestamp};

/// Minimum of lost answers before a gateway counts as silent: one alone is no sign.
const LEAST_LOST: u32 = 3;
const LEAST_SILENCE: Duration = Duration::from_mins(3);
/// Time for which a product that was refused for lack of permission is offered after the others.
const REFUSAL_LASTS: Duration = Duration::from_mins(10);

#[derive(Debug, Default)]
pub struct Health(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    silence: Option<Silence>,
    is_answering: bool,
    n_forged: u32,
    /// Products that were refused for lack of permission, and when.
    refused: Vec<(Product, Timestamp)>,
}

/// Consecutive queries without an answer.
#[derive(Debug, Clone, Copy)]
struct Silence {
    since: Timestamp,
    until: Timestamp,
    n_lost: u32,
}

const UNBROKEN: &str = "nothing panics while it holds the counts";

impl Health {
    pub fn answered(&self) {
        let mut counts = self.0.lock().expect(UNBROKEN);
        counts.silence = None;
        counts.is_answering = true;
    }

    pub fn lost(&self, now: Timestamp) {
        let mut counts = self.0.lock().expect(UNBROKEN);
        counts.is_answering = false;
        let silence = counts.silence.get_or_insert(Silence {
            since: now,
            until: now,
            n_lost: 0,
        });
        silence.until = silence.until.max(now);
        silence.n_lost = silence.n_lost.saturating_add(1);
    }

    pub fn forged(&self) {
        let mut counts = self.0.lock().expect(UNBROKEN);
        counts.n_forged = counts.n_forged.saturating_add(1);
    }

    /// Takes the number of forged notifications since the last call.
    pub fn take_forged(&self) -> u32 {
        std::mem::take(&mut self.0.lock().expect(UNBROKEN).n_forged)
    }

    /// Puts a number back that could not be written.
    pub fn give_back_forged(&self, n: u32) {
        let mut counts = self.0.lock().expect(UNBROKEN);
        counts.n_forged = counts.n_forged.saturating_add(n);
    }

    /// Start of the silence, once it lasts long enough for an incident. A gateway that is not queried is not counted as
    /// down.
    pub fn silent_since(&self) -> Option<Timestamp> {
        let silence = self.0.lock().expect(UNBROKEN).silence?;
        let is_long =
            silence.n_lost >= LEAST_LOST && silence.until.duration_since(silence.since) >= LEAST_SILENCE;
        is_long.then_some(silence.since)
    }

    /// Notes that the merchant has no permission for a product.
    pub fn refused(&self, product: Product, now: Timestamp) {
        let mut counts = self.0.lock().expect(UNBROKEN);
        counts.refused.retain(|(known, _)| *known != product);
        counts.refused.push((product, now));
    }

    /// Whether a product was refused for lack of permission lately.
    pub fn is_refused(&self, product: Product, now: Timestamp) -> bool {
        let counts = self.0.lock().expect(UNBROKEN);
        let mut lately = counts.refused.iter().filter(|(_, at)| now < *at + REFUSAL_LASTS);
        lately.any(|(known, _)| *known == product)
    }

    /// Whether the last query was answered.
    pub fn is_answering(&self) -> bool {
        self.0.lock().expect(UNBROKEN).is_answering
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn only_a_long_silence_is_reported() {
        let health = Health::default();
        health.lost(at(0));
        health.lost(at(60));
        health.lost(at(179));
        assert_eq!(health.silent_since(), None);
        health.lost(at(180));
        assert_eq!(health.silent_since(), Some(at(0)));
        assert!(!health.is_answering());
        health.answered();
        assert!(health.is_answering());
        assert_eq!(health.silent_since(), None);
        health.lost(at(200));
        health.lost(at(900));
        assert_eq!(health.silent_since(), None, "two are too few");
    }
}
