//! The inbox: every authentic message of a gateway, once.

use domain::{Channel, Timestamp};

use super::{StoreError, Tx, execute};

/// A message as it came.
#[derive(Debug)]
pub struct NoticeRow<'a> {
    pub channel: Channel,
    pub id: &'a str,
    pub payment_no: &'a str,
    /// One `name: value` a line.
    pub headers: &'a str,
    pub body: &'a str,
    pub verdict: &'a str,
    pub received_at: Timestamp,
}

/// `false`: this message was recorded before.
pub async fn record_once(tx: &mut Tx<'_>, notice: &NoticeRow<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into notices (channel, notice_id, payment_no, headers, body, verdict, received_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(notice.channel.as_str())
        .bind(notice.id)
        .bind(notice.payment_no)
        .bind(notice.headers)
        .bind(notice.body)
        .bind(notice.verdict)
        .bind(notice.received_at.millis()))?;
    Ok(n_inserted == 1)
}
