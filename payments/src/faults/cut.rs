//! Cut points: drop a future in the middle of a write, at a point that the seed chooses.

use std::cell::Cell;

thread_local! {
    /// Points that the present thread still passes; at the next one its task is dropped.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static IS_CUT: Cell<bool> = const { Cell::new(false) };
}

/// Drops the task that reaches a point in this thread after passing so many.
pub fn cut_after(n_places: Option<u32>) {
    LEFT.set(n_places);
}

/// Whether the future that was just polled has reached its cut and must be dropped. Reading resets it.
pub fn take_cut() -> bool {
    IS_CUT.replace(false)
}

pub(crate) fn is_cut() -> bool {
    IS_CUT.get()
}

/// Continues at once, or never when this is the cut.
pub(crate) async fn cut_point() {
    match LEFT.get() {
        None => {}
        Some(0) => {
            LEFT.set(None);
            IS_CUT.set(true);
            std::future::pending().await
        }
        Some(left) => LEFT.set(Some(left - 1)),
    }
}
