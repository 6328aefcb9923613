//! Reads of payments.

use domain::{Method, Order, Payment, PaymentId, PaymentNo, PaymentStatus};
use futures_util::FutureExt;

use crate::changes::{ChangeFilter, cursor_of};
use crate::order::find_order;
use crate::pagination::{Page, page};
use crate::store::{orders, payments};
use crate::{Error, Services};

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

pub(crate) async fn find_by_number(services: &Services, number: &PaymentNo) -> Result<Payment, Error> {
    let found = services
        .db
        .snapshot(|tx| async move { payments::find_by_number(tx, number).await }.boxed())
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
        .snapshot(|tx| {
            async move {
                let payment = payments::find(tx, id).await?.ok_or(Error::NotFound)?;
                let order = orders::find(tx, &payment.order_id)
                    .await?
                    .ok_or(Error::NotFound)?;
                Ok((payment, order))
            }
            .boxed()
        })
        .await
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
