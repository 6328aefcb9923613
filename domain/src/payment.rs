//! A payment: one attempt to pay an order, with a number of its own at the gateway.

use crate::{Method, Money, Order, OrderId, OrderState, PaymentId, PaymentNo, Product, Purpose, Timestamp};

crate::words! {
    /// `Created`: the gateway may or may not know it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum PaymentState {
        Created => "created",
        Pending => "pending",
        Paid => "paid",
        Closed => "closed",
        Declined => "declined",
    }
}

crate::words! {
    /// Public status: derived, never stored.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum PaymentStatus {
        Pending => "pending",
        Processing => "processing",
        Success => "success",
        Failed => "failed",
        Cancelled => "cancelled",
        Refunding => "refunding",
        Refunded => "refunded",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub payment_no: PaymentNo,
    pub order_id: OrderId,
    pub product: Product,
    pub amount: Money,
    pub state: PaymentState,
    /// Whether this payment pays its order; a paid one that does not is surplus.
    pub settles: bool,
    /// Merchant account at which it was opened. `None` for a balance, and before accounts were recorded.
    pub account: Option<String>,
    /// The gateway's number of the trade, once known.
    pub transaction_id: Option<String>,
    /// The exact body of the create call: a retry sends the same bytes.
    pub request: String,
    /// Address the gateway sends the payer's browser to; nothing that arrives there is trusted (T-24).
    pub return_url: Option<String>,
    /// Prompt for the payer: the content of a QR code, a URL to open, or WeChat's `prepay_id`.
    pub prompt: Option<String>,
    /// Creation time of the prompt: some expire long before the payment does.
    pub prompted_at: Option<Timestamp>,
    pub failure_reason: Option<String>,
    /// Sum of completed refunds.
    pub refunded: Money,
    /// Sum of refunds under way.
    pub refunding: Money,
    pub refund_reason: Option<String>,
    pub refunded_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

/// A rule refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this order can no longer be paid")]
    OrderNotPayable,
    #[error("this order can no longer be cancelled")]
    OrderNotCancellable,
    #[error("the amount is not the order's")]
    AmountMismatch,
    #[error("this order number is taken by another order")]
    OrderNoReused,
    #[error("this idempotency key was used with another request")]
    IdempotencyConflict,
    #[error("the balance is not enough")]
    InsufficientBalance,
    #[error("this adjustment number was used for another adjustment")]
    AdjustmentNoReused,
}

/// A payment that is about to be opened.
#[derive(Debug, Clone)]
pub struct NewPayment {
    pub id: PaymentId,
    pub payment_no: PaymentNo,
    pub order_id: OrderId,
    pub product: Product,
    pub amount: Money,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
}

/// First step of starting a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    New,
    Reuse(PaymentId),
    CloseFirst(PaymentId),
}

impl PaymentState {
    /// Returns whether the payer may still be able to pay it.
    pub const fn is_open(self) -> bool {
        matches!(self, PaymentState::Created | PaymentState::Pending)
    }
}

impl Payment {
    /// Makes a payment that nothing has happened to: no gateway knows it.
    pub fn new(new: NewPayment) -> Payment {
        Payment {
            id: new.id,
            payment_no: new.payment_no,
            order_id: new.order_id,
            product: new.product,
            amount: new.amount,
            state: PaymentState::Created,
            settles: false,
            account: None,
            transaction_id: None,
            request: String::new(),
            return_url: None,
            prompt: None,
            prompted_at: None,
            failure_reason: None,
            refunded: Money::ZERO,
            refunding: Money::ZERO,
            refund_reason: None,
            refunded_at: None,
            expires_at: new.expires_at,
            paid_at: None,
            created_at: new.created_at,
            updated_at: new.created_at,
            version: 0,
        }
    }

    pub fn method(&self) -> Method {
        self.product.method()
    }

    /// Returns whether there is a prompt and the payer still has time to use it.
    pub fn has_fresh_prompt(&self, now: Timestamp) -> bool {
        self.prompt.is_some()
            && self.product.prompt_lifetime().is_none_or(|lifetime| {
                let made_at = self.prompted_at.unwrap_or(self.created_at);
                now + Product::PROMPT_MARGIN < made_at + lifetime
            })
    }

    pub fn status(&self) -> PaymentStatus {
        match self.state {
            PaymentState::Created => PaymentStatus::Pending,
            PaymentState::Pending => PaymentStatus::Processing,
            PaymentState::Closed => PaymentStatus::Cancelled,
            PaymentState::Declined => PaymentStatus::Failed,
            PaymentState::Paid if !self.refunding.is_zero() => PaymentStatus::Refunding,
            PaymentState::Paid if self.refunded >= self.amount => PaymentStatus::Refunded,
            PaymentState::Paid => PaymentStatus::Success,
        }
    }
}

/// Decides whether a payment of `product` can be started now, and what to do with the open one.
pub fn open_payment(
    order: &Order,
    open: Option<&Payment>,
    product: Product,
    now: Timestamp,
) -> Result<Opening, Refusal> {
    // A balance topped up from itself would create money.
    let feeds_itself = order.purpose == Purpose::Topup && product.method() == Method::Balance;
    if order.state != OrderState::Open || now >= order.expires_at || feeds_itself {
        return Err(Refusal::OrderNotPayable);
    }
    let Some(open) = open else { return Ok(Opening::New) };
    if open.product == product && now < open.expires_at {
        return Ok(Opening::Reuse(open.id.clone()));
    }
    Ok(Opening::CloseFirst(open.id.clone()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Money;

    fn opened(product: Product) -> Payment {
        let made_at = Timestamp::from_millis(1_700_000_000_000);
        let new = NewPayment {
            id: PaymentId::new(made_at, [1; 10]),
            payment_no: PaymentNo::new(made_at, [1; 10]),
            order_id: OrderId::new(made_at, [1; 10]),
            product,
            amount: Money::from_fen(100).expect("a positive amount"),
            expires_at: made_at + Duration::from_hours(24),
            created_at: made_at,
        };
        Payment {
            state: PaymentState::Pending,
            prompt: Some("weixin://".to_owned()),
            prompted_at: Some(made_at),
            ..Payment::new(new)
        }
    }

    #[test]
    fn a_prompt_is_fresh_until_a_minute_before_it_expires() {
        for product in Product::ALL {
            let payment = opened(product);
            let fresh_after =
                |seconds: u64| payment.has_fresh_prompt(payment.created_at + Duration::from_secs(seconds));
            match product.prompt_lifetime() {
                None => assert!(fresh_after(86_399), "{product:?}"),
                Some(lifetime) => {
                    let last = lifetime.as_secs() - 60;
                    assert!(fresh_after(last - 1), "{product:?}");
                    assert!(!fresh_after(last), "{product:?}");
                }
            }
        }
        let h5 = Product::H5.prompt_lifetime().map(|lifetime| lifetime.as_secs());
        assert_eq!(h5, Some(300));
    }

    #[test]
    fn without_a_prompt_nothing_is_fresh() {
        let payment = Payment {
            prompt: None,
            ..opened(Product::Page)
        };
        assert!(!payment.has_fresh_prompt(payment.created_at));
    }
}
