//! Lists of refunds over all payments.

use domain::{OrderId, Refund, RefundState, Timestamp};
use futures_util::FutureExt;

use crate::changes::{ChangeFilter, cursor_of};
use crate::pagination::{Page, page};
use crate::store::{StoreError, refunds};
use crate::{Error, Services};

#[derive(Debug, Clone, Default)]
pub struct RefundFilter {
    pub payment_id: Option<String>,
    pub order_id: Option<String>,
    pub state: Option<RefundState>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    pub changes: ChangeFilter,
    pub limit: u32,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// A refund with the order that its payment belongs to.
#[derive(Debug, Clone)]
pub struct ListedRefund {
    pub refund: Refund,
    pub order_id: OrderId,
}

/// Refunds of all payments.
pub async fn list_all_refunds(
    services: &Services,
    filter: RefundFilter,
) -> Result<Page<ListedRefund>, Error> {
    let (limit, filter) = (i64::from(filter.limit) + 1, &filter);
    let rows = services
        .db
        .snapshot(|tx| async move { refunds::list(tx, filter, limit).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    Ok(page(rows, filter.limit, |listed: &ListedRefund| {
        cursor_of(
            filter.changes,
            listed.refund.updated_at,
            listed.refund.id.as_str(),
        )
    }))
}
