//! Orders: made, found, listed, cancelled.

use domain::{Method, Money, Order, OrderId, OrderStatus, Payment, PaymentId, PaymentStatus, Timestamp};

use crate::once::{Made, Once};
use crate::{Error, Services};

/// What a merchant says of a new order. Lengths and alphabets are checked by [`create_order`].
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub order_no: Option<String>,
    pub user_id: String,
    pub subject: String,
    pub amount: Money,
    pub return_url: Option<String>,
    /// A JSON object as text.
    pub metadata: Option<String>,
    /// `None`: the operator's default.
    pub expires_in: Option<std::time::Duration>,
}

/// One order with all its payments, newest first: what the checkout page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub order: Order,
    pub payments: Vec<Payment>,
}

#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub status: Option<OrderStatus>,
    pub user_id: Option<String>,
    pub order_no: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    pub limit: u32,
    /// The id after which to go on (newest first): `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct PaymentFilter {
    pub order_id: Option<String>,
    pub status: Option<PaymentStatus>,
    pub method: Option<Method>,
    pub user_id: Option<String>,
    pub limit: u32,
    pub cursor: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

pub async fn create_order(
    services: &Services,
    new: NewOrder,
    once: Option<Once<Order>>,
) -> Result<Made<Order>, Error> {
    todo!()
}

/// Closes open payments at the gateway first; if the gateway says paid, the order is paid and this is refused.
pub async fn cancel_order(
    services: &Services,
    id: &OrderId,
    reason: Option<String>,
    once: Option<Once<Order>>,
) -> Result<Made<Order>, Error> {
    todo!()
}

pub async fn find_order(services: &Services, id: &OrderId) -> Result<Order, Error> {
    todo!()
}

pub async fn find_checkout(services: &Services, token: &str) -> Result<Checkout, Error> {
    todo!()
}

pub async fn find_payment(services: &Services, id: &PaymentId) -> Result<(Payment, Order), Error> {
    todo!()
}

pub async fn list_orders(services: &Services, filter: OrderFilter) -> Result<Page<Order>, Error> {
    todo!()
}

/// Each payment with the user of its order.
pub async fn list_payments(
    services: &Services,
    filter: PaymentFilter,
) -> Result<Page<(Payment, String)>, Error> {
    todo!()
}
