//! Requesters: the person or the API key behind a refund, an adjustment or a cancellation.

use domain::{Money, OrderId, Refund, RefundId, Timestamp};

use super::batch::Write;
use super::{StoreError, Tx, execute, on};
use crate::model::requester::Requester;

domain::words! {
    /// Kind of an act with a requester.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ActKind {
        Refund => "refund",
        Adjust => "adjust",
        Cancel => "cancel",
    }
}

/// Act to insert, with the amount that it pays out.
#[derive(Debug)]
pub struct NewAct<'a> {
    pub kind: ActKind,
    pub subject: &'a str,
    pub amount: Money,
    pub user_id: Option<&'a str>,
}

/// Displayed requester: the address of a person, or the name and the last characters of an API key.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RequesterRow {
    pub subject: String,
    pub person: Option<String>,
    pub key_name: Option<String>,
    pub key_last4: Option<String>,
}

/// Inserts an act; an automatic act has no requester and writes nothing.
pub fn insert(by: &Requester, act: &NewAct<'_>, now: Timestamp) -> Option<Write> {
    const SQL: &str = "
        insert into requesters (kind, subject, api_key_id, person, amount, user_id, is_approved, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict do nothing";
    let (api_key_id, person) = match by {
        Requester::Rule => return None,
        Requester::ApiKey(id) => (Some(id.as_str()), None),
        Requester::Person(email) | Requester::Approved(email) => (None, Some(email.as_str())),
    };
    Some(
        Write::at_most(SQL)
            .bind(act.kind.as_str())
            .bind(act.subject)
            .bind(api_key_id)
            .bind(person)
            .bind(act.amount.fen())
            .bind(act.user_id)
            .bind(matches!(by, Requester::Approved(_)))
            .bind(now.millis()),
    )
}

/// Copies the requester of a failed refund to its replacement.
pub async fn inherit_refund(
    tx: &mut Tx<'_>,
    failed: &RefundId,
    next: &Refund,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into requesters (kind, subject, api_key_id, person, amount, user_id, is_approved, created_at)
        select kind, $2, api_key_id, person, amount, user_id, is_approved, $3
        from requesters
        where kind = 'refund' and subject = $1
        on conflict do nothing";
    execute!(tx, SQL, |query| query
        .bind(failed.as_str())
        .bind(next.id.as_str())
        .bind(now.millis()))
    .map(drop)
}

/// Sum that a person paid out since an instant without a second person. Failed refunds do not count.
pub async fn sum_of_person(tx: &mut Tx<'_>, person: &str, since: Timestamp) -> Result<i64, StoreError> {
    const SQL: &str = "
        select cast(coalesce(sum(q.amount), 0) as bigint)
        from requesters q left join refunds r on q.kind = 'refund' and r.id = q.subject
        where q.person = $1 and q.created_at >= $2 and not q.is_approved and (r.id is null or r.state <> 'failed')";
    let (fen,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(person)
        .bind(since.millis()))?;
    Ok(fen)
}

/// Sum that an API key paid out since an instant.
pub async fn sum_of_key(tx: &mut Tx<'_>, api_key_id: &str, since: Timestamp) -> Result<i64, StoreError> {
    const SQL: &str = "
        select cast(coalesce(sum(q.amount), 0) as bigint)
        from requesters q left join refunds r on q.kind = 'refund' and r.id = q.subject
        where q.api_key_id = $1 and q.created_at >= $2 and (r.id is null or r.state <> 'failed')";
    let (fen,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(api_key_id)
        .bind(since.millis()))?;
    Ok(fen)
}

/// Sum credited to one user since an instant by people of the console without a second person.
pub async fn sum_credited(tx: &mut Tx<'_>, user_id: &str, since: Timestamp) -> Result<i64, StoreError> {
    const SQL: &str = "
        select cast(coalesce(sum(amount), 0) as bigint)
        from requesters
        where user_id = $1 and created_at >= $2 and kind = 'adjust' and person is not null and not is_approved";
    let (fen,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(user_id)
        .bind(since.millis()))?;
    Ok(fen)
}

/// The requesters of an order's cancellation and of its refunds, by the id of the order or of the refund.
pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<RequesterRow>, StoreError> {
    const SQL: &str = "
        select q.subject, q.person, k.name as key_name, k.last4 as key_last4
        from requesters q left join api_keys k on k.id = q.api_key_id
        where (q.kind = 'cancel' and q.subject = $1)
            or (q.kind = 'refund' and q.subject in (
                select r.id from refunds r join payments p on p.id = r.payment_id where p.order_id = $1))";
    on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))
}

/// The requesters of the adjustments of one user, by the number of the adjustment; of very many the newest.
pub async fn of_adjustments(tx: &mut Tx<'_>, user_id: &str) -> Result<Vec<RequesterRow>, StoreError> {
    const SQL: &str = "
        select q.subject, q.person, k.name as key_name, k.last4 as key_last4
        from requesters q left join api_keys k on k.id = q.api_key_id
        where q.user_id = $1 and q.kind = 'adjust'
        order by q.created_at desc, q.subject desc
        limit 500";
    on!(tx, SQL, fetch_all, |query| query.bind(user_id))
}
