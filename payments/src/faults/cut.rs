//! Dropping a future in the middle of a write, at a place that the seed chooses.

use std::cell::Cell;

thread_local! {
    /// How many places the present thread still passes; at the next one its task is dropped.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static IS_CUT: Cell<bool> = const { Cell::new(false) };
}

/// From now on, in this thread: after so many places the one who comes to the next one is dropped there.
pub fn cut_after(n_places: Option<u32>) {
    LEFT.set(n_places);
}

/// Whether the future that was just polled has come to its cut and must be dropped. Asking takes the answer back.
pub fn take_cut() -> bool {
    IS_CUT.replace(false)
}

pub(crate) fn is_cut() -> bool {
    IS_CUT.get()
}

/// Goes on at once, or never when this is the place of the cut.
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
