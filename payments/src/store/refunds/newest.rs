//! Refunds for the console's list: by age, of which a limited number is scanned.

use domain::{Method, OrderId, Refund, RefundState};

use super::RefundRow;
use crate::model::refund::RefundOfOrder;
use crate::model::sort::Age;
use crate::store::search::IdRange;
use crate::store::search::depth::{Scanned, find_cut_off, measure_depth, narrow};
use crate::store::{StoreError, Tx, on, parse_rows};

/// Filter of refunds. `None`: anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub state: Option<RefundState>,
    pub method: Option<&'a str>,
    pub age: Age,
}

#[derive(sqlx::FromRow)]
struct RefundOfOrderRow {
    order_id: String,
    order_no: String,
    user_id: String,
    method: String,
    #[sqlx(flatten)]
    refund: RefundRow,
}

impl TryFrom<RefundOfOrderRow> for RefundOfOrder {
    type Error = StoreError;

    fn try_from(row: RefundOfOrderRow) -> Result<RefundOfOrder, StoreError> {
        Ok(RefundOfOrder {
            refund: Refund::try_from(row.refund)?,
            order_id: OrderId::parse(&row.order_id).ok_or(StoreError::Corrupt("payments.order_id"))?,
            order_no: row.order_no,
            user_id: row.user_id,
            method: Method::parse(&row.method).ok_or(StoreError::Corrupt("payments.method"))?,
        })
    }
}

/// First refunds of a range of ids, up to the limit, as far as [`find_cut_off`] says.
pub async fn find(
    tx: &mut Tx<'_>,
    filter: Filter<'_>,
    range: IdRange<'_>,
    limit: i64,
) -> Result<Scanned<RefundOfOrder>, StoreError> {
    macro_rules! listed {
        ($way:literal) => { concat!("
        select p.order_id, o.order_no, o.user_id, p.method, r.id, r.refund_no, r.payment_id, r.amount, r.reason, r.state,
            r.gateway_refund_id, r.failure_reason, r.created_at, r.finished_at,
            coalesce(r.updated_at, r.finished_at, r.created_at) as updated_at, r.version, r.to_send, r.sent_at,
            r.n_answers, r.n_unanswered, r.takes_rest
        from refunds r
        join payments p on p.id = r.payment_id
        join orders o on o.id = p.order_id
        where r.id < $1 and r.id >= $2
            and (cast($4 as text) is null or r.state = $4)
            and (cast($5 as text) is null or p.method || '' = $5)
        order by r.id ", $way, "
        limit $3") } }
    const NEWEST: &str = listed!("desc");
    const OLDEST: &str = listed!("asc");
    let looked_to = if filter.state.is_none() && filter.method.is_none() {
        None
    } else {
        find_cut_off(tx, measure_depth!("refunds", filter.age), range).await?
    };
    let last = looked_to.as_ref().map(|(id, _)| id.as_str());
    let (from, below) = narrow(filter.age, range, last);
    let sql = match filter.age {
        Age::Newest => NEWEST,
        Age::Oldest => OLDEST,
    };
    let rows: Vec<RefundOfOrderRow> = on!(tx, sql, fetch_all, |query| query
        .persistent(false)
        .bind(below.as_str())
        .bind(from.as_str())
        .bind(limit)
        .bind(filter.state.map(RefundState::as_str))
        .bind(filter.method))?;
    Ok(Scanned {
        rows: parse_rows(rows)?,
        looked_to,
    })
}
