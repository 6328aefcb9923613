//! Crash points: end the process like a power cut; no destructor runs, nothing is flushed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// Every crash point, so that a test can try all of them.
pub const CRASH_POINTS: &[&str] = &[
    "store.before_write",
    "store.before_commit",
    "store.after_write",
    "gateway.before_call",
    "gateway.after_call",
    "notification.before_reply",
    "reconcile.after_claim",
    "refunds.after_claim",
    "expire.after_claim",
    "deliveries.after_claim",
    "deliveries.before_call",
    "deliveries.after_call",
];

/// Crash points of a day's reconciliation, which runs on the next morning and so in no journey of minutes.
pub const STATEMENT_CRASH_POINTS: &[&str] = &[
    "statements.after_claim",
    "statements.before_keep",
    "statements.before_comparison",
    "statements.before_questions",
    "statements.before_record",
];

struct Plan {
    name: String,
    /// Passes left before the crash.
    left: AtomicU32,
}

pub fn crash_point(name: &'static str) {
    assert!(is_known(name), "{name} is missing in the list of crash points");
    let Some(plan) = crash_plan().filter(|plan| plan.name == name) else {
        return;
    };
    if plan.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
        // The signal may need a moment to arrive; nothing may happen meanwhile.
        loop {
            std::thread::park();
        }
    }
}

fn is_known(name: &str) -> bool {
    CRASH_POINTS.contains(&name) || STATEMENT_CRASH_POINTS.contains(&name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a switch of tests is no setting of the product"
)]
fn crash_plan() -> Option<&'static Plan> {
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
    let read = || {
        let text = std::env::var("CRASH_AT").ok()?;
        let (name, hit) = text.rsplit_once(':')?;
        let hit: u32 = hit.parse().ok().filter(|hit| *hit > 0)?;
        assert!(is_known(name), "CRASH_AT names no crash point: {name}");
        Some(Plan {
            name: name.to_owned(),
            left: AtomicU32::new(hit),
        })
    };
    PLAN.get_or_init(read).as_ref()
}
