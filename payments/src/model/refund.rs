//! Refunds in lists.

use domain::{Method, OrderId, Refund, RefundState, Timestamp};

use crate::changes::ChangeFilter;

#[derive(Debug, Clone, Default)]
pub struct RefundFilter {
    pub payment_id: Option<String>,
    pub order_id: Option<String>,
    pub state: Option<RefundState>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    pub changes: ChangeFilter,
    pub limit: u32,
    /// [`crate::Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// A refund with the order that its payment belongs to.
#[derive(Debug, Clone)]
pub struct ListedRefund {
    pub refund: Refund,
    pub order_id: OrderId,
}

/// A refund with what people look for of its order.
#[derive(Debug, Clone)]
pub struct RefundOfOrder {
    pub refund: Refund,
    pub order_id: OrderId,
    pub order_no: String,
    pub user_id: String,
    pub method: Method,
}
