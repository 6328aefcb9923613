//! Statements and columns that the tables of requests for a second person share: `refund_requests` and `credit_requests`.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// Table of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    Refunds,
    Credits,
}

#[derive(Debug, sqlx::FromRow)]
pub struct ApprovalRow {
    pub state: String,
    pub asked_by: String,
    pub asked_at: i64,
    pub decided_by: Option<String>,
    pub decided_at: Option<i64>,
    pub decision_note: Option<String>,
}

/// Decision of the second person.
#[derive(Debug)]
pub struct Decision<'a> {
    pub is_approval: bool,
    pub by: &'a str,
    pub note: &'a str,
    pub at: Timestamp,
}

pub async fn count_waiting(tx: &mut Tx<'_>, requests: Requests) -> Result<i64, StoreError> {
    let sql = match requests {
        Requests::Refunds => "select count(*) from refund_requests where state = 'waiting'",
        Requests::Credits => "select count(*) from credit_requests where state = 'waiting'",
    };
    let (n,): (i64,) = on!(tx, sql, fetch_one, |query| query)?;
    Ok(n)
}

/// `false`: it was decided before.
pub async fn decide(
    tx: &mut Tx<'_>,
    requests: Requests,
    id: &str,
    decision: &Decision<'_>,
) -> Result<bool, StoreError> {
    let sql = match requests {
        Requests::Refunds => {
            "
            update refund_requests
            set state = $2, decided_by = $3, decision_note = $4, decided_at = $5, version = version + 1
            where id = $1 and state = 'waiting'"
        }
        Requests::Credits => {
            "
            update credit_requests
            set state = $2, decided_by = $3, decision_note = $4, decided_at = $5
            where id = $1 and state = 'waiting'"
        }
    };
    let state = if decision.is_approval {
        "approved"
    } else {
        "rejected"
    };
    let n_changed = execute!(tx, sql, |query| query
        .bind(id)
        .bind(state)
        .bind(decision.by)
        .bind(decision.note)
        .bind(decision.at.millis()))?;
    Ok(n_changed == 1)
}
