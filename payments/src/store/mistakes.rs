//! Wrong writes, for bugs that a test plants.

use domain::Payment;

use super::{StoreError, Tx, execute};

/// Ends a payment without a compare-and-set.
pub async fn close_blindly(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), StoreError> {
    const SQL: &str = "update payments set state = 'closed', settles = false where id = $1";
    execute!(tx, SQL, |query| query.bind(payment.id.as_str())).map(drop)
}
