//! Flash messages: a code in the address of the next page, and its text looked up.

use crate::i18n::{ConsoleWords, FormWords};

domain::words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Flash {
        LoggedOutElsewhere => "logged_out_elsewhere",
        TotpOn => "totp_on",
        TotpOff => "totp_off",
        UserInvited => "person_invited",
        UserKnown => "person_known",
        RoleChanged => "role_changed",
        Asked => "asked",
        NoteWritten => "note_written",
        Assigned => "assigned",
        Resolved => "resolved",
        RefundRequested => "refund_requested",
        RefundWaiting => "refund_waiting",
        RefundApproved => "refund_approved",
        RefundRejected => "refund_rejected",
        RefundRetried => "refund_retried",
        KeyRevoked => "key_revoked",
        BalanceAdjusted => "balance_adjusted",
        PasswordChanged => "password_changed",
        UserDisabled => "person_disabled",
        UserEnabled => "person_enabled",
        SentBefore => "sent_before",
        LoginReset => "login_reset",
        Replayed => "replayed",
        CreditWaiting => "credit_waiting",
        CreditApproved => "credit_approved",
        EpayMerchantDisabled => "epay_merchant_disabled",
        EpayMerchantEnabled => "epay_merchant_enabled",
        PingQueued => "ping_queued",
        EndpointChanged => "endpoint_changed",
        EndpointDeleted => "endpoint_deleted",
        DeliveryQueued => "delivery_queued",
        ReplayBegun => "replay_begun",
        EpayNotificationSent => "epay_notification_sent",
        DayReconciled => "day_reconciled",
        DayPending => "day_pending",
        DifferenceExplained => "difference_explained",
        DayClosed => "day_closed",
        AlarmTestQueued => "alarm_test_queued",
        OrderMade => "order_made",
        OrderClosed => "order_closed",
        LinkMade => "link_made",
        LinkClosed => "link_closed",
    }
}

impl Flash {
    pub const fn text(self, words: &ConsoleWords, forms: &FormWords) -> &'static str {
        match self {
            Flash::LoggedOutElsewhere => words.flash_logged_out_elsewhere,
            Flash::TotpOn => words.flash_totp_on,
            Flash::TotpOff => words.flash_totp_off,
            Flash::UserInvited => words.flash_user_invited,
            Flash::UserKnown => words.flash_user_known,
            Flash::RoleChanged => words.flash_role_changed,
            Flash::Asked => words.flash_asked,
            Flash::NoteWritten => words.flash_note_written,
            Flash::Assigned => words.flash_assigned,
            Flash::Resolved => words.flash_resolved,
            Flash::RefundRequested => words.flash_refund_requested,
            Flash::RefundWaiting => words.flash_refund_waiting,
            Flash::RefundApproved => words.flash_refund_approved,
            Flash::RefundRejected => words.flash_refund_rejected,
            Flash::RefundRetried => words.flash_refund_retried,
            Flash::KeyRevoked => words.flash_key_revoked,
            Flash::BalanceAdjusted => words.flash_balance_adjusted,
            Flash::PasswordChanged => words.flash_password_changed,
            Flash::UserDisabled => words.flash_user_disabled,
            Flash::UserEnabled => forms.flash_user_enabled,
            Flash::SentBefore => forms.sent_before,
            Flash::LoginReset => words.flash_login_reset,
            Flash::Replayed => words.flash_replayed,
            Flash::CreditWaiting => words.flash_credit_waiting,
            Flash::CreditApproved => words.flash_credit_approved,
            Flash::EpayMerchantDisabled => words.flash_epay_merchant_disabled,
            Flash::EpayMerchantEnabled => words.flash_epay_merchant_enabled,
            Flash::PingQueued => words.flash_ping_queued,
            Flash::EndpointChanged => words.flash_endpoint_changed,
            Flash::EndpointDeleted => words.flash_endpoint_deleted,
            Flash::DeliveryQueued => words.flash_delivery_queued,
            Flash::ReplayBegun => words.flash_replay_begun,
            Flash::EpayNotificationSent => words.flash_epay_notification_sent,
            Flash::DayReconciled => words.flash_day_reconciled,
            Flash::DayPending => words.flash_day_pending,
            Flash::DifferenceExplained => words.flash_difference_explained,
            Flash::DayClosed => words.flash_day_closed,
            Flash::AlarmTestQueued => words.flash_alarm_test_queued,
            Flash::OrderMade => words.flash_order_made,
            Flash::OrderClosed => words.flash_order_closed,
            Flash::LinkMade => words.flash_link_made,
            Flash::LinkClosed => words.flash_link_closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_flash_codes_are_shown() {
        for flash in Flash::ALL {
            assert_eq!(Flash::parse(flash.as_str()), Some(flash));
        }
        assert_eq!(Flash::parse("<script>"), None);
    }
}
