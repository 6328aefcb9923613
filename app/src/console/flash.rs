//! Flash messages: a code in the address of the next page, and its text looked up.

use crate::i18n::ConsoleWords;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flash {
    LoggedOutElsewhere,
    TotpOn,
    TotpOff,
    UserInvited,
    UserKnown,
    RoleChanged,
    Asked,
    NoteWritten,
    Assigned,
    Resolved,
    RefundRequested,
    RefundWaiting,
    RefundApproved,
    RefundRejected,
    RefundRetried,
    KeyRevoked,
    BalanceAdjusted,
    PasswordChanged,
    UserDisabled,
    LoginReset,
    Replayed,
    CreditWaiting,
    CreditApproved,
    EpayMerchantDisabled,
    EpayMerchantEnabled,
    PingQueued,
    EndpointChanged,
    EndpointDeleted,
    DeliveryQueued,
    ReplayBegun,
    EpayNotificationSent,
}

impl Flash {
    pub const ALL: [Flash; 31] = [
        Flash::LoggedOutElsewhere,
        Flash::TotpOn,
        Flash::TotpOff,
        Flash::UserInvited,
        Flash::UserKnown,
        Flash::RoleChanged,
        Flash::Asked,
        Flash::NoteWritten,
        Flash::Assigned,
        Flash::Resolved,
        Flash::RefundRequested,
        Flash::RefundWaiting,
        Flash::RefundApproved,
        Flash::RefundRejected,
        Flash::RefundRetried,
        Flash::KeyRevoked,
        Flash::BalanceAdjusted,
        Flash::PasswordChanged,
        Flash::UserDisabled,
        Flash::LoginReset,
        Flash::Replayed,
        Flash::CreditWaiting,
        Flash::CreditApproved,
        Flash::EpayMerchantDisabled,
        Flash::EpayMerchantEnabled,
        Flash::PingQueued,
        Flash::EndpointChanged,
        Flash::EndpointDeleted,
        Flash::DeliveryQueued,
        Flash::ReplayBegun,
        Flash::EpayNotificationSent,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Flash::LoggedOutElsewhere => "logged_out_elsewhere",
            Flash::TotpOn => "totp_on",
            Flash::TotpOff => "totp_off",
            Flash::UserInvited => "person_invited",
            Flash::UserKnown => "person_known",
            Flash::RoleChanged => "role_changed",
            Flash::Asked => "asked",
            Flash::NoteWritten => "note_written",
            Flash::Assigned => "assigned",
            Flash::Resolved => "resolved",
            Flash::RefundRequested => "refund_requested",
            Flash::RefundWaiting => "refund_waiting",
            Flash::RefundApproved => "refund_approved",
            Flash::RefundRejected => "refund_rejected",
            Flash::RefundRetried => "refund_retried",
            Flash::KeyRevoked => "key_revoked",
            Flash::BalanceAdjusted => "balance_adjusted",
            Flash::PasswordChanged => "password_changed",
            Flash::UserDisabled => "person_disabled",
            Flash::LoginReset => "login_reset",
            Flash::Replayed => "replayed",
            Flash::CreditWaiting => "credit_waiting",
            Flash::CreditApproved => "credit_approved",
            Flash::EpayMerchantDisabled => "epay_merchant_disabled",
            Flash::EpayMerchantEnabled => "epay_merchant_enabled",
            Flash::PingQueued => "ping_queued",
            Flash::EndpointChanged => "endpoint_changed",
            Flash::EndpointDeleted => "endpoint_deleted",
            Flash::DeliveryQueued => "delivery_queued",
            Flash::ReplayBegun => "replay_begun",
            Flash::EpayNotificationSent => "epay_notification_sent",
        }
    }

    pub fn parse(word: &str) -> Option<Flash> {
        Flash::ALL.into_iter().find(|flash| flash.as_str() == word)
    }

    pub const fn text(self, words: &ConsoleWords) -> &'static str {
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
