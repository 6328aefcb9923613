//! Settlement: decides what a gateway's report means for a payment and its order.

use crate::{Money, OrderState, PaymentState, Timestamp};

/// A gateway's authenticated report about a payment, by notification, query or call.
///
/// A timeout, a 5xx or an answer that cannot be verified is no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The gateway has no such trade.
    Absent,
    Unpaid,
    Paid(Receipt),
    /// Closed without having been paid.
    Closed,
    /// The gateway understood the order and refuses it, with its reason.
    Declined(String),
}

/// A gateway's report that money moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub transaction_id: String,
    /// The order's amount at the gateway, before any coupon.
    pub amount: Money,
    pub paid_at: Timestamp,
}

/// Treatment of money that arrives for a cancelled order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LatePolicy {
    #[default]
    Refund,
    Accept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// No change.
    Unchanged,
    /// The gateway knows the payment; the payer can pay.
    Acknowledged,
    /// This payment pays its order.
    Paid,
    /// Money that the order does not need: all of it is refunded.
    Surplus,
    Closed,
    Declined,
    /// Money, but another sum than was asked: no state changes, a person must look.
    WrongAmount,
}

/// Decides what a report changes. `Paid` is final: no report takes a payment out of it.
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
        // Money overrides the recorded state, and only the order says whether it is still needed.
        (_, Report::Paid(_)) => match (order, policy) {
            (OrderState::Open, _) | (OrderState::Cancelled, LatePolicy::Accept) => Settlement::Paid,
            (OrderState::Paid, _) | (OrderState::Cancelled, LatePolicy::Refund) => Settlement::Surplus,
        },
        (Created, Report::Unpaid) => Settlement::Acknowledged,
        (Created | Pending, Report::Closed) => Settlement::Closed,
        // Only an order that was never payable can be declined: after a code was shown, refusals are about something else.
        (Created, Report::Declined(_)) => Settlement::Declined,
        (Created | Pending, Report::Absent)
        | (Pending, Report::Unpaid | Report::Declined(_))
        | (Closed | Declined, _) => Settlement::Unchanged,
    }
}

/// Settles at the deadline, after the gateway was told to close: a trade that it does not know can no longer be paid.
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
