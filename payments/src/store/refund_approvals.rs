//! Refunds that need a second person's approval.

use domain::{Money, PaymentId, RefundNo, Timestamp};

use super::approvals::ApprovalRow;
use super::{StoreError, Tx, execute, on};

/// Approval request to insert.
#[derive(Debug)]
pub struct NewApproval<'a> {
    pub id: &'a str,
    pub payment_id: &'a PaymentId,
    pub amount: Money,
    pub reason: &'a str,
    pub refund_no: &'a RefundNo,
    pub asked_by: &'a str,
}

#[derive(Debug, sqlx::FromRow)]
pub struct RequestRow {
    pub id: String,
    pub payment_id: String,
    pub order_id: String,
    pub order_no: String,
    pub user_id: String,
    pub amount: i64,
    pub reason: String,
    pub refund_no: String,
    #[sqlx(flatten)]
    pub approval: ApprovalRow,
}

macro_rules! select_approval {
    ($tail:literal) => {
        concat!(
            "select w.id, w.payment_id, p.order_id, o.order_no, o.user_id, w.amount, w.reason, w.refund_no, w.state,
                w.asked_by, w.asked_at, w.decided_by, w.decided_at, w.decision_note
            from refund_requests w join payments p on p.id = w.payment_id join orders o on o.id = p.order_id ",
            $tail
        )
    };
}

/// `false`: this number exists already.
pub async fn insert(tx: &mut Tx<'_>, approval: &NewApproval<'_>, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into refund_requests (id, payment_id, amount, reason, refund_no, state, asked_by, asked_at)
        values ($1, $2, $3, $4, $5, 'waiting', $6, $7)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(approval.id)
        .bind(approval.payment_id.as_str())
        .bind(approval.amount.fen())
        .bind(approval.reason)
        .bind(approval.refund_no.as_str())
        .bind(approval.asked_by)
        .bind(now.millis()))?;
    Ok(n_inserted == 1)
}

/// Whether this number is taken, by a form that was sent twice.
pub async fn is_number_taken(tx: &mut Tx<'_>, number: &RefundNo) -> Result<bool, StoreError> {
    const SQL: &str = "select count(*) from refund_requests where refund_no = $1";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query.bind(number.as_str()))?;
    Ok(n > 0)
}

pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<RequestRow>, StoreError> {
    const SQL: &str = select_approval!("where w.id = $1");
    on!(tx, SQL, fetch_optional, |query| query.bind(id))
}

/// Oldest first.
pub async fn list_waiting(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<RequestRow>, StoreError> {
    const SQL: &str = select_approval!("where w.state = 'waiting' order by w.id limit $1");
    on!(tx, SQL, fetch_all, |query| query.bind(limit))
}

/// Newest first.
pub async fn list_decided(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<RequestRow>, StoreError> {
    const SQL: &str = select_approval!("where w.state <> 'waiting' order by w.id desc limit $1");
    on!(tx, SQL, fetch_all, |query| query.bind(limit))
}

/// Whether a refund of this payment was ever rejected.
pub async fn has_rejected(tx: &mut Tx<'_>, payment_id: &PaymentId) -> Result<bool, StoreError> {
    const SQL: &str = "select id from refund_requests where payment_id = $1 and state = 'rejected' limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query.bind(payment_id.as_str()))?;
    Ok(row.is_some())
}

/// Sum of the refunds of one payment that wait for approval.
pub async fn sum_waiting(tx: &mut Tx<'_>, payment_id: &PaymentId) -> Result<Money, StoreError> {
    const SQL: &str = "
        select cast(coalesce(sum(amount), 0) as bigint)
        from refund_requests
        where payment_id = $1 and state = 'waiting'";
    let (fen,): (i64,) = on!(tx, SQL, fetch_one, |query| query.bind(payment_id.as_str()))?;
    Money::from_sum(fen).map_err(|_| StoreError::Corrupt("refund_requests.amount"))
}
