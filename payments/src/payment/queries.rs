//! Reads of payments.

use domain::{Order, Payment, PaymentId, PaymentNo};
use futures_util::FutureExt;

use crate::changes::cursor_of;
use crate::order::find_order;
use crate::pagination::{Page, page};
use crate::store::payments::{self, facts};
use crate::{Error, ListedPayment, PaymentFilter, Services};

pub(crate) async fn find_by_number(services: &Services, number: &PaymentNo) -> Result<Payment, Error> {
    let found = services
        .db
        .read_one(|tx| async move { payments::find_by_number(tx, number).await }.boxed())
        .await?;
    found.map(|(payment, _)| payment).ok_or(Error::NotFound)
}

/// Finds a payment with its order by the number that the gateway knows.
pub async fn find_payment_by_number(
    services: &Services,
    number: &PaymentNo,
) -> Result<(Payment, Order), Error> {
    let payment = find_by_number(services, number).await?;
    let order = find_order(services, &payment.order_id).await?;
    Ok((payment, order))
}

pub async fn find_payment(services: &Services, id: &PaymentId) -> Result<(Payment, Order), Error> {
    services
        .db
        .read_one(|tx| async move { facts::find_with_order(tx, id).await }.boxed())
        .await?
        .ok_or(Error::NotFound)
}

pub async fn list_payments(services: &Services, filter: PaymentFilter) -> Result<Page<ListedPayment>, Error> {
    let (limit, filter) = (i64::from(filter.limit), &filter);
    let rows = services
        .db
        .snapshot(|tx| {
            async move {
                if filter.changes.is_set() {
                    return payments::lists::list_changed(tx, filter, limit + 1).await;
                }
                payments::lists::list(tx, filter, limit + 1).await
            }
            .boxed()
        })
        .await?;
    Ok(page(rows, filter.limit, |listed: &ListedPayment| {
        cursor_of(
            filter.changes,
            listed.payment.updated_at,
            listed.payment.id.as_str(),
        )
    }))
}
