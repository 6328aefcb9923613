//! Console of the operator: sessions, permissions, search, and acts that are recorded in the audit log.
//!
//! Called by pages and handlers; money and states move only through the verbs that programs use too.

mod alarms;
mod api_keys;
mod approvals;
mod attention;
mod browser;
mod calls;
mod credits;
mod error;
mod figures;
mod files;
mod find;
mod gateways;
mod held_login;
mod inbox;
mod limits;
mod lists;
mod manual_orders;
mod once;
mod order_file;
mod payment_links;
mod permission;
mod reconciliation;
mod recovery;
mod refunds;
mod requesters;
mod second_factor;
mod session;
mod timeline;
mod totp;
mod users;
mod webhooks;

pub use crate::audit_log::{
    Act, Action, Actor, AuditEntry, AuditQuery, ChainCheck, EntryRange, check_audit_chain,
    list_audit_entries, note_act, walk_audit_entries,
};
pub use crate::model::shipping::UploadEnd;
pub use crate::reconciliation::{close_day, explain_difference};
pub use alarms::{LastMessage, RobotState, list_robots, test_alarms};
pub use api_keys::{KnownKey, list_keys, make_key, revoke_key};
pub use approvals::Approval;
pub use attention::{
    Incident, Waiting, assign_incident, count_waiting, list_handlers, list_open_incidents,
    list_resolved_incidents, resolve_incident,
};
pub use browser::{Browser, recognise_browser};
pub use calls::GatewayCall;
pub use credits::{CreditRequest, adjust_balance, approve_credit, list_credit_requests, reject_credit};
pub use error::ConsoleError;
pub use figures::{Day, Overview, RangeOverview, Sum, read_overview, read_range};
pub use files::{
    add_payments, list_entry_lines, list_paid_orders, list_payment_lines, list_refund_lines, sum_by_method,
};
pub use find::{
    FoundOrders, LookedTo, OrderQuery, OrderTotals, TakenAs, find_exact, find_order_totals, find_orders,
};
pub use gateways::{GatewayState, Proof, Trial, list_gateways, test_gateway};
pub use held_login::{find_held_login, hold_login, release_login};
pub use inbox::{
    NotificationOutcome, find_notification, list_notifications, list_notifications_of, read_inside,
};
pub use limits::{LoginLimits, admit_login};
pub use lists::{
    FoundPage, ListQuery, ListedBalance, ListedBy, PaymentQuery, RefundQuery, find_listed, list_balances,
};
pub use manual_orders::{ManualOrder, close_order, make_order};
pub use once::use_form;
pub use order_file::{
    KeptNotification, Note, OrderFile, Posting, ShippingUpload, UploadState, ask_about_order, open_file,
    write_note,
};
pub use payment_links::{LinkFile, NewLink, close_link, find_link, list_links, make_link, open_link_file};
pub use permission::Permission;
pub use reconciliation::reconcile_now;
pub use recovery::{count_recovery_codes, renew_recovery_codes};
pub use refunds::{
    Asked, Needs, RefundApproval, RefundDraft, RefundPlan, approve_approval, ask_for_refund,
    find_refund_needs, list_approvals, plan_refund, reject_approval, retry,
};
pub use requesters::{RequestedBy, Requesters, list_adjusters};
pub use session::{
    Credentials, Operator, Session, change_password, confirm_session, end_other_sessions, end_session,
    find_credentials, find_operator, list_sessions, note_failed_login, open_session,
};
pub use timeline::Event;
pub use totp::{Totp, disable_totp, enable_totp};
pub use users::{
    Invitation, User, change_role, disable_user, enable_user, find_user, invite, list_users, reset_login,
    reset_login_of,
};
pub use webhooks::{
    EndpointState, drop_endpoint, edit_endpoint, list_endpoint_states, make_endpoint, redeliver,
    renew_webhook_secret, replay_span, test_endpoint,
};

pub(super) use crate::audit_log::{perform, perform_and_tell, record};
pub use crate::gateway::{Call, Operation, StuckCause, Verdict};
pub use crate::model::file::{
    EntryLine, FilePlace, FileSpan, LineKind, MethodTotal, OrderLine, PaidBy, PaymentLine, RefundLine,
};
pub use crate::model::incident::IncidentKind;
pub use crate::model::sentence::Sentence;
pub use crate::model::sort::{Age, OrderSort};
pub use crate::notification::replay_notification;
