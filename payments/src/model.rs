//! Types that the store reads and writes. Nothing here knows the store, and the store knows nothing above it.

pub(crate) mod alarm;
pub(crate) mod api_key;
pub(crate) mod balance;
pub(crate) mod checkout;
pub(crate) mod client_parameters;
pub(crate) mod epay;
pub(crate) mod event;
pub(crate) mod file;
pub(crate) mod idempotency;
pub(crate) mod incident;
pub(crate) mod notification;
pub(crate) mod payment;
pub(crate) mod reconciliation;
pub(crate) mod refund;
pub(crate) mod requester;
pub(crate) mod sentence;
pub(crate) mod shipping;
pub(crate) mod sort;
pub(crate) mod user;
