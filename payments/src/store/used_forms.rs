//! Forms of the console that were sent and must not act again.

use domain::Timestamp;

use super::{StoreError, Tx, execute};

/// `false`: this form was sent before.
pub async fn use_up(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into used_forms (id, used_at)
        values ($1, $2)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query.bind(id).bind(now.millis()))?;
    Ok(n_inserted == 1)
}

pub async fn forget_old(tx: &mut Tx<'_>, used_before: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "delete from used_forms where used_at <= $1";
    execute!(tx, SQL, |query| query.bind(used_before.millis())).map(drop)
}
