//! Switch of the planted bugs, each a mistake that was really made somewhere. The simulation must find all of them.

use std::cell::Cell;

thread_local! {
    /// A simulation runs in one thread, and so does its bug.
    static PLANTED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Plants a bug in this thread from now on; `None` removes it.
pub fn plant(bug: Option<&'static str>) {
    PLANTED.set(bug);
}

/// Returns whether a test has planted this bug in the present thread.
pub fn is_planted(bug: &str) -> bool {
    PLANTED.get() == Some(bug)
}
