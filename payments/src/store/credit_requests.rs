//! Balance credits that need a second person's approval.

use domain::{Money, Timestamp};

use super::approvals::ApprovalRow;
use super::{StoreError, Tx, execute, on};

/// Request to insert.
#[derive(Debug)]
pub struct NewRequest<'a> {
    pub id: &'a str,
    pub user_id: &'a str,
    pub amount: Money,
    pub note: &'a str,
    pub adjustment_no: &'a str,
    pub asked_by: &'a str,
}

#[derive(Debug, sqlx::FromRow)]
pub struct RequestRow {
    pub id: String,
    pub user_id: String,
    pub amount: i64,
    pub note: String,
    pub adjustment_no: String,
    #[sqlx(flatten)]
    pub approval: ApprovalRow,
}

macro_rules! select_request {
    ($tail:literal) => {
        concat!(
            "select id, user_id, amount, note, adjustment_no, state, asked_by, asked_at, decided_by, decided_at,
                decision_note
            from credit_requests ",
            $tail
        )
    };
}

/// `false`: this number exists already.
pub async fn insert(tx: &mut Tx<'_>, new: &NewRequest<'_>, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into credit_requests (id, user_id, amount, note, adjustment_no, state, asked_by, asked_at)
        values ($1, $2, $3, $4, $5, 'waiting', $6, $7)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(new.id)
        .bind(new.user_id)
        .bind(new.amount.fen())
        .bind(new.note)
        .bind(new.adjustment_no)
        .bind(new.asked_by)
        .bind(now.millis()))?;
    Ok(n_inserted == 1)
}

pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<RequestRow>, StoreError> {
    const SQL: &str = select_request!("where id = $1");
    on!(tx, SQL, fetch_optional, |query| query.bind(id))
}

/// Whether a request has this number.
pub async fn has_number(tx: &mut Tx<'_>, number: &str) -> Result<bool, StoreError> {
    const SQL: &str = "select id from credit_requests where adjustment_no = $1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query.bind(number))?;
    Ok(row.is_some())
}

/// Whether a credit of this user was ever rejected.
pub async fn has_rejected(tx: &mut Tx<'_>, user_id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "select id from credit_requests where user_id = $1 and state = 'rejected' limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query.bind(user_id))?;
    Ok(row.is_some())
}

/// Oldest first.
pub async fn list_waiting(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<RequestRow>, StoreError> {
    const SQL: &str = select_request!("where state = 'waiting' order by id limit $1");
    on!(tx, SQL, fetch_all, |query| query.bind(limit))
}

/// Newest first.
pub async fn list_decided(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<RequestRow>, StoreError> {
    const SQL: &str = select_request!("where state <> 'waiting' order by id desc limit $1");
    on!(tx, SQL, fetch_all, |query| query.bind(limit))
}
