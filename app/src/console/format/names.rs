//! Names of states, kinds and actions in the reader's language.

use domain::ledger::EntryKind;
use domain::{Method, OrderStatus, PaymentStatus, RefundState};
use payments::console::{IncidentKind, Operation, Permission, RequestedBy, Verdict};
use payments::reconciliation::DifferenceKind;
use payments::users::Role;
use payments::{EXPIRED_REASON, Period};

use crate::i18n::{ActionWords, AdviceWords, ConsoleWords, ReconciliationWords, fill};

pub const fn role(role: Role, words: &ConsoleWords) -> &'static str {
    match role {
        Role::Owner => words.role_owner,
        Role::Finance => words.role_finance,
        Role::Support => words.role_support,
        Role::Developer => words.role_developer,
        Role::Viewer => words.role_viewer,
    }
}

pub const fn difference(kind: DifferenceKind, words: &ReconciliationWords) -> &'static str {
    match kind {
        DifferenceKind::MissingInBooks => words.kind_missing_in_books,
        DifferenceKind::MissingInStatement => words.kind_missing_in_statement,
        DifferenceKind::Amount => words.kind_amount,
        DifferenceKind::Status => words.kind_status,
        DifferenceKind::Fee => words.kind_fee,
        DifferenceKind::Duplicate => words.kind_duplicate,
    }
}

pub const fn permission(permission: Permission, words: &ConsoleWords) -> &'static str {
    match permission {
        Permission::Look => words.may_look,
        Permission::ReadMessages => words.may_read_messages,
        Permission::Export => words.may_export,
        Permission::Handle => words.may_handle,
        Permission::MakeOrders => words.may_make_orders,
        Permission::RequestRefund => words.may_request_refund,
        Permission::ApproveRefund => words.may_approve_refund,
        Permission::AdjustBalance => words.may_adjust_balance,
        Permission::Reconcile => words.may_reconcile,
        Permission::Operate => words.may_operate,
        Permission::ManageKeys => words.may_manage_keys,
        Permission::ReadAudit => words.may_read_audit,
        Permission::ManageUsers => words.may_manage_users,
    }
}

pub const fn method(method: Method, words: &ConsoleWords) -> &'static str {
    match method {
        Method::Wechat => words.wechat,
        Method::Alipay => words.alipay,
        Method::Balance => words.balance,
    }
}

/// Names the requester of a refund, an adjustment or a cancellation.
pub fn requester(by: &RequestedBy, words: &ConsoleWords) -> String {
    match by {
        RequestedBy::Person(email) => email.clone(),
        RequestedBy::ApiKey { name, last4 } => fill(
            words.by_api_key,
            &[("name", name.as_str()), ("last4", last4.as_str())],
        ),
    }
}

/// Names a period of the filter.
pub const fn period(period: Period, words: &ConsoleWords) -> &'static str {
    match period {
        Period::Today => words.today,
        Period::Yesterday => words.yesterday,
        Period::Week => words.this_week,
        Period::LastWeek => words.the_week_before,
        Period::Month => words.this_month,
        Period::LastMonth => words.the_month_before,
        Period::Quarter => words.this_quarter,
    }
}

/// Names the kind of a ledger entry.
pub const fn entry_kind(kind: EntryKind, words: &ConsoleWords) -> &'static str {
    match kind {
        EntryKind::Payment => words.entry_payment,
        EntryKind::Topup => words.entry_topup,
        EntryKind::Surplus => words.entry_surplus,
        EntryKind::RefundRequested => words.entry_refund_requested,
        EntryKind::Refund => words.entry_refund,
        EntryKind::RefundFailed => words.entry_refund_failed,
        EntryKind::Adjust => words.entry_adjust,
    }
}

