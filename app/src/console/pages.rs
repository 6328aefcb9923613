//! Pages of the console, one file a subject. A page places the data that was loaded.

mod account;
mod api_keys;
mod approvals;
mod attention;
mod audit_log;
mod balances;
mod epay;
mod error;
mod fields;
mod files;
mod gateways;
mod inbox;
mod lists;
mod live;
mod login;
mod order;
mod order_columns;
mod orders;
mod overview;
mod parts;
mod payment_links;
mod question;
mod reconciliation;
mod refund;
mod timeline;
mod users;
mod webhooks;

pub use account::{account, confirm, password, recovery_codes, totp};
pub use api_keys::keys;
pub use approvals::approvals;
pub use attention::attention;
pub use audit_log::{AuditLogFilters, audit_log};
pub use balances::{Account, BalanceList, CHECK_ADJUSTMENT, balances, books};
pub use epay::{EpayView, epay};
pub use error::error;
pub use files::{FileFilters, files};
pub use gateways::gateways;
pub use inbox::{inbox, notification, path_of_notification};
pub use lists::{ListFilters, payments, refunds};
pub use live::LiveState;
pub use login::{HeldLogin, login, second_step};
pub use order::{OrderPlace, order};
pub use order_columns::OrderColumns;
pub use orders::{Filters, OrderList, orders};
pub use overview::{overview, overview_of_range};
pub use payment_links::{payment_link, payment_links, plate};
pub use question::{
    Question, adjustment_fields, amount_text, change_text, method_name, plain_change, question, reason_field,
    required_reason_field, role_name, sum_text,
};
pub use reconciliation::{Calendar, reconciliation, reconciliations};
pub use refund::{RefundForm, RefundReason, path_of_check, refund, refund_check};
pub use timeline::support_text;
pub use users::{reset_login, users};
pub use webhooks::{delivery, webhook, webhooks};
