//! A refund: money on its way back.

use std::time::Duration;

use crate::{Money, PaymentId, RefundId, RefundNo, Timestamp};

/// WeChat takes no more refunds of one payment (docs/gateway-facts.md 1.6.4).
pub const MOST_REFUNDS: u32 = 50;
/// Nor later than this after the payment.
pub const WINDOW: Duration = Duration::from_secs(365 * 24 * 3600);

/// `Stuck`: a person must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundState {
    Requested,
    Pending,
    Succeeded,
    Failed,
    Stuck,
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
    /// The gateway's words, while it is failed or stuck.
    pub failure_reason: Option<String>,
    pub created_at: Timestamp,
    /// When the money was back, or when it was clear that it will not be.
    pub finished_at: Option<Timestamp>,
    pub version: i64,
}

/// Why a refund is not accepted; nothing was changed.
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
    pub const ALL: [RefundState; 5] = [
        RefundState::Requested,
        RefundState::Pending,
        RefundState::Succeeded,
        RefundState::Failed,
        RefundState::Stuck,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            RefundState::Requested => "requested",
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed => "failed",
            RefundState::Stuck => "stuck",
        }
    }

    pub fn parse(word: &str) -> Option<RefundState> {
        RefundState::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Nothing that comes later is expected to change it.
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

/// One gateway's authenticated answer about one refund, whichever door it came through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundReport {
    /// The gateway, verified, knows no such refund (yet).
    Absent,
    /// Accepted, not done: never shown as done (T-30).
    Processing { gateway_refund_id: Option<String> },
    Succeeded {
        gateway_refund_id: Option<String>,
        finished_at: Timestamp,
    },
    /// The money did not move, and under this number it never will.
    Failed(String),
    /// Nothing moves until a person acts: an account that is frozen, a merchant without money.
    Stuck(String),
}

/// The next state. Money that is back stays back; a failed number is never used again.
pub const fn advance(state: RefundState, report: &RefundReport) -> RefundState {
    match (state, report) {
        (RefundState::Succeeded, _) | (_, RefundReport::Succeeded { .. }) => RefundState::Succeeded,
        (RefundState::Failed, _) | (_, RefundReport::Failed(_)) => RefundState::Failed,
        (_, RefundReport::Stuck(_)) => RefundState::Stuck,
        (_, RefundReport::Processing { .. }) => RefundState::Pending,
        (_, RefundReport::Absent) => state,
    }
}

/// What of a payment is neither given back nor on its way.
pub fn left(paid: Money, claimed: Money) -> Money {
    paid.checked_sub(claimed).unwrap_or(Money::ZERO)
}

/// Whether `asked` may be given back of a payment of which `claimed` is given back already or on its way; `paid` is `None`
/// where no money came.
pub fn authorise(paid: Option<Money>, claimed: Money, asked: Money) -> Result<(), RefundRefusal> {
    let left = left(paid.ok_or(RefundRefusal::NotPaid)?, claimed);
    if asked.is_zero() {
        // Nobody can ask for nothing: it is what is left when no sum is named.
        Err(RefundRefusal::NothingLeft)
    } else if asked > left {
        Err(RefundRefusal::ExceedsPayment)
    } else {
        Ok(())
    }
}

/// What the gateways would refuse is refused here, in words that can be understood. `n_taken` counts the refunds that a
/// gateway has taken or may still take.
pub fn check_limits(paid_at: Timestamp, n_taken: u32, now: Timestamp) -> Result<(), RefundRefusal> {
    if now > paid_at + WINDOW {
        Err(RefundRefusal::TooLate)
    } else if n_taken >= MOST_REFUNDS {
        Err(RefundRefusal::TooMany)
    } else {
        Ok(())
    }
}
