//! Personal data of one order, over all tables that hold some.

use domain::{OrderId, Timestamp};

use super::{StoreError, Tx, execute, on};

/// Erases the personal data of an order; returns how many of its payments are still open and keep their request, because
/// the create call may have to be sent again, or its openid is named in an upload of shipping information, which is given up
/// when it was due before `uploads_since`.
pub async fn erase_order(tx: &mut Tx<'_>, id: &OrderId, uploads_since: Timestamp) -> Result<i64, StoreError> {
    const PAYMENTS: &str = "
        update payments set request = '', return_url = null
        where order_id = $1 and state in ('paid', 'closed', 'declined') and id not in (
            select payment_id from shipping_uploads where due_at is not null and created_at > $2)";
    const STATEMENTS: [&str; 5] = [
        "update orders set metadata = null, return_url = null
            where id = $1 and (metadata is not null or return_url is not null)",
        "update notices set headers = '', body = ''
            where payment_no in (select payment_no from payments where order_id = $1)",
        "update epay_attempts set client_ip = null, param = '', return_url = null where order_id = $1",
        "delete from gateway_calls where payment_no in (select payment_no from payments where order_id = $1)",
        "delete from notes where order_id = $1",
    ];
    const OPEN: &str = "
        select count(*) from payments
        where order_id = $1 and (state in ('created', 'pending') or id in (
            select payment_id from shipping_uploads where due_at is not null and created_at > $2))";
    execute!(tx, PAYMENTS, |query| query
        .bind(id.as_str())
        .bind(uploads_since.millis()))
    .map(drop)?;
    for sql in STATEMENTS {
        execute!(tx, sql, |query| query.bind(id.as_str())).map(drop)?;
    }
    let (n_open,): (i64,) = on!(tx, OPEN, fetch_one, |query| query
        .bind(id.as_str())
        .bind(uploads_since.millis()))?;
    Ok(n_open)
}
