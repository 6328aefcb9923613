//! Paid payments of a day, in the order of their time, as they are compared with a gateway's statement.

use domain::{Channel, Timestamp};

use super::super::{StoreError, Tx, on};

#[derive(Debug, sqlx::FromRow)]
pub struct PaidRow {
    pub id: String,
    pub payment_no: String,
    pub transaction_id: String,
    pub amount: i64,
    pub paid_at: i64,
    /// Fee that is posted already.
    pub fee: i64,
}

/// Place to go on from: time and id of the last row.
#[derive(Debug, Clone)]
pub struct DayCursor {
    pub at: i64,
    pub id: String,
}

/// Payments of this merchant account that were paid from the cursor on and before `to`.
pub async fn list_paid(
    tx: &mut Tx<'_>,
    (channel, account): (Channel, &str),
    after: &DayCursor,
    to: Timestamp,
    limit: i64,
) -> Result<Vec<PaidRow>, StoreError> {
    // `|| ''`: SQLite would scan all payments of a method instead of this day.
    const SQL: &str = "
        select p.id, p.payment_no, p.transaction_id, p.amount, p.paid_at,
            (select cast(coalesce(sum(-e.amount), 0) as bigint) from fee_entries e
                where e.reference = p.id and e.account = 'fees:' || p.method) as fee
        from payments p
        where p.paid_at >= $1 and p.paid_at < $2 and (p.paid_at > $1 or p.id > $3) and p.method || '' = $4
            and p.state = 'paid' and p.transaction_id is not null and (p.account is null or p.account = $5)
        order by p.paid_at, p.id
        limit $6";
    on!(tx, SQL, fetch_all, |query| query
        .bind(after.at)
        .bind(to.millis())
        .bind(after.id.as_str())
        .bind(channel.as_str())
        .bind(account)
        .bind(limit))
}

/// Whether a payment has this trade of the gateway.
pub async fn has_trade(tx: &mut Tx<'_>, channel: Channel, transaction_id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "
        select id from payments
        where method = $1 and transaction_id = $2";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query
        .bind(channel.as_str())
        .bind(transaction_id))?;
    Ok(row.is_some())
}
