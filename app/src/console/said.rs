//! What a form says on the page after it: a word of ours in the address, and its text looked up.

use crate::i18n::ConsoleWords;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    LoggedOutElsewhere,
    TotpOn,
    TotpOff,
    PersonInvited,
    PersonKnown,
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
    PersonDisabled,
    LoginReset,
    Replayed,
    CreditWaiting,
    CreditApproved,
}

impl Said {
    pub const ALL: [Said; 23] = [
        Said::LoggedOutElsewhere,
        Said::TotpOn,
        Said::TotpOff,
        Said::PersonInvited,
        Said::PersonKnown,
        Said::RoleChanged,
        Said::Asked,
        Said::NoteWritten,
        Said::Assigned,
        Said::Resolved,
        Said::RefundRequested,
        Said::RefundWaiting,
        Said::RefundApproved,
        Said::RefundRejected,
        Said::RefundRetried,
        Said::KeyRevoked,
        Said::BalanceAdjusted,
        Said::PasswordChanged,
        Said::PersonDisabled,
        Said::LoginReset,
        Said::Replayed,
        Said::CreditWaiting,
        Said::CreditApproved,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Said::LoggedOutElsewhere => "logged_out_elsewhere",
            Said::TotpOn => "totp_on",
            Said::TotpOff => "totp_off",
            Said::PersonInvited => "person_invited",
            Said::PersonKnown => "person_known",
            Said::RoleChanged => "role_changed",
            Said::Asked => "asked",
            Said::NoteWritten => "note_written",
            Said::Assigned => "assigned",
            Said::Resolved => "resolved",
            Said::RefundRequested => "refund_requested",
            Said::RefundWaiting => "refund_waiting",
            Said::RefundApproved => "refund_approved",
            Said::RefundRejected => "refund_rejected",
            Said::RefundRetried => "refund_retried",
            Said::KeyRevoked => "key_revoked",
            Said::BalanceAdjusted => "balance_adjusted",
            Said::PasswordChanged => "password_changed",
            Said::PersonDisabled => "person_disabled",
            Said::LoginReset => "login_reset",
            Said::Replayed => "replayed",
            Said::CreditWaiting => "credit_waiting",
            Said::CreditApproved => "credit_approved",
        }
    }

    pub fn parse(word: &str) -> Option<Said> {
        Said::ALL.into_iter().find(|said| said.as_str() == word)
    }

    pub const fn text(self, words: &ConsoleWords) -> &'static str {
        match self {
            Said::LoggedOutElsewhere => words.said_logged_out_elsewhere,
            Said::TotpOn => words.said_totp_on,
            Said::TotpOff => words.said_totp_off,
            Said::PersonInvited => words.said_person_invited,
            Said::PersonKnown => words.said_person_known,
            Said::RoleChanged => words.said_role_changed,
            Said::Asked => words.said_asked,
            Said::NoteWritten => words.said_note_written,
            Said::Assigned => words.said_assigned,
            Said::Resolved => words.said_resolved,
            Said::RefundRequested => words.said_refund_requested,
            Said::RefundWaiting => words.said_refund_waiting,
            Said::RefundApproved => words.said_refund_approved,
            Said::RefundRejected => words.said_refund_rejected,
            Said::RefundRetried => words.said_refund_retried,
            Said::KeyRevoked => words.said_key_revoked,
            Said::BalanceAdjusted => words.said_balance_adjusted,
            Said::PasswordChanged => words.said_password_changed,
            Said::PersonDisabled => words.said_person_disabled,
            Said::LoginReset => words.said_login_reset,
            Said::Replayed => words.said_replayed,
            Said::CreditWaiting => words.said_credit_waiting,
            Said::CreditApproved => words.said_credit_approved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_words_are_said() {
        for said in Said::ALL {
            assert_eq!(Said::parse(said.as_str()), Some(said));
        }
        assert_eq!(Said::parse("<script>"), None);
    }
}
