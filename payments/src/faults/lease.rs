//! Leases that tests shorten or ignore: everything must stay correct when two servers process one row.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Duration;

thread_local! {
    /// A simulation runs in one thread.
    static IS_IGNORED: Cell<bool> = const { Cell::new(false) };
}

/// Gives leases without duration in this thread from now on, or usual ones again.
pub fn ignore_leases(is_ignored: bool) {
    IS_IGNORED.set(is_ignored);
}

pub fn lease(usual: Duration) -> Duration {
    if IS_IGNORED.get() {
        return Duration::ZERO;
    }
    shortened_lease().unwrap_or(usual)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a switch of tests is no setting of the product"
)]
fn shortened_lease() -> Option<Duration> {
    static LEASE: OnceLock<Option<Duration>> = OnceLock::new();
    *LEASE.get_or_init(|| {
        let text = std::env::var("LEASE_MS").ok()?;
        text.parse().ok().map(Duration::from_millis)
    })
}