/// Names a gateway operation.
pub const fn operation(operation: Operation, words: &ConsoleWords) -> &'static str {
    match operation {
        Operation::Create => words.operation_create,
        Operation::Query => words.operation_query,
        Operation::Close => words.operation_close,
        Operation::Cancel => words.operation_cancel,
        Operation::Refund => words.operation_refund,
        Operation::QueryRefund => words.operation_query_refund,
        Operation::UploadShipping => words.operation_upload_shipping,
    }
}

/// Names the verdict of a gateway call; `{status}` stands for the HTTP status.
pub const fn call_verdict(verdict: Verdict, words: &ConsoleWords) -> &'static str {
    match verdict {
        Verdict::Signed => words.call_signed,
        Verdict::Unsigned => words.call_unsigned,
        Verdict::NotBelieved => words.call_not_believed,
        Verdict::NoAnswer => words.call_no_answer,
    }
}

pub const fn order_status_name(status: OrderStatus, words: &ConsoleWords) -> &'static str {
    match status {
        OrderStatus::Pending => words.order_pending,
        OrderStatus::Paid => words.order_paid,
        OrderStatus::PartiallyRefunded => words.order_partially_refunded,
        OrderStatus::Refunded => words.order_refunded,
        OrderStatus::Cancelled => words.order_cancelled,
    }
}

pub const fn payment_status_name(status: PaymentStatus, words: &ConsoleWords) -> &'static str {
    match status {
        PaymentStatus::Pending => words.payment_pending,
        PaymentStatus::Processing => words.payment_processing,
        PaymentStatus::Success => words.payment_success,
        PaymentStatus::Failed => words.payment_failed,
        PaymentStatus::Cancelled => words.payment_cancelled,
        PaymentStatus::Refunding => words.payment_refunding,
        PaymentStatus::Refunded => words.payment_refunded,
    }
}

pub const fn refund_state_name(state: RefundState, words: &ConsoleWords) -> &'static str {
    match state {
        RefundState::Requested => words.refund_requested,
        RefundState::Pending => words.refund_pending,
        RefundState::Succeeded => words.refund_succeeded,
        RefundState::Failed => words.refund_failed,
        RefundState::Stuck => words.refund_stuck,
    }
}

pub fn reason_text<'a>(reason: &'a str, words: &'static ConsoleWords) -> &'a str {
    if reason == EXPIRED_REASON {
        words.expired_reason
    } else {
        reason
    }
}

/// Names the verdict of a notification; an unknown word of another version stays as it is.
pub fn verdict<'a>(word: &'a str, words: &'static ConsoleWords) -> &'a str {
    match word {
        "payment" => words.verdict_payment,
        "refund" => words.verdict_refund,
        "refund hint" => words.verdict_hint,
        "refund known" => words.verdict_known,
        "ambiguous" => words.verdict_ambiguous,
        "other" => words.verdict_other,
        word => IncidentKind::parse(word).map_or(word, |kind| incident(Some(kind), words)),
    }
}

