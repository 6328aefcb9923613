//! Asking the gateways about what is due: the net under every lost callback.

use domain::{Payment, PaymentNo};

use crate::once::{Made, Once};
use crate::{Error, Services};

/// Asks the gateway now when the payment is not final, at most once a second; otherwise answers from our record.
pub async fn query_payment(
    services: &Services,
    payment_no: &PaymentNo,
    once: Option<Once<Payment>>,
) -> Result<Made<Payment>, Error> {
    todo!()
}

/// Asks about every payment that is due. Returns how many were asked about.
pub async fn reconcile_payments(services: &Services) -> Result<usize, Error> {
    todo!()
}
