//! The payment core: all operations on orders and payments, and everything that makes them durable.
//!
//! Server functions, REST handlers and jobs call the same verbs. Neither axum nor Leptos may enter here.

// First, because its macros are used in the others.
#[macro_use]
pub mod faults;

mod account;
pub mod alarm;
pub mod api_keys;
mod audit_log;
pub mod backup;
mod balance;
mod calendar;
mod calls;
mod changes;
mod clock;
pub mod console;
mod delivery;
mod drain;
pub mod epay;
mod error;
mod event;
mod feed;
pub mod gateway;
mod gateway_health;
mod idempotency;
mod incident;
mod invariants;
mod key_cache;
mod ledger;
mod metrics;
mod model;
mod notification;
mod order;
pub mod outbound;
mod overdue;
mod pagination;
mod payment;
mod payment_link;
mod personal;
mod process;
pub mod reconciliation;
mod refund;
mod requester;
pub mod restore;
mod retention;
mod run;
pub mod secrets;
mod services;
mod shipping_upload;
mod signed_return;
pub mod store;
pub mod traces;
pub mod users;
mod validate;
pub mod views;
pub mod webhook;
mod wechat_authorization;

pub use account::{Obstacle, Serving, find_obstacles, stamp_accounts};
pub use balance::{Adjustment, TopUp, adjust_balance, find_balance, list_entries, top_up, top_up_for_order};
pub use calendar::{BEIJING, Period, beijing, parse_rfc3339, rfc3339};
pub use calls::{try_to_write_calls, write_calls};
pub use changes::{ChangeCursor, ChangeFilter, ListOrder};
pub use clock::Clock;
#[cfg(feature = "faults")]
pub use clock::{Timeline, VirtualClock};
pub use delivery::Outbox;
pub use error::Error;
pub use feed::{
    FeedPage, FeedQuery, deliver_webhooks, find_event, list_events, publish_events, run_webhooks,
};
pub use idempotency::{Idempotency, Outcome, WriteAnswer};
pub use invariants::{Finding, check_invariants};
pub use key_cache::KeyCache;
pub use metrics::{
    CallOutcome, Ending, GatewayOperation, Metrics, NotificationVerdict, QueueAges, refresh_gauges,
};
pub use model::balance::{Balance, Entry};
pub use model::idempotency::KeptAnswer;
pub use model::payment::{ListedPayment, PaymentFilter};
pub use model::refund::{ListedRefund, RefundFilter, RefundOfOrder};
pub use model::requester::Requester;
pub use model::shipping::Logistics;
pub use notification::accept_notification;
pub use order::{
    Checkout, EXPIRED_REASON, NewOrder, OrderFilter, cancel_order, create_order, find_checkout, find_order,
    list_orders,
};
pub use overdue::{LateJob, OverdueAfter, look_after};
pub use pagination::Page;
pub use payment::{
    Initiator, Lane, StartPayment, Watchers, expire, find_payment, find_payment_by_number, list_payments,
    query_payment, reconcile_lane, reconcile_payments, renew_prompt, start_payment, start_permitted,
    try_to_attend,
};
pub use payment_link::{LinkError, LinkState, PaymentLink, find_link, has_open_order, open_link_order};
pub use personal::{Erased, export_user, forget_user};
pub use process::{Process, beat, enter_service, leave_service, mend_times};
pub use refund::{
    RefundRequest, find_refund, list_all_refunds, list_refunds, reconcile_refunds, reconcile_refunds_of,
    request_refund, retry_refund,
};
pub use retention::{Retention, erase_old_data};
pub use run::{finish_verbs, run_to_end, spawn_verb, wait_for};
pub use services::{Policy, Services, Wake};
pub use shipping_upload::upload_shipping;
pub use signed_return::find_signed_return;
pub use validate::is_line;
pub use wechat_authorization::{
    AuthorizationError, OPENID_LIFE, authorization_origin, begin_authorization, can_authorize, find_openid,
    finish_authorization, openid_text,
};
