//! An order: subject, price, deadline.

use crate::{Money, OrderId, OrderNo, Timestamp};

/// An expired order is cancelled with that reason; refunds are a sum, not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderState {
    Open,
    Paid,
    Cancelled,
}

/// Purpose of the money, which decides its owner when the order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A sale by the merchant.
    Sale,
    /// A top-up of the user's own balance.
    Topup,
}

/// Public status: derived, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    Pending,
    Paid,
    PartiallyRefunded,
    Refunded,
    Cancelled,
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

impl OrderState {
    pub const ALL: [OrderState; 3] = [OrderState::Open, OrderState::Paid, OrderState::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            OrderState::Open => "open",
            OrderState::Paid => "paid",
            OrderState::Cancelled => "cancelled",
        }
    }

    pub fn parse(word: &str) -> Option<OrderState> {
        OrderState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl Purpose {
    pub const ALL: [Purpose; 2] = [Purpose::Sale, Purpose::Topup];

    pub const fn as_str(self) -> &'static str {
        match self {
            Purpose::Sale => "sale",
            Purpose::Topup => "topup",
        }
    }

    pub fn parse(word: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

impl OrderStatus {
    pub const ALL: [OrderStatus; 5] = [
        OrderStatus::Pending,
        OrderStatus::Paid,
        OrderStatus::PartiallyRefunded,
        OrderStatus::Refunded,
        OrderStatus::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            OrderStatus::Pending => "pending",
            OrderStatus::Paid => "paid",
            OrderStatus::PartiallyRefunded => "partially_refunded",
            OrderStatus::Refunded => "refunded",
            OrderStatus::Cancelled => "cancelled",
        }
    }

    pub fn parse(word: &str) -> Option<OrderStatus> {
        OrderStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl Order {
    pub fn status(&self) -> OrderStatus {
        match self.state {
            OrderState::Open => OrderStatus::Pending,
            OrderState::Cancelled => OrderStatus::Cancelled,
            OrderState::Paid if self.refunded.is_zero() => OrderStatus::Paid,
            OrderState::Paid if self.refunded < self.amount => OrderStatus::PartiallyRefunded,
            OrderState::Paid => OrderStatus::Refunded,
        }
    }

    pub fn paid_amount(&self) -> Money {
        if self.state == OrderState::Paid {
            self.amount
        } else {
            Money::ZERO
        }
    }
}
