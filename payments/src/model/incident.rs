//! Kinds of incidents.

use domain::Timestamp;

domain::words! {
    /// Kind of an incident.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum IncidentKind {
        /// Paid, but not the amount of the order.
        WrongAmount => "wrong_amount",
        /// Surplus payment; its refund is written in the same transaction.
        Surplus => "surplus",
        /// Notification for another merchant, app or seller.
        ForeignNotification => "foreign_notice",
        /// Notification about an unknown payment.
        UnmatchedNotification => "unmatched_notice",
        /// One trade of the gateway claims to pay two payments.
        TradeReused => "trade_reused",
        /// Notification about a refund unknown here: made in the gateway's console, or by another holder of our keys.
        UnknownRefund => "unknown_refund",
        /// Notification that names another amount or trade than our refund has.
        RefundMismatch => "refund_mismatch",
        /// The gateway refuses the refund under this number for good.
        RefundFailed => "refund_failed",
        /// The gateway cannot refund until a person acts.
        RefundStuck => "refund_stuck",
        /// A refund that the gateway had called failed has succeeded after all.
        RefundRevived => "refund_revived",
        /// The gateway refused to create a payment in an answer that cannot be verified.
        Refused => "refused",
        /// Many notifications without a valid signature.
        ForgedNotifications => "forged_notices",
        /// The gateway has not answered for some minutes.
        GatewaySilent => "gateway_silent",
        /// A certificate that a person must replace expires soon.
        KeyExpiring => "key_expiring",
        /// An API key was created.
        NewKey => "new_key",
        /// The server started on a database with unfinished payments of another merchant account.
        OtherAccount => "other_account",
        /// Clock drift between a server and the `Date` of a gateway's answers.
        ClockOff => "clock_off",
        /// A payment is still open long after its expiry.
        PaymentOverdue => "payment_overdue",
        /// Several queries in a row about a payment had no usable answer.
        PaymentUnanswered => "payment_unanswered",
        /// A refund has neither succeeded nor failed for longer than its gateway takes.
        RefundOverdue => "refund_overdue",
        /// The payments of an order do not explain its state.
        OrderOverdue => "order_overdue",
        /// A job of a server has not succeeded for long.
        JobOverdue => "job_overdue",
        /// The scheduled backup was not made.
        BackupFailed => "backup_failed",
        /// A webhook delivery was given up after its last attempt.
        WebhookFailed => "webhook_failed",
        /// A webhook endpoint was disabled, because it is gone or has failed for five days.
        WebhookDisabled => "webhook_disabled",
        /// The gateway does not permit the merchant a product: it is not signed, or was taken away.
        ProductNotPermitted => "product_not_permitted",
        /// A merchant of the epay protocol was not told of a paid order, and nothing more is sent by itself.
        EpayNotificationFailed => "epay_notification_failed",
        /// A gateway's statement of a day differs from the books.
        ReconciliationDifference => "reconciliation_difference",
        /// A gateway's statement of a day could not be used for a day.
        StatementMissing => "statement_missing",
        /// WeChat was not told that what a mini program sold is delivered, and holds the money back.
        ShippingNotUploaded => "shipping_not_uploaded",
        /// The database is an older copy than the one that this server has written to.
        DatabaseRestored => "database_restored",
    }
}

impl IncidentKind {
    /// Returns whether operators are told at any hour: money is at stake, a key is in other hands, or nothing works.
    pub const fn is_urgent(self) -> bool {
        matches!(
            self,
            IncidentKind::WrongAmount
                | IncidentKind::UnmatchedNotification
                | IncidentKind::TradeReused
                | IncidentKind::UnknownRefund
                | IncidentKind::RefundMismatch
                | IncidentKind::ForgedNotifications
                | IncidentKind::GatewaySilent
                | IncidentKind::OtherAccount
                | IncidentKind::ClockOff
                | IncidentKind::PaymentUnanswered
                | IncidentKind::OrderOverdue
                | IncidentKind::JobOverdue
                | IncidentKind::WebhookDisabled
                | IncidentKind::ReconciliationDifference
                | IncidentKind::DatabaseRestored
        )
    }

    /// Returns whether a message names the sum: the incident is about money that a payer gave.
    pub const fn is_about_money(self) -> bool {
        matches!(
            self,
            IncidentKind::WrongAmount
                | IncidentKind::Surplus
                | IncidentKind::TradeReused
                | IncidentKind::RefundMismatch
                | IncidentKind::RefundFailed
                | IncidentKind::RefundStuck
                | IncidentKind::RefundRevived
                | IncidentKind::PaymentOverdue
                | IncidentKind::PaymentUnanswered
                | IncidentKind::RefundOverdue
                | IncidentKind::OrderOverdue
                | IncidentKind::ShippingNotUploaded
        )
    }

    /// Kinds about a gateway as a whole rather than one notification.
    pub const OF_GATEWAYS: [IncidentKind; 4] = [
        IncidentKind::ForgedNotifications,
        IncidentKind::GatewaySilent,
        IncidentKind::KeyExpiring,
        IncidentKind::ClockOff,
    ];
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
