//! An order with its payments.

use domain::{Order, Payment};

/// One order with all its payments, newest first: what the checkout page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub order: Order,
    pub payments: Vec<Payment>,
    /// Made by the epay protocol: the payer's way back is signed when it is taken.
    pub is_epay: bool,
}
