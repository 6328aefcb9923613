//! Verbs end: timeouts and `select!` drop a future in the middle, and the end of the process cuts off the tasks that it does not
//! wait for.

use super::{Faults, Kind, rust_files};

#[test]
fn no_verb_is_dropped_in_the_middle() {
    // In each of these no verb can be inside of what is dropped.
    const KNOWN: [&str; 19] = [
        // Waits for a connection, on which nothing is under way yet.
        "payments/src/store/connections.rs",
        // The wrapper itself.
        "payments/src/run.rs",
        // Waits for signs, and then reads.
        "payments/src/payment/watch.rs",
        // Waits for signs.
        "src/jobs.rs",
        // Waits, at the stop, for tasks of their own.
        "src/lib.rs",
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
    refuse_calls(
        &["timeout(", "timeout_at(", "select!", "select("],
        &KNOWN,
        "drops a future in the middle: use payments::wait_for, or tell tidy.rs why it is safe",
    );
}

#[test]
fn no_task_is_forgotten_at_the_stop() {
    // None of these tasks loses money or tells twice when the server ends in its middle.
    const KNOWN: [&str; 8] = [
        // Ends with its database, which is closed last.
        "payments/src/store/sqlite.rs",
        // Reads for viewers; its one write, that a payment is watched, may be lost.
        "payments/src/payment/watch.rs",
        // Waits for its runs at the stop.
        "src/jobs.rs",
        // Waits for its connections at the stop; their requests are verbs of `payments::run_to_end`.
        "src/listen.rs",
        // Waits for the signal, and serves metrics.
        "src/lib.rs",
        // Asks whether the database answers and takes a write.
        "src/readiness.rs",
        // Serves the demo shop, which keeps nothing.
        "src/demo_shop.rs",
        // In its tests.
        "src/listen/patient.rs",
    ];
    refuse_calls(
        &["tokio::spawn(", "task::spawn(", "JoinSet::new("],
        &KNOWN,
        "starts a task that the stop does not wait for: use payments::spawn_verb, or tell tidy.rs why it is safe",
    );
}

/// Refuses calls of these functions outside of the files that are known to make them safely.
fn refuse_calls(functions: &[&str], known: &[&str], problem: &str) {
    let mut faults = Faults::default();
    for file in rust_files(&["src", "app/src", "payments/src"]) {
        if known.contains(&file.path.as_str()) || file.is_test() || file.path.starts_with("app/src/islands/")
        {
            continue;
        }
        for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Code) {
            for (line, text) in piece.lines() {
                let is_call = |word: &&str| {
                    text.match_indices(*word).any(|(at, _)| {
                        !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
                    })
                };
                if functions.iter().any(is_call) {
                    faults.add(&file, line, problem);
                }
            }
        }
    }
    faults.report();
}
