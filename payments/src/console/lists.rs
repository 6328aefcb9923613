//! Lists of payments, refunds and balances: the newest first, each as far back as a limited scan reaches.

use domain::{Method, Money, PaymentId, PaymentStatus, RefundId, RefundState, Timestamp};
use futures_util::FutureExt;

use crate::pagination::{Span, page};
use crate::store::search::IdRange;
use crate::store::search::depth::Scanned;
use crate::store::{StoreError, ledger, payments, refunds};
use crate::{Error, ListedPayment, Page, RefundOfOrder, Services};

/// Page of a list whose scan may have been cut off.
#[derive(Debug)]
pub struct FoundPage<T> {
    pub page: Page<T>,
    /// The scan was cut off at this instant: there may be more before it, and the next page goes on there.
    pub looked_back_to: Option<Timestamp>,
}

#[derive(Debug, Clone, Default)]
pub struct PaymentQuery {
    pub status: Option<PaymentStatus>,
    pub method: Option<Method>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
    pub limit: u32,
}

#[derive(Debug, Clone, Default)]
pub struct RefundQuery {
    pub state: Option<RefundState>,
    pub method: Option<Method>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
    pub limit: u32,
}

/// Balance of one user in the list of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBalance {
    pub user_id: String,
    pub available: Money,
    pub updated_at: Timestamp,
}

fn page_of<T>(scanned: Scanned<T>, limit: u32, key: impl Fn(&T) -> String) -> FoundPage<T> {
    let mut page = page(scanned.rows, limit, key);
    let mut looked_back_to = None;
    if let (None, Some((id, at))) = (&page.next_cursor, scanned.looked_to) {
        looked_back_to = Some(at);
        page.next_cursor = Some(id);
    }
    FoundPage { page, looked_back_to }
}

/// Payments, newest first.
pub async fn find_payments(
    services: &Services,
    query: &PaymentQuery,
) -> Result<FoundPage<ListedPayment>, Error> {
    let span = Span {
        from: query.from,
        to: query.to,
        cursor: query.cursor.as_deref(),
    };
    let (from, below) = &span.names_by(PaymentId::floor);
    let filter = payments::newest::Filter {
        status: query.status,
        method: query.method.map(Method::as_str),
    };
    let limit = i64::from(query.limit) + 1;
    let scanned = services
        .db
        .snapshot(|tx| {
            let range = IdRange { from, below };
            async move { payments::newest::find(tx, filter, range, limit).await }.boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    Ok(page_of(scanned, query.limit, |listed: &ListedPayment| {
        listed.payment.id.to_string()
    }))
}

/// Refunds with their orders, newest first.
pub async fn find_refunds(
    services: &Services,
    query: &RefundQuery,
) -> Result<FoundPage<RefundOfOrder>, Error> {
    let span = Span {
        from: query.from,
        to: query.to,
        cursor: query.cursor.as_deref(),
    };
    let (from, below) = &span.names_by(RefundId::floor);
    let filter = refunds::newest::Filter {
        state: query.state,
        method: query.method.map(Method::as_str),
    };
    let limit = i64::from(query.limit) + 1;
    let scanned = services
        .db
        .snapshot(|tx| {
            let range = IdRange { from, below };
            async move { refunds::newest::find(tx, filter, range, limit).await }.boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    Ok(page_of(scanned, query.limit, |listed: &RefundOfOrder| {
        listed.refund.id.to_string()
    }))
}

/// Balances by user id, of users whose id contains a text. The cursor is a user id.
pub async fn list_balances(
    services: &Services,
    part: Option<&str>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<ListedBalance>, Error> {
    let after = cursor.unwrap_or("");
    let (rows, looked_to) = services
        .db
        .snapshot(|tx| {
            async move { ledger::list_balances(tx, part, after, i64::from(limit) + 1).await }.boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    let rows: Result<Vec<ListedBalance>, StoreError> = rows.into_iter().map(listed_balance).collect();
    let mut page = page(rows?, limit, |balance: &ListedBalance| balance.user_id.clone());
    page.next_cursor = page.next_cursor.or(looked_to);
    Ok(page)
}

fn listed_balance(row: ledger::ListedBalanceRow) -> Result<ListedBalance, StoreError> {
    Ok(ListedBalance {
        user_id: row.user_id,
        available: Money::from_sum(row.available).map_err(|_| StoreError::Corrupt("balances.available"))?,
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}
