//! The epay protocol as its clients speak it. The tests are named after the traps of `docs/epay.md`.

mod client;
mod clients;
mod notifications;
mod orders;
mod refunds;
mod sdk;
mod settings;
mod signatures;
mod transport;
mod version2;

pub use clients::code_on;
pub use version2::now as unix_seconds;
