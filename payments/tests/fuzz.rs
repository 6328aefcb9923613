//! Fuzz tests of messages from strangers and pasted settings: no input may panic, and no altered message may be accepted.
//!
//! A short run is part of every test run. A long one, ten minutes a target: `BOLERO_RANDOM_TEST_TIME_MS=600000 cargo test
//! --release -p payments --test fuzz`

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with it")]

#[path = "fuzz/alipay.rs"]
mod alipay;
#[path = "fuzz/amounts.rs"]
mod amounts;
#[path = "vectors/harness.rs"]
#[expect(dead_code, reason = "the vectors use more of it")]
mod harness;
#[path = "fuzz/keys.rs"]
mod keys;
#[path = "fuzz/mutation.rs"]
mod mutation;
#[path = "fuzz/wechat.rs"]
mod wechat;
