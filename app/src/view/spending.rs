//! Paying with what the user has here: looked at first, and confirmed before any money moves.

use domain::{Money, Order, OrderState, Purpose, Refusal};

use super::{Fact, money};
use crate::error::UiError;
use crate::i18n::Words;

/// Only where the merchant's program said so for this very order: a checkout link proves nothing about who holds it, so by
/// itself it gives away neither a balance nor its amount. A balance cannot fill itself.
pub fn is_allowed(order: &Order) -> bool {
    order.allows_balance && order.purpose == Purpose::Sale && order.state == OrderState::Open
}

/// What would be left, or how much is missing.
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

/// Too little is no error of the payer's: the page says how much is missing.
pub fn outcome(error: payments::Error) -> Option<UiError> {
    match error {
        payments::Error::Refused(Refusal::InsufficientBalance) => None,
        other => Some(UiError::from(other)),
    }
}
