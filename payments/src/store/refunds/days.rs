//! Refunds of a day, in the order of their time, as they are compared with a gateway's statement.

use chrono::NaiveDate;
use domain::{Channel, RefundId, Timestamp};

use super::super::payments::days::DayCursor;
use super::super::{StoreError, Tx, execute, on};

#[derive(Debug, sqlx::FromRow)]
pub struct RefundOfDayRow {
    pub id: String,
    pub refund_no: String,
    pub payment_no: String,
    pub transaction_id: Option<String>,
    pub amount: i64,
    pub state: String,
    pub at: i64,
    pub statement_day: Option<String>,
    /// Fee that is posted already: below zero, because it was given back.
    pub fee: i64,
}

macro_rules! select_refund_of_day {
    ($at:literal, $tail:literal) => {
        concat!(
            "select r.id, r.refund_no, p.payment_no, p.transaction_id, r.amount, r.state, ",
            $at,
            " as at, r.statement_day,
                (select cast(coalesce(sum(-e.amount), 0) as bigint) from fee_entries e
                    where e.reference = r.id and e.account = 'fees:' || p.method) as fee
            from refunds r join payments p on p.id = r.payment_id ",
            $tail
        )
    };
}

/// Refunds of this merchant account from the cursor on and before `to`: WeChat lists a refund on the day of its call, Alipay
/// on the day of its end.
pub async fn list_of_day(
    tx: &mut Tx<'_>,
    (channel, account): (Channel, &str),
    after: &DayCursor,
    to: Timestamp,
    limit: i64,
) -> Result<Vec<RefundOfDayRow>, StoreError> {
    // `|| ''`: SQLite would scan all payments of a method instead of this day.
    const SENT: &str = select_refund_of_day!(
        "r.sent_at",
        "where r.sent_at >= $1 and r.sent_at < $2 and (r.sent_at > $1 or r.id > $3) and p.method || '' = $4
            and (p.account is null or p.account = $5)
        order by r.sent_at, r.id
        limit $6"
    );
    const FINISHED: &str = select_refund_of_day!(
        "r.finished_at",
        "where r.finished_at >= $1 and r.finished_at < $2 and (r.finished_at > $1 or r.id > $3) and p.method || '' = $4
            and (p.account is null or p.account = $5)
        order by r.finished_at, r.id
        limit $6"
    );
    let sql = match channel {
        Channel::Wechat => SENT,
        Channel::Alipay => FINISHED,
    };
    on!(tx, sql, fetch_all, |query| query
        .bind(after.at)
        .bind(to.millis())
        .bind(after.id.as_str())
        .bind(channel.as_str())
        .bind(account)
        .bind(limit))
}

pub async fn find_of_number(
    tx: &mut Tx<'_>,
    channel: Channel,
    refund_no: &str,
) -> Result<Option<RefundOfDayRow>, StoreError> {
    const SQL: &str = select_refund_of_day!(
        "coalesce(r.sent_at, r.created_at)",
        "where r.refund_no = $1 and p.method = $2"
    );
    on!(tx, SQL, fetch_optional, |query| query
        .bind(refund_no)
        .bind(channel.as_str()))
}

/// Notes the day of the statement that lists a refund.
pub async fn set_statement_day(tx: &mut Tx<'_>, id: &RefundId, day: NaiveDate) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds
        set statement_day = $2
        where id = $1 and statement_day is null";
    execute!(tx, SQL, |query| query.bind(id.as_str()).bind(day.to_string())).map(drop)
}
