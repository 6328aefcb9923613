//! Starting a payment: record, call, record.

use domain::{Money, OrderId, Payment, Product};

use crate::once::{Made, Once};
use crate::{Error, Services};

#[derive(Debug, Clone)]
pub struct StartPayment {
    pub order_id: OrderId,
    pub product: Product,
    /// When given, it must be the order's amount.
    pub amount: Option<Money>,
}

/// Opens a payment at the gateway, or gives back the one that is still open and valid.
pub async fn start_payment(
    services: &Services,
    start: StartPayment,
    once: Option<Once<Payment>>,
) -> Result<Made<Payment>, Error> {
    todo!()
}
