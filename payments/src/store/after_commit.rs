//! Effects of a transaction outside the database, such as counts: they take place once, after its commit.

use std::fmt;

use tokio::sync::Notify;

type Effect = Box<dyn FnOnce() + Send>;

/// Effects in the order in which they were added.
#[derive(Default)]
pub struct AfterCommit {
    effects: Vec<Effect>,
    wakes_event_job: bool,
}

impl AfterCommit {
    pub fn add(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push(Box::new(effect));
    }

    /// Wakes the job that publishes events and delivers them, once for the whole transaction.
    pub fn wake_event_job(&mut self) {
        self.wakes_event_job = true;
    }

    pub fn run(self, event_bell: &Notify) {
        for effect in self.effects {
            effect();
        }
        if self.wakes_event_job {
            event_bell.notify_one();
        }
    }
}

impl fmt::Debug for AfterCommit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AfterCommit")
            .field("n_effects", &self.effects.len())
            .field("wakes_event_job", &self.wakes_event_job)
            .finish()
    }
}
