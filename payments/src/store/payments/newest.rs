//! Payments for the console's list: by age, of which a limited number is scanned.

use domain::PaymentStatus;

use super::lists::{ListedRow, listed_payment, state_of};
use crate::model::payment::ListedPayment;
use crate::model::sort::Age;
use crate::store::search::IdRange;
use crate::store::search::depth::{Scanned, find_cut_off, measure_depth, narrow};
use crate::store::{StoreError, Tx, on};

/// Filter of payments. `None`: anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub status: Option<PaymentStatus>,
    pub method: Option<&'a str>,
    pub age: Age,
}

/// First payments of a range of ids, up to the limit, as far as [`find_cut_off`] says.
pub async fn find(
    tx: &mut Tx<'_>,
    filter: Filter<'_>,
    range: IdRange<'_>,
    limit: i64,
) -> Result<Scanned<ListedPayment>, StoreError> {
    macro_rules! listed {
        ($way:literal) => { concat!(
        "select o.user_id, o.token, l.id, l.payment_no, l.order_id, l.product, l.amount, l.state, l.settles,
            l.account, l.transaction_id, l.request, l.return_url, l.prompt, l.prompted_at, l.failure_reason, l.expires_at,
            l.paid_at, l.created_at, l.updated_at, l.version, l.n_asked, l.watched_until, l.ended_at, l.refunded,
            l.refunding, l.refund_reason, l.refunded_at
        from (",
        select_payment!(
            "where p.id < $1 and p.id >= $2
                and (cast($4 as text) is null or p.method = $4)
                and (cast($5 as text) is null or p.state = $5)"
        ),
        ") as l
        join orders o on o.id = l.order_id
        where (cast($6 as text) is null
                or ($6 = 'none' and l.refunding = 0 and l.refunded < l.amount)
                or ($6 = 'moving' and l.refunding > 0)
                or ($6 = 'all' and l.refunding = 0 and l.refunded >= l.amount))
        order by l.id ", $way, "
        limit $3"
    ) } }
    const NEWEST: &str = listed!("desc");
    const OLDEST: &str = listed!("asc");
    let (state, refunds) = filter.status.map_or((None, None), |status| {
        let (state, refunds) = state_of(status);
        (Some(state.as_str()), refunds)
    });
    let looked_to = if filter.status.is_none() && filter.method.is_none() {
        None
    } else {
        find_cut_off(tx, measure_depth!("payments", filter.age), range).await?
    };
    let last = looked_to.as_ref().map(|(id, _)| id.as_str());
    let (from, below) = narrow(filter.age, range, last);
    let sql = match filter.age {
        Age::Newest => NEWEST,
        Age::Oldest => OLDEST,
    };
    let rows: Vec<ListedRow> = on!(tx, sql, fetch_all, |query| query
        .persistent(false)
        .bind(below.as_str())
        .bind(from.as_str())
        .bind(limit)
        .bind(filter.method)
        .bind(state)
        .bind(refunds))?;
    Ok(Scanned {
        rows: rows.into_iter().map(listed_payment).collect::<Result<_, _>>()?,
        looked_to,
    })
}
