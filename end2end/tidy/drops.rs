//! Timeouts and `select!` drop a future in the middle, also one that writes: only `payments::wait_for` may do that to a verb.

use super::{Faults, Kind, rust_files};

#[test]
fn no_verb_is_dropped_in_the_middle() {
    // In each of these no verb can be inside of what is dropped.
    const KNOWN: [&str; 18] = [
        // Waits for a connection, on which nothing is under way yet.
        "payments/src/store/connections.rs",
        // The wrapper itself.
        "payments/src/run.rs",
        // Waits for signs, and then reads.
        "payments/src/payment/watch.rs",
        // Waits for runs that are tasks of their own.
        "src/jobs.rs",
        // Accepts and closes connections; every handler is a task of its own.
        "src/listen.rs",
        "src/stop.rs",
        // Waits for a sign that a seat was freed.
        "src/listen/seats.rs",
        // Waits for a write that is a task of its own and goes on.
        "src/readiness.rs",
        // Times of the client's own: requests to others, and no verb.
        "payments/src/outbound.rs",
        "payments/src/outbound/mail.rs",
        // Follows a server from outside, and has no database.
        "src/commands/listen.rs",
        // Reads the bytes of a request.
        "src/http/body.rs",
        // Waits for changes that another task reads.
        "src/http/events.rs",
        // Reads a database before anything is changed in it.
        "payments/src/store/schema.rs",
        // Reads gauges.
        "src/metrics.rs",
        // Time limits of clients that only read an answer.
        "src/doctor/addresses.rs",
        "src/doctor/listeners.rs",
        // Sends spans to a collector, and holds nothing else.
        "src/telemetry/export.rs",
    ];
    let mut faults = Faults::default();
    for file in rust_files(&["src", "app/src", "payments/src"]) {
        if KNOWN.contains(&file.path.as_str()) || file.is_test() || file.path.starts_with("app/src/islands/")
        {
            continue;
        }
        for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Code) {
            for (line, text) in piece.lines() {
                let drops = ["timeout(", "timeout_at(", "select!", "select("];
                let is_call = |word: &&str| {
                    text.match_indices(*word).any(|(at, _)| {
                        !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
                    })
                };
                if drops.iter().any(is_call) {
                    faults.add(
                        &file,
                        line,
                        "drops a future in the middle: use payments::wait_for, or tell tidy.rs why it is safe",
                    );
                }
            }
        }
    }
    faults.report();
}
