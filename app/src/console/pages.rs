//! Pages of the console, one file a subject. A page places the data that was loaded.

mod account;
mod approvals;
mod attention;
mod audit_log;
mod balances;
mod epay;
mod error;
mod gateways;
mod inbox;
mod keys;
mod login;
mod order;
mod orders;
mod overview;
mod parts;
mod people;
mod refund;
mod timeline;

pub use account::{account, confirm, recovery_codes, totp};
pub use approvals::approvals;
pub use attention::attention;
pub use audit_log::{AuditLogFilters, audit_log};
pub use balances::{Account, balances, books};
pub use epay::{EpayView, epay};
pub use error::error;
pub use gateways::gateways;
pub use inbox::{inbox, notification, path_of_notification};
pub use keys::keys;
pub use login::login;
pub use order::order;
pub use orders::{Filters, orders};
pub use overview::overview;
pub use people::people;
pub use refund::{RefundForm, RefundReason, refund, refund_check};
pub use timeline::support_text;
