//! Lists of refunds over all payments.

use futures_util::FutureExt;

use crate::changes::cursor_of;
use crate::pagination::{Page, page};
use crate::store::refunds;
use crate::{Error, ListedRefund, RefundFilter, Services};

/// Refunds of all payments.
pub async fn list_all_refunds(
    services: &Services,
    filter: RefundFilter,
) -> Result<Page<ListedRefund>, Error> {
    let (limit, filter) = (i64::from(filter.limit) + 1, &filter);
    let rows = services
        .db
        .read_one(|tx| async move { refunds::list(tx, filter, limit).await }.boxed())
        .await?;
    Ok(page(rows, filter.limit, |listed: &ListedRefund| {
        cursor_of(
            filter.changes,
            listed.refund.updated_at,
            listed.refund.id.as_str(),
        )
    }))
}
