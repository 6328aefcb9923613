//! Payment with the user's balance: shown first, and confirmed before any money moves.

use domain::{Money, Order, OrderState, Purpose, Refusal};

use super::{Fact, money};
use crate::error::UiError;
use crate::i18n::Words;

/// Returns whether the balance may be shown: only where the merchant's program allowed it for this order, because a checkout
/// link proves nothing about its holder. A top-up cannot be paid with the balance.
pub fn is_allowed(order: &Order) -> bool {
    order.allows_balance && order.purpose == Purpose::Sale && order.state == OrderState::Open
}

/// Returns what would remain, or how much is missing.
pub fn left(available: Money, price: Money) -> Result<Money, Money> {
    match available.checked_sub(price) {
        Some(left) => Ok(left),
        None => Err(price.checked_sub(available).unwrap_or(price)),
    }
}

pub fn facts(available: Money, price: Money, words: &Words) -> Vec<Fact> {
    let fact = |label, amount| Fact {
        label,
        value: money::text(amount),
        is_reference: false,
    };
    let last = match left(available, price) {
        Ok(left) => fact(words.left_afterwards, left),
        Err(missing) => fact(words.missing, missing),
    };
    vec![fact(words.available, available), fact(words.amount, price), last]
}

/// Maps an error. A low balance is none: the page shows how much is missing.
pub fn outcome(error: payments::Error) -> Option<UiError> {
    match error {
        payments::Error::Refused(Refusal::InsufficientBalance) => None,
        other => Some(UiError::from(other)),
    }
}
