//! Files for accountants: paid orders, payments, refunds and ledger entries of a span of time, page by page; and its sums.

use domain::{Order, OrderId};
use futures_util::FutureExt;

use crate::model::file::{EntryLine, FilePlace, FileSpan, MethodTotal, OrderLine, PaymentLine, RefundLine};
use crate::store::{StoreError, Tx, files};
use crate::{Error, Services};

/// Lines of a page. A file of a million rows is two thousand of these.
const LINES: i64 = 500;

/// Some lines of a file, and the place after which the next ones come.
pub type Lines<T> = (Vec<T>, Option<FilePlace>);

/// Orders that were paid in a span.
pub async fn list_paid_orders(
    services: &Services,
    span: &FileSpan,
    place: Option<&FilePlace>,
) -> Result<Lines<OrderLine>, Error> {
    let lines = services
        .db
        .snapshot(|tx| {
            async move {
                let orders = files::list_orders(tx, span, place, LINES).await?;
                with_payments(tx, orders).await
            }
            .boxed()
        })
        .await?;
    Ok(page_of_lines(lines, |line| {
        let paid_at = line.paid_by.as_ref().map(|paid_by| paid_by.paid_at);
        FilePlace {
            at: paid_at.unwrap_or(line.order.created_at),
            id: line.order.id.to_string(),
        }
    }))
}

/// Adds to these orders the payments that pay them.
pub async fn add_payments(services: &Services, orders: Vec<Order>) -> Result<Vec<OrderLine>, Error> {
    let orders = &orders;
    services
        .db
        .snapshot(|tx| async move { with_payments(tx, orders.clone()).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn with_payments(tx: &mut Tx<'_>, orders: Vec<Order>) -> Result<Vec<OrderLine>, StoreError> {
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id.clone()).collect();
    let mut paying = files::find_paying(tx, &ids).await?;
    let lines = orders.into_iter().map(|order| OrderLine {
        paid_by: paying.remove(order.id.as_str()),
        order,
    });
    Ok(lines.collect())
}

pub async fn list_payment_lines(
    services: &Services,
    span: &FileSpan,
    place: Option<&FilePlace>,
) -> Result<Lines<PaymentLine>, Error> {
    let lines = services
        .db
        .snapshot(|tx| async move { files::list_payments(tx, span, place, LINES).await }.boxed())
        .await?;
    Ok(page_of_lines(lines, |line| FilePlace {
        at: line.paid_at,
        id: line.id.clone(),
    }))
}

pub async fn list_refund_lines(
    services: &Services,
    span: &FileSpan,
    place: Option<&FilePlace>,
) -> Result<Lines<RefundLine>, Error> {
    let lines = services
        .db
        .snapshot(|tx| async move { files::list_refunds(tx, span, place, LINES).await }.boxed())
        .await?;
    Ok(page_of_lines(lines, |line| FilePlace {
        at: line.finished_at,
        id: line.id.clone(),
    }))
}

pub async fn list_entry_lines(
    services: &Services,
    span: &FileSpan,
    place: Option<&FilePlace>,
) -> Result<Lines<EntryLine>, Error> {
    let lines = services
        .db
        .snapshot(|tx| async move { files::list_entries(tx, span, place, LINES).await }.boxed())
        .await?;
    Ok(page_of_lines(lines, files::place_of_entry))
}

/// Sums of payments and refunds in a span, for each method.
pub async fn sum_by_method(services: &Services, span: &FileSpan) -> Result<Vec<MethodTotal>, Error> {
    services
        .db
        .snapshot(|tx| async move { files::sum_by_method(tx, span).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// A page that is not full is the last one.
fn page_of_lines<T>(lines: Vec<T>, place_of: impl Fn(&T) -> FilePlace) -> Lines<T> {
    let is_full = i64::try_from(lines.len()).is_ok_and(|n| n == LINES);
    let next = lines.last().filter(|_| is_full).map(place_of);
    (lines, next)
}
