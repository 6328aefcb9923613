//! Due times of payments, refunds, shipping uploads and deliveries, after the clock was set back. Those of statements are hours
//! apart, and are asked for by the day.

use std::time::Duration;

use domain::Timestamp;

use super::{StoreError, Tx, execute};

/// Shifts future due times by as much as the clock was set back. Returns how many there were.
pub async fn shift_back(tx: &mut Tx<'_>, setback: Duration, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: [&str; 4] = [
        "update payments set due_at = due_at - $2 where method in ('wechat', 'alipay') and due_at > $1",
        "update refunds set due_at = due_at - $2 where due_at > $1",
        "update shipping_uploads set due_at = due_at - $2 where due_at > $1",
        "update deliveries set due_at = due_at - $2 where due_at > $1",
    ];
    let millis = i64::try_from(setback.as_millis()).unwrap_or(i64::MAX);
    let mut n_shifted = 0;
    for sql in SQL {
        n_shifted += execute!(tx, sql, |query| query.bind(now.millis()).bind(millis))?;
    }
    // Deliveries may be among them.
    if n_shifted > 0 {
        tx.wake_event_job();
    }
    Ok(n_shifted)
}
