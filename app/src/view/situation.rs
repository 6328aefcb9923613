//! Situation of an order as its payer sees it: the only place that reads states of orders and payments for a page.

use domain::{Money, Order, OrderState, Payment, PaymentState, Timestamp};
use payments::{Checkout, EXPIRED_REASON};
use serde::Serialize;

domain::words! {
    /// Value of `main[data-state]`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum PageState {
        Choose => "choose",
        /// A balance payment waits for its confirmation.
        Balance => "balance",
        /// The balance is too low.
        Short => "short",
        Waiting => "waiting",
        Confirming => "confirming",
        Paid => "paid",
        Refunding => "refunding",
        Refunded => "refunded",
        Expired => "expired",
        Closed => "closed",
        Unavailable => "unavailable",
        Returning => "returning",
    }
}

/// Everything a checkout page may show. Borrowed payments are the ones it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation<'a> {
    /// No attempt yet.
    Choose,
    /// The payer chose the balance, of which this would remain.
    Spending {
        left: Money,
    },
    /// The payer chose the balance, and this much is missing.
    Short {
        missing: Money,
    },
    /// The payer can pay this payment now.
    Waiting {
        payment: &'a Payment,
        prompt: &'a str,
    },
    /// The deadline is over, or the payer says it is paid, and the gateway has not reported the end.
    Confirming {
        payment: &'a Payment,
    },
    Paid {
        payment: Option<&'a Payment>,
    },
    /// Paid, and some or all of it is on its way back.
    Refunding {
        payment: &'a Payment,
    },
    /// Paid, and some or all of it was refunded since.
    Refunded {
        payment: Option<&'a Payment>,
    },
    /// This attempt has ended; the order is still open.
    Expired {
        payment: &'a Payment,
    },
    Closed {
        is_late: bool,
    },
    /// The gateway declined the order, or did not answer: there was nothing that could be paid.
    Unavailable {
        payment: &'a Payment,
    },
    /// Money for an order that was closed before it came.
    Late {
        payment: &'a Payment,
    },
    /// Money for an order that another payment had paid.
    Twice {
        payment: &'a Payment,
    },
}

impl PageState {
    /// Returns whether the payer may have paid and waits for the confirmation.
    pub const fn is_pending(self) -> bool {
        matches!(self, PageState::Waiting | PageState::Confirming)
    }
}

impl<'a> Situation<'a> {
    pub fn of(checkout: &'a Checkout, now: Timestamp) -> Situation<'a> {
        let Checkout { order, payments, .. } = checkout;
        let surplus = payments.iter().find(|payment| is_surplus(payment));
        let settling = payments.iter().find(|payment| payment.settles);
        match (order.state, surplus) {
            (OrderState::Paid, Some(payment)) => Situation::Twice { payment },
            (OrderState::Open | OrderState::Cancelled, Some(payment)) => Situation::Late { payment },
            (OrderState::Paid, None) => Situation::of_paid_order(order, settling),
            (OrderState::Cancelled, None) => Situation::Closed {
                is_late: order.cancel_reason.as_deref() == Some(EXPIRED_REASON),
            },
            (OrderState::Open, None) => Situation::of_open_order(order, payments, now),
        }
    }

    fn of_paid_order(order: &Order, settling: Option<&'a Payment>) -> Situation<'a> {
        match settling {
            Some(payment) if !payment.refunding.is_zero() => Situation::Refunding { payment },
            payment if !order.refunded.is_zero() => Situation::Refunded { payment },
            payment => Situation::Paid { payment },
        }
    }

    /// Uses the newest payment, which the payer is looking at; `payments` come newest first.
    fn of_open_order(order: &Order, payments: &'a [Payment], now: Timestamp) -> Situation<'a> {
        let open = payments.iter().find(|payment| payment.state.is_open());
        match (open, payments.first()) {
            (Some(payment), _) if is_over(order, now) => Situation::Confirming { payment },
            (None, _) if is_over(order, now) => Situation::Closed { is_late: true },
            (Some(payment), _) if payment.expires_at <= now => Situation::Expired { payment },
            (Some(payment), _) => match payment.prompt.as_deref() {
                Some(prompt) => Situation::Waiting { payment, prompt },
                None => Situation::Unavailable { payment },
            },
            (None, Some(payment)) if payment.state == PaymentState::Declined => {
                Situation::Unavailable { payment }
            }
            (None, Some(payment)) => Situation::Expired { payment },
            (None, None) => Situation::Choose,
        }
    }

    /// Returns whether the payer can still start to pay, by any method.
    pub const fn is_payable(&self) -> bool {
        matches!(
            self,
            Situation::Choose
                | Situation::Waiting { .. }
                | Situation::Expired { .. }
                | Situation::Unavailable { .. }
        )
    }

    pub const fn state(&self) -> PageState {
        match self {
            Situation::Choose => PageState::Choose,
            Situation::Spending { .. } => PageState::Balance,
            Situation::Short { .. } => PageState::Short,
            Situation::Waiting { .. } => PageState::Waiting,
            Situation::Confirming { .. } => PageState::Confirming,
            Situation::Paid { .. } => PageState::Paid,
            Situation::Refunding { .. } => PageState::Refunding,
            Situation::Refunded { .. } => PageState::Refunded,
            Situation::Expired { .. } => PageState::Expired,
            Situation::Closed { .. } => PageState::Closed,
            Situation::Unavailable { .. } => PageState::Unavailable,
            Situation::Late { .. } | Situation::Twice { .. } => PageState::Returning,
        }
    }

    /// Returns the payment that the page is about.
    pub const fn payment(&self) -> Option<&'a Payment> {
        match self {
            Situation::Choose
            | Situation::Spending { .. }
            | Situation::Short { .. }
            | Situation::Closed { .. } => None,
            Situation::Paid { payment } | Situation::Refunded { payment } => *payment,
            Situation::Waiting { payment, .. }
            | Situation::Confirming { payment }
            | Situation::Refunding { payment }
            | Situation::Expired { payment }
            | Situation::Unavailable { payment }
            | Situation::Late { payment }
            | Situation::Twice { payment } => Some(*payment),
        }
    }
}

fn is_surplus(payment: &Payment) -> bool {
    payment.state == PaymentState::Paid && !payment.settles
}

fn is_over(order: &Order, instant: Timestamp) -> bool {
    order.expires_at <= instant
}
