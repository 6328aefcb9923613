//! Personal data of one order, over all tables that hold some.

use domain::OrderId;

use super::{StoreError, Tx, execute, on};

/// Erases the personal data of an order; returns how many of its payments are still open and keep their request, because
/// the create call may have to be sent again.
pub async fn erase_order(tx: &mut Tx<'_>, id: &OrderId) -> Result<i64, StoreError> {
    const STATEMENTS: [&str; 6] = [
        "update orders set metadata = null, return_url = null
            where id = $1 and (metadata is not null or return_url is not null)",
        "update payments set request = '', return_url = null
            where order_id = $1 and state in ('paid', 'closed', 'declined')",
        "update notices set headers = '', body = ''
            where payment_no in (select payment_no from payments where order_id = $1)",
        "update epay_attempts set client_ip = null, param = '', return_url = null where order_id = $1",
        "delete from gateway_calls where payment_no in (select payment_no from payments where order_id = $1)",
        "delete from notes where order_id = $1",
    ];
    const OPEN: &str =
        "select count(*) from payments where order_id = $1 and state in ('created', 'pending')";
    for sql in STATEMENTS {
        execute!(tx, sql, |query| query.bind(id.as_str())).map(drop)?;
    }
    let (n_open,): (i64,) = on!(tx, OPEN, fetch_one, |query| query.bind(id.as_str()))?;
    Ok(n_open)
}
