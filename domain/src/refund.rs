//! A refund: money on its way back.

use std::time::Duration;

use crate::{Money, PaymentId, RefundId, RefundNo, Timestamp};

/// Most refunds of one payment that WeChat takes (docs/gateway-facts.md 1.6.4).
pub const MOST_REFUNDS: u32 = 50;
/// Longest time from the payment to a refund.
pub const WINDOW: Duration = Duration::from_hours(365 * 24);

crate::words! {
    /// `Stuck`: a person must act.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RefundState {
        Requested => "requested",
        Pending => "pending",
        Succeeded => "succeeded",
        Failed => "failed",
        Stuck => "stuck",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    /// `out_refund_no`, `out_request_no`: fixed before the first call, the same on every try (T-32).
    pub refund_no: RefundNo,
    pub payment_id: PaymentId,
    pub amount: Money,
    pub reason: String,
    pub state: RefundState,
    /// WeChat's `refund_id`; Alipay has none.
    pub gateway_refund_id: Option<String>,
    /// The gateway's reason, while it is failed or stuck.
    pub failure_reason: Option<String>,
    pub created_at: Timestamp,
    /// Time of the last change of its state.
    pub updated_at: Timestamp,
    /// Time at which the refund succeeded, or certainly failed.
    pub finished_at: Option<Timestamp>,
    pub version: i64,
}

/// Reason for which a refund is refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    #[error("only a payment that is paid can be refunded")]
    NotPaid,
    #[error("all of this payment is given back already, or on its way")]
    NothingLeft,
    #[error("this is more than what is left of the payment")]
    ExceedsPayment,
    #[error("a payment can be refunded for 365 days, and they are over")]
    TooLate,
    #[error("a payment can be refunded in at most 50 parts, and they are used up")]
    TooMany,
    #[error("this payment was made to another merchant account, which is not configured here")]
    OtherAccount,
    #[error("this refund number is taken by another refund")]
    NumberReused,
    #[error("this refund is done, or the gateway is still busy with it: it is not sent again")]
    NotRetryable,
}

impl RefundState {
    /// Returns whether no further change is expected.
    pub const fn is_final(self) -> bool {
        matches!(self, RefundState::Succeeded | RefundState::Failed)
    }
}

impl RefundReport {
    pub fn gateway_refund_id(&self) -> Option<&str> {
        match self {
            RefundReport::Processing { gateway_refund_id }
            | RefundReport::Succeeded {
                gateway_refund_id, ..
            } => gateway_refund_id.as_deref(),
            RefundReport::Absent | RefundReport::Failed(_) | RefundReport::Stuck(_) => None,
        }
    }
}

/// A gateway's authenticated report about a refund, by notification, query or call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundReport {
    /// The gateway, verified, does not know this refund (yet).
    Absent,
    /// Accepted, not done: never shown as done (T-30).
    Processing { gateway_refund_id: Option<String> },
    Succeeded {
        gateway_refund_id: Option<String>,
        finished_at: Timestamp,
    },
    /// The money did not move, and under this number it never will.
    Failed(String),
    /// Blocked until a person acts: a frozen account, a merchant account without funds.
    Stuck(String),
}

/// Returns the next state. Succeeded is final, and a failed number is never used again.
pub const fn advance(state: RefundState, report: &RefundReport) -> RefundState {
    match (state, report) {
        (RefundState::Succeeded, _) | (_, RefundReport::Succeeded { .. }) => RefundState::Succeeded,
        (RefundState::Failed, _) | (_, RefundReport::Failed(_)) => RefundState::Failed,
        (_, RefundReport::Stuck(_)) => RefundState::Stuck,
        (_, RefundReport::Processing { .. }) => RefundState::Pending,
        (_, RefundReport::Absent) => state,
    }
}

/// Returns the part of a payment that is neither refunded nor under way.
pub fn left(paid: Money, claimed: Money) -> Money {
    paid.checked_sub(claimed).unwrap_or(Money::ZERO)
}

/// Checks whether `asked` may be refunded of a payment of which `claimed` is refunded or under way; `paid` is `None` where no
/// money came.
pub fn authorise(paid: Option<Money>, claimed: Money, asked: Money) -> Result<(), RefundRefusal> {
    let left = left(paid.ok_or(RefundRefusal::NotPaid)?, claimed);
    if asked.is_zero() {
        // Zero is asked only when no amount is named and nothing is left.
        Err(RefundRefusal::NothingLeft)
    } else if asked > left {
        Err(RefundRefusal::ExceedsPayment)
    } else {
        Ok(())
    }
}

/// Refuses early what the gateways would refuse, with a clear reason. `n_taken` counts the refunds that a gateway has taken
/// or may still take.
pub fn check_limits(paid_at: Timestamp, n_taken: u32, now: Timestamp) -> Result<(), RefundRefusal> {
    if now > paid_at + WINDOW {
        Err(RefundRefusal::TooLate)
    } else if n_taken >= MOST_REFUNDS {
        Err(RefundRefusal::TooMany)
    } else {
        Ok(())
    }
}
