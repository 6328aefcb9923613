//! The real server, killed at every crash point: clients notice nothing, lose nothing and get nothing twice.
//!
//! Needs the feature `faults`. `CRASH_HITS=…` walks further into every crash point, `KILLS=…` kills more often,
//! `ORDERS=… ORDER_KILLS=…` sells more between more kills.

#![expect(clippy::unwrap_used, reason = "the helpers of tests give up as tests do")]
#![expect(clippy::print_stdout, reason = "how much was tried belongs to the answer")]

mod journey;
mod kills;
mod merchant;
mod orders;
mod receiver;
mod replicas;
mod returning;
mod server;
mod stage;
mod walk;
