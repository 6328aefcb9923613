//! Why a gateway cannot refund until a person acts, from the code at the beginning of its reason.

/// Cause that a person has to set right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StuckCause {
    /// The merchant's account cannot cover the refund.
    Funds,
    /// The merchant lacks a permission, or its account cannot be used.
    Permission,
    /// The payer's account cannot take the money.
    PayerAccount,
}

impl StuckCause {
    /// Reads the code of a reason, `CODE: words`. `None`: a code that says nothing about it.
    pub fn read(reason: &str) -> Option<StuckCause> {
        let code = reason.split([':', ' ']).next().unwrap_or_default();
        let code: String = code.chars().filter(|sign| *sign != '_').collect();
        match code.to_ascii_uppercase().as_str() {
            "NOTENOUGH" | "SELLERBALANCENOTENOUGH" | "REFUNDCHARGEERROR" => Some(StuckCause::Funds),
            "NOAUTH" | "MCHNOTEXISTS" => Some(StuckCause::Permission),
            "ABNORMAL" | "USERACCOUNTABNORMAL" | "BUYERENABLESTATUSFORBID" => Some(StuckCause::PayerAccount),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_account_is_not_mistaken_for_a_closed_card() {
        for (reason, cause) in [
            ("NOT_ENOUGH: 基本账户余额不足", Some(StuckCause::Funds)),
            ("SELLER_BALANCE_NOT_ENOUGH: 卖家余额不足", Some(StuckCause::Funds)),
            ("NO_AUTH: x", Some(StuckCause::Permission)),
            ("ABNORMAL: the payer's account", Some(StuckCause::PayerAccount)),
            ("SOMETHING_NEW: x", None),
            ("", None),
        ] {
            assert_eq!(StuckCause::read(reason), cause, "{reason}");
        }
    }
}
