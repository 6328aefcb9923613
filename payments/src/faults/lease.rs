//! Leases that tests shorten or remove: everything must stay correct when two servers process one row.

use std::sync::OnceLock;
use std::time::Duration;

use super::is_planted;

pub fn lease(usual: Duration) -> Duration {
    if is_planted("no leases") {
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
