//! Values that serve the first run of a write only.

use std::sync::Mutex;

/// Facts that were read before a write. Its first run takes them; a second run has lost a race, so they have changed and are
/// read again.
#[derive(Debug)]
pub(crate) struct FirstRun<T>(Mutex<Option<T>>);

impl<T> FirstRun<T> {
    pub(crate) fn new(facts: Option<T>) -> FirstRun<T> {
        FirstRun(Mutex::new(facts))
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0
            .lock()
            .expect("nothing panics while it holds the facts")
            .take()
    }
}
