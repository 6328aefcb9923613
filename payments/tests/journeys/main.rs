//! Whole journeys: the verbs, a real database, and real HTTP to the simulator and back.
//!
//! Every journey runs on SQLite, and on PostgreSQL too where `TEST_DATABASE_URL` names a server.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with it")]

mod alarms;
mod ambiguous_notifications;
mod balance;
mod balance_races;
mod balance_refunds;
mod calls;
mod cancelling;
mod console;
mod console_lists;
mod console_questions;
mod data_end;
mod epay;
mod events;
mod files;
mod gateway_faults;
mod healing;
mod keys;
mod lanes;
mod leases;
mod link_holders;
mod metrics;
mod notifications;
mod operators;
mod orderings;
mod overdue;
mod paying;
mod payment_links;
mod powers;
mod races;
mod reconciliation;
mod reconciliation_acts;
mod reconciliation_month;
mod refund_faults;
mod refund_requests;
mod refunds;
mod repeated_calls;
mod replays;
mod restored;
mod second_factor;
mod shipping_uploads;
mod shop;
mod signed_products;
mod statements;
mod tables;
mod webhooks;
mod wechat_authorization;
#[path = "../../../end2end/http/wire.rs"]
mod wire;
