//! Kinds of incidents.

use domain::Timestamp;

/// Kind of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentKind {
    /// Paid, but not the amount of the order.
    WrongAmount,
    /// Surplus payment; its refund is written in the same transaction.
    Surplus,
    /// Notification for another merchant, app or seller.
    ForeignNotification,
    /// Notification about an unknown payment.
    UnmatchedNotification,
    /// One trade of the gateway claims to pay two payments.
    TradeReused,
    /// Notification about a refund unknown here: made in the gateway's console, or by another holder of our keys.
    UnknownRefund,
    /// Notification that names another amount or trade than our refund has.
    RefundMismatch,
    /// The gateway refuses the refund under this number for good.
    RefundFailed,
    /// The gateway cannot refund until a person acts.
    RefundStuck,
    /// A refund that the gateway had called failed has succeeded after all.
    RefundRevived,
    /// The gateway refused to create a payment in an answer that cannot be verified.
    Refused,
    /// Many notifications without a valid signature.
    ForgedNotifications,
    /// The gateway has not answered for some minutes.
    GatewaySilent,
    /// A certificate that a person must replace expires soon.
    KeyExpiring,
    /// An API key was created.
    NewKey,
    /// The server started on a database with unfinished payments of another merchant account.
    OtherAccount,
    /// Clock drift between a server and the `Date` of a gateway's answers.
    ClockOff,
    /// A payment is still open long after its expiry.
    PaymentOverdue,
    /// Several queries in a row about a payment had no usable answer.
    PaymentUnanswered,
    /// A refund has neither succeeded nor failed for longer than its gateway takes.
    RefundOverdue,
    /// The payments of an order do not explain its state.
    OrderOverdue,
    /// A job of a server has not succeeded for long.
    JobOverdue,
    /// The scheduled backup was not made.
    BackupFailed,
    /// A webhook delivery was given up after its last attempt.
    WebhookFailed,
    /// A webhook endpoint was disabled, because it is gone or has failed for five days.
    WebhookDisabled,
    /// A merchant of the epay protocol was not told of a paid order, and nothing more is sent by itself.
    EpayNotificationFailed,
}

impl IncidentKind {
    pub const ALL: [IncidentKind; 26] = [
        IncidentKind::WrongAmount,
        IncidentKind::Surplus,
        IncidentKind::ForeignNotification,
        IncidentKind::UnmatchedNotification,
        IncidentKind::TradeReused,
        IncidentKind::UnknownRefund,
        IncidentKind::RefundMismatch,
        IncidentKind::RefundFailed,
        IncidentKind::RefundStuck,
        IncidentKind::RefundRevived,
        IncidentKind::Refused,
        IncidentKind::ForgedNotifications,
        IncidentKind::GatewaySilent,
        IncidentKind::KeyExpiring,
        IncidentKind::NewKey,
        IncidentKind::OtherAccount,
        IncidentKind::ClockOff,
        IncidentKind::PaymentOverdue,
        IncidentKind::PaymentUnanswered,
        IncidentKind::RefundOverdue,
        IncidentKind::OrderOverdue,
        IncidentKind::JobOverdue,
        IncidentKind::BackupFailed,
        IncidentKind::WebhookFailed,
        IncidentKind::WebhookDisabled,
        IncidentKind::EpayNotificationFailed,
    ];

    /// Kinds about a gateway as a whole rather than one notification.
    pub const OF_GATEWAYS: [IncidentKind; 4] = [
        IncidentKind::ForgedNotifications,
        IncidentKind::GatewaySilent,
        IncidentKind::KeyExpiring,
        IncidentKind::ClockOff,
    ];

    pub fn parse(word: &str) -> Option<IncidentKind> {
        IncidentKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            IncidentKind::WrongAmount => "wrong_amount",
            IncidentKind::Surplus => "surplus",
            IncidentKind::ForeignNotification => "foreign_notice",
            IncidentKind::UnmatchedNotification => "unmatched_notice",
            IncidentKind::TradeReused => "trade_reused",
            IncidentKind::UnknownRefund => "unknown_refund",
            IncidentKind::RefundMismatch => "refund_mismatch",
            IncidentKind::RefundFailed => "refund_failed",
            IncidentKind::RefundStuck => "refund_stuck",
            IncidentKind::RefundRevived => "refund_revived",
            IncidentKind::Refused => "refused",
            IncidentKind::ForgedNotifications => "forged_notices",
            IncidentKind::GatewaySilent => "gateway_silent",
            IncidentKind::KeyExpiring => "key_expiring",
            IncidentKind::NewKey => "new_key",
            IncidentKind::OtherAccount => "other_account",
            IncidentKind::ClockOff => "clock_off",
            IncidentKind::PaymentOverdue => "payment_overdue",
            IncidentKind::PaymentUnanswered => "payment_unanswered",
            IncidentKind::RefundOverdue => "refund_overdue",
            IncidentKind::OrderOverdue => "order_overdue",
            IncidentKind::JobOverdue => "job_overdue",
            IncidentKind::BackupFailed => "backup_failed",
            IncidentKind::WebhookFailed => "webhook_failed",
            IncidentKind::WebhookDisabled => "webhook_disabled",
            IncidentKind::EpayNotificationFailed => "epay_notification_failed",
        }
    }
}

/// An incident that was opened, or opened again.
#[derive(Debug)]
pub(crate) struct OpenedIncident<'a> {
    pub id: &'a str,
    pub kind: IncidentKind,
    pub detail: &'a str,
    pub order_id: Option<&'a str>,
    pub payment_id: Option<&'a str>,
    pub created_at: Timestamp,
}
