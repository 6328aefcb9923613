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
mod reconciling;
mod replicas;
mod returning;
mod server;
#[path = "../../payments/tests/journeys/shop.rs"]
#[expect(dead_code, reason = "the journeys use more of it")]
mod shop;
mod stage;
mod walk;
