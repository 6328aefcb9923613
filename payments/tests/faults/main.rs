//! Deterministic simulation: the real verbs, the real database and the real gateways' simulator in one thread, in virtual
//! time, under every fault that a seed brings. A failing seed fails the same way again.
//!
//! `FAULT_SEEDS=20000` tries more seeds, `FAULT_FIRST=…` begins elsewhere, and a single seed prints its trace.

#![expect(
    clippy::unwrap_used,
    reason = "a simulated world that cannot go on is a failed test"
)]
#![expect(clippy::print_stdout, reason = "how much was tried belongs to the answer")]

mod answers;
mod crowd;
mod executor;
mod life;
mod network;
mod oracle;
mod peek;
mod people;
mod plan;
#[cfg(feature = "planted")]
mod planted;
mod rng;
mod seeds;
mod servers;
mod simulation;
mod thirty_days;
mod words;
