//! The test vectors of `vectors/` (keys made for tests only): what other implementations sign, we sign byte for byte; what
//! they accept, we accept; every forged, altered, stale or foreign message is refused.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with it")]

#[path = "vectors/alipay.rs"]
mod alipay;
#[path = "vectors/harness.rs"]
mod harness;
#[path = "vectors/settings.rs"]
mod settings;
#[path = "vectors/wechat.rs"]
mod wechat;
#[path = "vectors/wrong_keys.rs"]
mod wrong_keys;
