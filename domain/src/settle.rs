//! What news about a payment means for it and for its order: the rule the whole product hangs on.

use crate::{Money, OrderState, PaymentState, Timestamp};

/// One gateway's authenticated answer about one payment, whichever door it came through.
///
/// A timeout, a 5xx, an answer that cannot be verified is no report at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The gateway has no such trade.
    Absent,
    Unpaid,
    Paid(Receipt),
    /// Closed without having been paid.
    Closed,
    /// The gateway understood the order and will not take it, in its own words.
    Declined(String),
}

/// The gateway's word that money moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub transaction_id: String,
    /// The order's amount as the gateway knows it, before any coupon.
    pub amount: Money,
    pub paid_at: Timestamp,
}

/// What happens to money for an order that is already cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LatePolicy {
    #[default]
    Refund,
    Accept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Nothing new.
    Unchanged,
    /// The gateway knows the payment; the payer can pay.
    Acknowledged,
    /// This payment pays its order.
    Paid,
    /// Money for an order that does not need it: all of it goes back.
    Surplus,
    Closed,
    Declined,
    /// Money, but not the sum that was asked: no state changes, a person must look.
    WrongAmount,
}

/// Decides what a report changes. `Paid` is forever: no report takes a payment out of it.
pub fn settle(
    order: OrderState,
    payment: PaymentState,
    asked: Money,
    policy: LatePolicy,
    report: &Report,
) -> Settlement {
    use PaymentState::{Closed, Created, Declined, Paid, Pending};
    match (payment, report) {
        (Paid, _) => Settlement::Unchanged,
        (_, Report::Paid(receipt)) if receipt.amount != asked => Settlement::WrongAmount,
        // Money wins over whatever we believed, and only the order says whether it is still needed.
        (_, Report::Paid(_)) => match (order, policy) {
            (OrderState::Open, _) | (OrderState::Cancelled, LatePolicy::Accept) => Settlement::Paid,
            (OrderState::Paid, _) | (OrderState::Cancelled, LatePolicy::Refund) => Settlement::Surplus,
        },
        (Created, Report::Unpaid) => Settlement::Acknowledged,
        (Created | Pending, Report::Closed) => Settlement::Closed,
        // Only an order that was never payable can be declined: once a code is shown, refusals are about something else.
        (Created, Report::Declined(_)) => Settlement::Declined,
        (Created | Pending, Report::Absent)
        | (Pending, Report::Unpaid | Report::Declined(_))
        | (Closed | Declined, _) => Settlement::Unchanged,
    }
}

/// [`settle`] at the deadline, after the gateway was told to close: what it does not know can no longer be paid.
pub fn lapse(
    order: OrderState,
    payment: PaymentState,
    asked: Money,
    policy: LatePolicy,
    report: &Report,
) -> Settlement {
    match (payment, report) {
        (PaymentState::Created | PaymentState::Pending, Report::Absent) => Settlement::Closed,
        _ => settle(order, payment, asked, policy, report),
    }
}
