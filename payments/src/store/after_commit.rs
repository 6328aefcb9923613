//! Effects of a transaction outside the database, such as counts: they take place once, after its commit.

use std::fmt;

type Effect = Box<dyn FnOnce() + Send>;

/// Effects in the order in which they were added.
#[derive(Default)]
pub struct AfterCommit(Vec<Effect>);

impl AfterCommit {
    pub fn add(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.0.push(Box::new(effect));
    }

    pub fn run(self) {
        for effect in self.0 {
            effect();
        }
    }
}

impl fmt::Debug for AfterCommit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AfterCommit")
            .field("n_effects", &self.0.len())
            .finish()
    }
}
