//! Gateway clients against the simulator: operations beyond a payment, and behaviour under faults.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with it")]

mod bills;
mod certificates;
mod hosts;
mod platform_keys;
#[path = "../journeys/shop.rs"]
#[expect(dead_code, reason = "journeys use more of it")]
mod shop;
