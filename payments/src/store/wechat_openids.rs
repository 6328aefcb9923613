//! Openids of visitors inside WeChat, and the authorisations that learn them.

use domain::{OrderId, Timestamp};

use super::{StoreError, Tx, execute, on};

/// Authorisation that has begun.
#[derive(Debug)]
pub struct NewAuthorization<'a> {
    pub state_hash: &'a str,
    pub order_id: &'a OrderId,
    pub visitor_hash: &'a str,
    pub expires_at: Timestamp,
}

/// Openid to keep.
#[derive(Debug)]
pub struct NewOpenid<'a> {
    pub visitor_hash: &'a str,
    pub app_id: &'a str,
    pub openid_hash: &'a str,
    /// Sealed.
    pub openid: &'a str,
}

pub async fn begin(tx: &mut Tx<'_>, new: &NewAuthorization<'_>) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into wechat_authorizations (state_hash, order_id, visitor_hash, expires_at)
        values ($1, $2, $3, $4)";
    execute!(tx, SQL, |query| query
        .bind(new.state_hash)
        .bind(new.order_id.as_str())
        .bind(new.visitor_hash)
        .bind(new.expires_at.millis()))
    .map(drop)
}

/// Forgets the authorisations of an order that have expired, and those of this visitor; returns how many others are left.
pub async fn forget_stale(
    tx: &mut Tx<'_>,
    order_id: &OrderId,
    visitor_hash: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    const DELETE: &str = "
        delete from wechat_authorizations
        where order_id = $1 and (visitor_hash = $2 or expires_at <= $3)";
    const COUNT: &str = "select count(*) from wechat_authorizations where order_id = $1";
    execute!(tx, DELETE, |query| query
        .bind(order_id.as_str())
        .bind(visitor_hash)
        .bind(now.millis()))
    .map(drop)?;
    let (n_left,): (i64,) = on!(tx, COUNT, fetch_one, |query| query.bind(order_id.as_str()))?;
    Ok(n_left)
}

/// Uses up an authorisation. `false`: there is none by this state for this order and visitor, it was used, or its time is
/// over.
pub async fn take(
    tx: &mut Tx<'_>,
    state_hash: &str,
    order_id: &OrderId,
    visitor_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        delete from wechat_authorizations
        where state_hash = $1 and order_id = $2 and visitor_hash = $3 and expires_at > $4";
    let n_taken = execute!(tx, SQL, |query| query
        .bind(state_hash)
        .bind(order_id.as_str())
        .bind(visitor_hash)
        .bind(now.millis()))?;
    Ok(n_taken == 1)
}

/// Keeps an openid for its visitor, in place of the rows that the same payer had under other cookies.
pub async fn keep(tx: &mut Tx<'_>, new: &NewOpenid<'_>, now: Timestamp) -> Result<(), StoreError> {
    const DELETE: &str =
        "delete from wechat_openids where openid_hash = $1 or (visitor_hash = $2 and app_id = $3)";
    const INSERT: &str = "
        insert into wechat_openids (visitor_hash, app_id, openid_hash, openid, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict do nothing";
    execute!(tx, DELETE, |query| query
        .bind(new.openid_hash)
        .bind(new.visitor_hash)
        .bind(new.app_id))
    .map(drop)?;
    execute!(tx, INSERT, |query| query
        .bind(new.visitor_hash)
        .bind(new.app_id)
        .bind(new.openid_hash)
        .bind(new.openid)
        .bind(now.millis()))
    .map(drop)
}

/// Finds the sealed openid of a visitor, learnt after an instant.
pub async fn find(
    tx: &mut Tx<'_>,
    visitor_hash: &str,
    app_id: &str,
    learnt_after: Timestamp,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "
        select openid from wechat_openids where visitor_hash = $1 and app_id = $2 and created_at > $3";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query
        .bind(visitor_hash)
        .bind(app_id)
        .bind(learnt_after.millis()))?;
    Ok(row.map(|(openid,)| openid))
}
