//! Lists of payments: the newest first, or in the order of change.

use domain::{Method, Payment, PaymentState, PaymentStatus};

use super::PaymentRow;
use crate::changes::ListOrder;
use crate::model::payment::{ListedPayment, PaymentFilter};
use crate::store::{StoreError, Tx, on};

#[derive(sqlx::FromRow)]
pub(super) struct ListedRow {
    user_id: String,
    token: String,
    #[sqlx(flatten)]
    payment: PaymentRow,
}

/// Values of a filter as the queries take them.
struct Wanted<'a> {
    order_id: Option<&'a str>,
    method: Option<&'static str>,
    user_id: Option<&'a str>,
    cursor: Option<&'a str>,
    state: Option<&'static str>,
    refunds: Option<&'static str>,
}

impl Wanted<'_> {
    fn new(filter: &PaymentFilter) -> Wanted<'_> {
        let (state, refunds) = filter.status.map_or((None, None), |status| {
            let (state, refunds) = state_of(status);
            (Some(state.as_str()), refunds)
        });
        Wanted {
            order_id: filter.order_id.as_deref(),
            method: filter.method.map(Method::as_str),
            user_id: filter.user_id.as_deref(),
            cursor: filter.cursor.as_deref(),
            state,
            refunds,
        }
    }
}

/// Newest first. The redundant condition in `$way` leads both engines to its index.
macro_rules! list_payments {
    ($way:literal) => {
        list_payments!($way, " order by l.id desc")
    };
    ($way:literal, $order:literal) => {
        concat!(
            "select o.user_id, o.token, l.id, l.payment_no, l.order_id, l.product, l.amount, l.state, l.settles,
                l.account, l.transaction_id, l.request, l.return_url, l.prompt, l.prompted_at, l.failure_reason, l.expires_at,
                l.paid_at, l.created_at, l.updated_at, l.version, l.n_asked, l.watched_until, l.ended_at, l.refunded,
                l.refunding, l.refund_reason, l.refunded_at
            from (",
            select_payment!(""),
            ") as l
            join orders o on o.id = l.order_id
            where (cast($1 as text) is null or l.order_id = $1)
                and (cast($2 as text) is null or l.method = $2)
                and (cast($3 as text) is null or o.user_id = $3)
                and (cast($4 as text) is null or l.id < $4)
                and (cast($5 as text) is null or l.state = $5)
                and (cast($6 as text) is null
                    or ($6 = 'none' and l.refunding = 0 and l.refunded < l.amount)
                    or ($6 = 'moving' and l.refunding > 0)
                    or ($6 = 'all' and l.refunding = 0 and l.refunded >= l.amount))",
            $way,
            $order,
            " limit $7"
        )
    };
}

/// The newest first.
pub async fn list(
    tx: &mut Tx<'_>,
    filter: &PaymentFilter,
    limit: i64,
) -> Result<Vec<ListedPayment>, StoreError> {
    const ALL: &str = list_payments!("");
    const OF_ORDER: &str = list_payments!(" and l.order_id = $1");
    const OF_USER: &str = list_payments!(" and o.user_id = $3");
    let sql = match (&filter.order_id, &filter.user_id) {
        (Some(_), _) => OF_ORDER,
        (None, Some(_)) => OF_USER,
        (None, None) => ALL,
    };
    let wanted = Wanted::new(filter);
    let rows: Vec<ListedRow> = on!(tx, sql, fetch_all, |query| query
        .bind(wanted.order_id)
        .bind(wanted.method)
        .bind(wanted.user_id)
        .bind(wanted.cursor)
        .bind(wanted.state)
        .bind(wanted.refunds)
        .bind(limit))?;
    rows.into_iter().map(listed_payment).collect()
}

/// Payments that changed in a span of time.
pub async fn list_changed(
    tx: &mut Tx<'_>,
    filter: &PaymentFilter,
    limit: i64,
) -> Result<Vec<ListedPayment>, StoreError> {
    const NEWEST: &str = list_payments!(" and l.updated_at >= $8 and l.updated_at < $9");
    const UPDATED: &str = list_payments!(
        " and l.updated_at >= $8 and l.updated_at < $9 and (l.updated_at > $8 or l.id > $10)",
        " order by l.updated_at, l.id"
    );
    let mut wanted = Wanted::new(filter);
    let is_newest = filter.changes.order == ListOrder::Newest;
    let span = filter.changes.span(wanted.cursor.filter(|_| !is_newest));
    wanted.cursor = wanted.cursor.filter(|_| is_newest);
    let sql = if is_newest { NEWEST } else { UPDATED };
    let rows: Vec<ListedRow> = on!(tx, sql, fetch_all, |query| {
        let query = query
            .persistent(false)
            .bind(wanted.order_id)
            .bind(wanted.method)
            .bind(wanted.user_id)
            .bind(wanted.cursor)
            .bind(wanted.state)
            .bind(wanted.refunds)
            .bind(limit)
            .bind(span.from)
            .bind(span.to);
        if is_newest {
            query
        } else {
            query.bind(span.after_id.as_str())
        }
    })?;
    rows.into_iter().map(listed_payment).collect()
}

pub(super) fn listed_payment(row: ListedRow) -> Result<ListedPayment, StoreError> {
    Ok(ListedPayment {
        payment: Payment::try_from(row.payment)?,
        user_id: row.user_id,
        token: row.token,
    })
}

/// Stored state behind a derived status, and the state of its refunds.
pub(super) fn state_of(status: PaymentStatus) -> (PaymentState, Option<&'static str>) {
    match status {
        PaymentStatus::Pending => (PaymentState::Created, None),
        PaymentStatus::Processing => (PaymentState::Pending, None),
        PaymentStatus::Success => (PaymentState::Paid, Some("none")),
        PaymentStatus::Refunding => (PaymentState::Paid, Some("moving")),
        PaymentStatus::Refunded => (PaymentState::Paid, Some("all")),
        PaymentStatus::Failed => (PaymentState::Declined, None),
        PaymentStatus::Cancelled => (PaymentState::Closed, None),
    }
}
