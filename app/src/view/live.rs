//! Live state of an open page, sent over `/checkout/{token}/events` and `/status`.

use domain::{Payment, Timestamp};
use payments::Checkout;
use serde::Serialize;

use super::{PageState, Situation};

/// JSON `{"state":"waiting","version":7}`. A page that shows another pair is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LiveState {
    pub state: PageState,
    /// Grows with every change of the order or of any of its payments; serves as the `id` of an event.
    pub version: i64,
}

pub fn live_state(checkout: &Checkout, now: Timestamp) -> LiveState {
    LiveState {
        state: Situation::of(checkout, now).state(),
        version: checkout.order.version + checkout.payments.iter().map(payment_version).sum::<i64>(),
    }
}

/// Computes the version. Rows are never deleted and versions only grow. Refunds are rows of their own, so their sums are
/// added: twice what is refunded, because what was under way decreases then.
fn payment_version(payment: &Payment) -> i64 {
    1 + payment.version + payment.refunding.fen() + 2 * payment.refunded.fen()
}
