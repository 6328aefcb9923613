//! An order: subject, price, deadline.

use crate::{Money, OrderId, OrderNo, Timestamp};

crate::words! {
    /// An expired order is cancelled with that reason; refunds are a sum, not a state.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum OrderState {
        Open => "open",
        Paid => "paid",
        Cancelled => "cancelled",
    }
}

crate::words! {
    /// Purpose of the money, which decides its owner when the order is paid.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Purpose {
        /// A sale by the merchant.
        Sale => "sale",
        /// A top-up of the user's own balance.
        Topup => "topup",
    }
}

crate::words! {
    /// Public status: derived, never stored.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum OrderStatus {
        Pending => "pending",
        Paid => "paid",
        PartiallyRefunded => "partially_refunded",
        Refunded => "refunded",
        Cancelled => "cancelled",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub order_no: OrderNo,
    /// The secret in the checkout link.
    pub token: String,
    pub user_id: String,
    pub purpose: Purpose,
    /// The holder of the checkout link may see the user's balance and pay with it. Only the merchant's program can allow this,
    /// because a link proves nothing about its holder.
    pub allows_balance: bool,
    pub subject: String,
    pub amount: Money,
    pub state: OrderState,
    pub return_url: Option<String>,
    /// The merchant's JSON object, kept as text.
    pub metadata: Option<String>,
    pub expires_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub cancel_reason: Option<String>,
    /// Sum of the completed refunds of the settling payment.
    pub refunded: Money,
    pub refund_reason: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl OrderStatus {
    /// Status of an order over `amount`, of which `refunded` is back with its payer.
    pub fn of(state: OrderState, amount: Money, refunded: Money) -> OrderStatus {
        match state {
            OrderState::Open => OrderStatus::Pending,
            OrderState::Cancelled => OrderStatus::Cancelled,
            OrderState::Paid if refunded.is_zero() => OrderStatus::Paid,
            OrderState::Paid if refunded < amount => OrderStatus::PartiallyRefunded,
            OrderState::Paid => OrderStatus::Refunded,
        }
    }
}

impl Order {
    pub fn status(&self) -> OrderStatus {
        OrderStatus::of(self.state, self.amount, self.refunded)
    }

    pub fn paid_amount(&self) -> Money {
        if self.state == OrderState::Paid {
            self.amount
        } else {
            Money::ZERO
        }
    }
}
