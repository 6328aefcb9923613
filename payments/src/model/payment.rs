//! Payments in lists.

use domain::{Method, Payment, PaymentStatus};

use crate::changes::ChangeFilter;

#[derive(Debug, Clone, Default)]
pub struct PaymentFilter {
    pub order_id: Option<String>,
    pub status: Option<PaymentStatus>,
    pub method: Option<Method>,
    pub user_id: Option<String>,
    pub changes: ChangeFilter,
    pub limit: u32,
    pub cursor: Option<String>,
}

/// A payment with data of its order.
#[derive(Debug, Clone)]
pub struct ListedPayment {
    pub payment: Payment,
    pub user_id: String,
    /// Token of the order's checkout page.
    pub token: String,
}