pub const fn incident(kind: Option<IncidentKind>, words: &ConsoleWords) -> &'static str {
    match kind {
        None => words.incident_unknown,
        Some(IncidentKind::WrongAmount) => words.incident_wrong_amount,
        Some(IncidentKind::Surplus) => words.incident_surplus,
        Some(IncidentKind::ForeignNotification) => words.incident_foreign_notification,
        Some(IncidentKind::UnmatchedNotification) => words.incident_unmatched_notification,
        Some(IncidentKind::TradeReused) => words.incident_trade_reused,
        Some(IncidentKind::UnknownRefund) => words.incident_unknown_refund,
        Some(IncidentKind::RefundMismatch) => words.incident_refund_mismatch,
        Some(IncidentKind::RefundFailed) => words.incident_refund_failed,
        Some(IncidentKind::RefundStuck) => words.incident_refund_stuck,
        Some(IncidentKind::RefundRevived) => words.incident_refund_revived,
        Some(IncidentKind::Refused) => words.incident_refused,
        Some(IncidentKind::ForgedNotifications) => words.incident_forged_notifications,
        Some(IncidentKind::GatewaySilent) => words.incident_gateway_silent,
        Some(IncidentKind::KeyExpiring) => words.incident_key_expiring,
        Some(IncidentKind::NewKey) => words.incident_new_key,
        Some(IncidentKind::OtherAccount) => words.incident_other_account,
        Some(IncidentKind::ClockOff) => words.incident_clock_off,
        Some(IncidentKind::PaymentOverdue) => words.incident_payment_overdue,
        Some(IncidentKind::PaymentUnanswered) => words.incident_payment_unanswered,
        Some(IncidentKind::RefundOverdue) => words.incident_refund_overdue,
        Some(IncidentKind::OrderOverdue) => words.incident_order_overdue,
        Some(IncidentKind::JobOverdue) => words.incident_job_overdue,
        Some(IncidentKind::BackupFailed) => words.incident_backup_failed,
        Some(IncidentKind::WebhookFailed) => words.incident_webhook_failed,
        Some(IncidentKind::WebhookDisabled) => words.incident_webhook_disabled,
        Some(IncidentKind::ProductNotPermitted) => words.incident_product_not_permitted,
        Some(IncidentKind::EpayNotificationFailed) => words.incident_epay_notification_failed,
        Some(IncidentKind::ReconciliationDifference) => words.incident_reconciliation_difference,
        Some(IncidentKind::StatementMissing) => words.incident_statement_missing,
        Some(IncidentKind::ShippingNotUploaded) => words.incident_shipping_not_uploaded,
        Some(IncidentKind::DatabaseRestored) => words.incident_database_restored,
    }
}

/// Advice for an incident of this kind.
pub const fn advice(kind: Option<IncidentKind>, words: &AdviceWords) -> &'static str {
    match kind {
        None => words.advice_unknown,
        Some(IncidentKind::WrongAmount) => words.advice_wrong_amount,
        Some(IncidentKind::Surplus) => words.advice_surplus,
        Some(IncidentKind::ForeignNotification) => words.advice_foreign_notification,
        Some(IncidentKind::UnmatchedNotification) => words.advice_unmatched_notification,
        Some(IncidentKind::TradeReused) => words.advice_trade_reused,
        Some(IncidentKind::UnknownRefund) => words.advice_unknown_refund,
        Some(IncidentKind::RefundMismatch) => words.advice_refund_mismatch,
        Some(IncidentKind::RefundFailed) => words.advice_refund_failed,
        Some(IncidentKind::RefundStuck) => words.advice_refund_stuck,
        Some(IncidentKind::RefundRevived) => words.advice_refund_revived,
        Some(IncidentKind::Refused) => words.advice_refused,
        Some(IncidentKind::ForgedNotifications) => words.advice_forged_notifications,
        Some(IncidentKind::GatewaySilent) => words.advice_gateway_silent,
        Some(IncidentKind::KeyExpiring) => words.advice_key_expiring,
        Some(IncidentKind::NewKey) => words.advice_new_key,
        Some(IncidentKind::OtherAccount) => words.advice_other_account,
        Some(IncidentKind::ClockOff) => words.advice_clock_off,
        Some(IncidentKind::PaymentOverdue) => words.advice_payment_overdue,
        Some(IncidentKind::PaymentUnanswered) => words.advice_payment_unanswered,
        Some(IncidentKind::RefundOverdue) => words.advice_refund_overdue,
        Some(IncidentKind::OrderOverdue) => words.advice_order_overdue,
        Some(IncidentKind::JobOverdue) => words.advice_job_overdue,
        Some(IncidentKind::BackupFailed) => words.advice_backup_failed,
        Some(IncidentKind::WebhookFailed) => words.advice_webhook_failed,
        Some(IncidentKind::WebhookDisabled) => words.advice_webhook_disabled,
        Some(IncidentKind::ProductNotPermitted) => words.advice_product_not_permitted,
        Some(IncidentKind::EpayNotificationFailed) => words.advice_epay_notification_failed,
        Some(IncidentKind::ReconciliationDifference) => words.advice_reconciliation_difference,
        Some(IncidentKind::StatementMissing) => words.advice_statement_missing,
        Some(IncidentKind::ShippingNotUploaded) => words.advice_shipping_not_uploaded,
        Some(IncidentKind::DatabaseRestored) => words.advice_database_restored,
    }
}

