//! Bugs that a test plants, to see whether it is found.

use std::cell::Cell;

thread_local! {
    /// A simulated world lives in one thread, and so does its bug.
    static PLANTED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// From now on, in this thread; `None` takes it out again.
pub fn plant(bug: Option<&'static str>) {
    PLANTED.set(bug);
}

pub fn is_planted(bug: &str) -> bool {
    PLANTED.get() == Some(bug)
}
