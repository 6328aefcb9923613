//! The epay protocol (易支付), by which shops, panels and forums speak to their payment site: merchants, signatures, attempts,
//! refunds and notifications.
//!
//! Its words end here; addresses and formats are in the server's `http/epay`. A merchant's number leads to at most one paid
//! order: [`open_order`] makes another attempt only after the time of the last one is over.

mod describe;
mod merchants;
mod money;
mod notification;
mod orders;
mod paid;
mod paid_fields;
mod received;
mod refunds;
mod refusal;
mod request;
mod sign;
mod text;

pub use self::describe::{
    Members, Value, checkout_url, describe_order, describe_refund, describe_row, method_of, sign_answer,
};
pub(crate) use self::merchants::check_sealed;
pub use self::merchants::{
    KnownMerchant, Merchant, MerchantKeys, create_merchant, ensure_merchant, find_merchant, list_merchants,
    read_public_key, rotate_key, set_disabled,
};
pub(crate) use self::notification::{is_success, masked_url, note_failure, prepare_notification};
pub use self::notification::{list_notifications, send_notification_again};
pub use self::orders::{
    AttemptQuery, Opened, close_attempt, count_orders, find_attempt, list_attempts, open_order,
    refresh_attempt,
};
pub use self::paid::find_return_address;
pub(crate) use self::paid::{find_siblings, is_epay_order, record_paid};
pub(crate) use self::paid_fields::append_fields;
pub use self::refunds::{FoundRefund, RefundAsked, find_epay_refund, request_epay_refund};
pub use self::refusal::{Code, Refusal};
pub use self::request::{OrderRequest, read_amount, read_order};
pub use self::sign::{is_same, verify_md5, verify_rsa};
pub use self::text::{Fields, find_split_value};
pub use crate::model::epay::{Attempt, NewAttempt, Pid, Version};
pub use crate::store::epay_attempts::{AttemptFilter, NotificationRow, Turnover};

/// `userId` of every order of a merchant begins so.
pub(crate) const USER_PREFIX: &str = "epay:";