/// Names an action of the audit log.
pub fn action<'a>(word: &'a str, words: &'static ConsoleWords) -> &'a str {
    match word {
        "create_order" => words.action_create_order,
        "close_order" => words.action_close_order,
        "create_payment_link" => words.action_create_link,
        "close_payment_link" => words.action_close_link,
        "ask_gateway" => words.action_ask_gateway,
        "request_refund" => words.action_request_refund,
        "retry_refund" => words.action_retry_refund,
        "approve_refund" => words.action_approve_refund,
        "reject_refund" => words.action_reject_refund,
        "replay_notice" => words.action_replay_notification,
        "create_endpoint" => words.action_create_endpoint,
        "update_endpoint" => words.action_update_endpoint,
        "delete_endpoint" => words.action_delete_endpoint,
        "rotate_secret" => words.action_rotate_secret,
        "test_endpoint" => words.action_test_endpoint,
        "redeliver_event" => words.action_redeliver_event,
        "replay_events" => words.action_replay_events,
        "test_alarms" => words.action_test_alarms,
        "request_credit" => words.action_request_credit,
        "approve_credit" => words.action_approve_credit,
        "reject_credit" => words.action_reject_credit,
        "reconcile_day" => words.action_reconcile_day,
        "explain_difference" => words.action_explain_difference,
        "close_day" => words.action_close_day,
        word => word,
    }
}

/// Names any act of the audit log; those of an order's timeline have their names in `words`.
pub fn audit_action<'a>(word: &'a str, words: &'static ConsoleWords, names: &'static ActionWords) -> &'a str {
    match word {
        "log_in" => names.log_in,
        "fail_to_log_in" => names.fail_to_log_in,
        "log_out" => names.log_out,
        "end_sessions" => names.end_sessions,
        "confirm" => names.confirm,
        "change_password" => names.change_password,
        "enable_totp" => names.enable_totp,
        "disable_totp" => names.disable_totp,
        "renew_recovery_codes" => names.renew_recovery_codes,
        "use_recovery_code" => names.use_recovery_code,
        "create_user" => names.create_user,
        "change_role" => names.change_role,
        "disable_user" => names.disable_user,
        "enable_user" => names.enable_user,
        "reset_login" => names.reset_login,
        "write_note" => names.write_note,
        "assign" => names.assign,
        "resolve" => names.resolve,
        "test_gateway" => names.test_gateway,
        "create_key" => names.create_key,
        "revoke_key" => names.revoke_key,
        "export" => names.export,
        "adjust_balance" => names.adjust_balance,
        "export_user" => names.export_user,
        "forget_user" => names.forget_user,
        "create_epay_merchant" => names.create_epay_merchant,
        "rotate_epay_key" => names.rotate_epay_key,
        "disable_epay_merchant" => names.disable_epay_merchant,
        "enable_epay_merchant" => names.enable_epay_merchant,
        "send_epay_notification" => names.send_epay_notification,
        word => action(word, words),
    }
}

#[cfg(test)]
mod tests {
    use payments::console::Action;

    use super::*;
    use crate::i18n::Language;

    #[test]
    fn every_act_of_the_audit_log_has_a_name_in_both_languages() {
        for language in Language::ALL {
            for action in Action::ALL {
                let name = audit_action(action.as_str(), language.console_words(), language.action_words());
                assert_ne!(name, action.as_str());
            }
        }
    }
}
