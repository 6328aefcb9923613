//! Lists of payments, refunds and balances, each as far as a limited scan reaches.

use domain::{Method, Money, PaymentId, PaymentStatus, RefundId, RefundState, Timestamp};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::model::sort::Age;
use crate::pagination::{Span, page};
use crate::store::search::IdRange;
use crate::store::search::depth::Scanned;
use crate::store::{StoreError, Tx, ledger, payments, refunds};
use crate::{Error, ListedPayment, Page, RefundOfOrder, Services};

/// Page of a list whose scan may have been cut off.
#[derive(Debug)]
pub struct FoundPage<T> {
    pub page: Page<T>,
    /// The scan was cut off at this instant: there may be more beyond it, and the next page goes on there.
    pub looked_back_to: Option<Timestamp>,
}

/// Query of a list of payments or of refunds. Everything that is set must match.
#[derive(Debug, Clone)]
pub struct ListQuery<S> {
    pub status: Option<S>,
    pub method: Option<Method>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub age: Age,
    /// `Page::next_cursor` of the page before.
    pub cursor: Option<String>,
    pub limit: u32,
}

pub type PaymentQuery = ListQuery<PaymentStatus>;
pub type RefundQuery = ListQuery<RefundState>;

impl<S> Default for ListQuery<S> {
    fn default() -> ListQuery<S> {
        ListQuery {
            status: None,
            method: None,
            from: None,
            to: None,
            age: Age::Newest,
            cursor: None,
            limit: 0,
        }
    }
}

/// Status by which a list is narrowed: it tells what is listed.
pub trait ListedBy: Copy + Send + Sync {
    type Row: Send;

    /// Lower bound of the ids that were made from an instant on.
    fn floor(at: Timestamp) -> String;

    fn id_of(row: &Self::Row) -> String;

    fn find<'t>(
        tx: &'t mut Tx<'_>,
        query: &'t ListQuery<Self>,
        range: IdRange<'t>,
        limit: i64,
    ) -> BoxFuture<'t, Result<Scanned<Self::Row>, StoreError>>;
}

impl ListedBy for PaymentStatus {
    type Row = ListedPayment;

    fn floor(at: Timestamp) -> String {
        PaymentId::floor(at)
    }

    fn id_of(row: &ListedPayment) -> String {
        row.payment.id.to_string()
    }

    fn find<'t>(
        tx: &'t mut Tx<'_>,
        query: &'t PaymentQuery,
        range: IdRange<'t>,
        limit: i64,
    ) -> BoxFuture<'t, Result<Scanned<ListedPayment>, StoreError>> {
        let filter = payments::newest::Filter {
            status: query.status,
            method: query.method.map(Method::as_str),
            age: query.age,
        };
        payments::newest::find(tx, filter, range, limit).boxed()
    }
}

impl ListedBy for RefundState {
    type Row = RefundOfOrder;

    fn floor(at: Timestamp) -> String {
        RefundId::floor(at)
    }

    fn id_of(row: &RefundOfOrder) -> String {
        row.refund.id.to_string()
    }

    fn find<'t>(
        tx: &'t mut Tx<'_>,
        query: &'t RefundQuery,
        range: IdRange<'t>,
        limit: i64,
    ) -> BoxFuture<'t, Result<Scanned<RefundOfOrder>, StoreError>> {
        let filter = refunds::newest::Filter {
            state: query.status,
            method: query.method.map(Method::as_str),
            age: query.age,
        };
        refunds::newest::find(tx, filter, range, limit).boxed()
    }
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

/// Payments, or refunds with their orders, by age.
pub async fn find_listed<S: ListedBy>(
    services: &Services,
    query: &ListQuery<S>,
) -> Result<FoundPage<S::Row>, Error> {
    let span = Span {
        from: query.from,
        to: query.to,
        cursor: query.cursor.as_deref(),
    };
    let (from, below) = &span.names_in(query.age, S::floor);
    let limit = i64::from(query.limit) + 1;
    let scanned = services
        .db
        .snapshot(|tx| S::find(tx, query, IdRange { from, below }, limit))
        .await?;
    Ok(page_of(scanned, query.limit, S::id_of))
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
        .await?;
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
