//! Inbox: every authentic notification of a gateway, once.

use domain::{Channel, OrderId, Timestamp};

use super::batch::Write;
use super::payments::facts::MessageId;
use super::{StoreError, Tx, on};
use crate::model::notification::NotificationOutcome;

/// Notification to store, as received.
#[derive(Debug)]
pub struct NotificationRow<'a> {
    pub channel: Channel,
    pub id: &'a str,
    pub payment_no: &'a str,
    /// One `name: value` a line.
    pub headers: &'a str,
    pub body: &'a str,
    pub verdict: &'a str,
    pub received_at: Timestamp,
}

/// Records a notification; one that was recorded before is a lost race.
pub fn record_once(notification: &NotificationRow<'_>) -> Write {
    const SQL: &str = "
        insert into notices (channel, notice_id, payment_no, headers, body, verdict, received_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing";
    Write::exactly(1, SQL)
        .bind(notification.channel.as_str())
        .bind(notification.id)
        .bind(notification.payment_no)
        .bind(notification.headers)
        .bind(notification.body)
        .bind(notification.verdict)
        .bind(notification.received_at.millis())
}

/// Whether a notification was recorded before.
pub async fn is_recorded(tx: &mut Tx<'_>, message: MessageId<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "select count(*) from notices where channel = $1 and notice_id = $2";
    let (n_recorded,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(message.channel.as_str())
        .bind(message.id))?;
    Ok(n_recorded > 0)
}

/// Stored notification.
#[derive(Debug, sqlx::FromRow)]
pub struct KeptRow {
    pub channel: String,
    pub notification_id: String,
    pub payment_no: String,
    pub order_id: Option<String>,
    pub headers: String,
    pub body: String,
    pub verdict: String,
    pub received_at: i64,
}

macro_rules! select_kept {
    ($tail:literal) => {
        concat!(
            "select n.channel, n.notice_id as notification_id, n.payment_no, p.order_id, n.headers, n.body, n.verdict, n.received_at
            from notices n left join payments p on p.payment_no = n.payment_no ",
            $tail
        )
    };
}

macro_rules! list_kept {
    ($only:literal) => {
        concat!(
            select_kept!("where "),
            $only,
            " n.received_at <= $1
                and (n.received_at < $1 or n.channel > $2 or (n.channel = $2 and n.notice_id > $3))
            order by n.received_at desc, n.channel, n.notice_id
            limit $4"
        )
    };
}

/// Oldest first.
pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<KeptRow>, StoreError> {
    const SQL: &str = select_kept!("where p.order_id = $1 order by n.received_at, n.notice_id limit 200");
    on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))
}

/// Newest first, after a notification: its instant alone would skip others of the same millisecond.
pub async fn list(
    tx: &mut Tx<'_>,
    only: Option<NotificationOutcome>,
    (at, channel, id): (Timestamp, &str, &str),
    limit: i64,
) -> Result<Vec<KeptRow>, StoreError> {
    const ALL: &str = list_kept!("");
    const APPLIED: &str = list_kept!("n.verdict in ('payment', 'refund', 'refund hint', 'refund known') and");
    // The words of the index, so that both engines use it.
    const WITH_PROBLEM: &str = list_kept!(
        "n.verdict not in ('payment', 'refund', 'refund hint', 'refund known', 'ambiguous', 'other') and"
    );
    let sql = match only {
        None => ALL,
        Some(NotificationOutcome::Applied) => APPLIED,
        Some(NotificationOutcome::Problem) => WITH_PROBLEM,
    };
    on!(tx, sql, fetch_all, |query| query
        .bind(at.millis())
        .bind(channel)
        .bind(id)
        .bind(limit))
}

pub async fn find(tx: &mut Tx<'_>, channel: Channel, id: &str) -> Result<Option<KeptRow>, StoreError> {
    const SQL: &str = select_kept!("where n.channel = $1 and n.notice_id = $2");
    on!(tx, SQL, fetch_optional, |query| query
        .bind(channel.as_str())
        .bind(id))
}

/// Time of a gateway's last notification.
pub async fn last_of(tx: &mut Tx<'_>, channel: Channel) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "
        select received_at
        from notices
        where channel = $1
        order by received_at desc
        limit 1";
    let row: Option<(i64,)> = on!(tx, SQL, fetch_optional, |query| query.bind(channel.as_str()))?;
    Ok(row.map(|(at,)| at))
}
