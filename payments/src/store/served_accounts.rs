//! Merchant accounts that this database has served.

use domain::{Channel, Timestamp};

use super::{StoreError, Tx, execute, on};

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ServedRow {
    pub channel: String,
    pub account: String,
    pub is_live: bool,
    pub last_at: i64,
}

/// Unfinished payments, and those with unfinished refunds, of one account.
#[derive(Debug, sqlx::FromRow)]
pub struct UnfinishedRow {
    pub method: String,
    /// `None`: recorded before accounts were stored.
    pub account: Option<String>,
    pub n: i64,
    /// Number of the oldest one, as a starting point.
    pub first_no: String,
}

/// Latest first.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<ServedRow>, StoreError> {
    const SQL: &str = "
        select channel, account, is_live, last_at
        from served_accounts
        order by last_at desc, first_at desc";
    on!(tx, SQL, fetch_all, |query| query)
}

pub async fn stamp(
    tx: &mut Tx<'_>,
    channel: Channel,
    account: &str,
    is_live: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into served_accounts (channel, account, is_live, first_at, last_at)
        values ($1, $2, $3, $4, $4)
        on conflict (channel, account, is_live) do update set last_at = excluded.last_at";
    execute!(tx, SQL, |query| query
        .bind(channel.as_str())
        .bind(account)
        .bind(is_live)
        .bind(now.millis()))
    .map(drop)
}

pub async fn count_unfinished(tx: &mut Tx<'_>) -> Result<Vec<UnfinishedRow>, StoreError> {
    const SQL: &str = "
        select u.method, u.account, cast(count(*) as bigint) as n, min(u.payment_no) as first_no
        from (
            select p.method, p.account, p.payment_no from payments p
            where p.state in ('created', 'pending')
            union
            select p.method, p.account, p.payment_no from refunds r join payments p on p.id = r.payment_id
            where r.state in ('requested', 'pending', 'stuck')) as u
        where u.method in ('wechat', 'alipay')
        group by u.method, u.account
        order by u.method, u.account";
    on!(tx, SQL, fetch_all, |query| query)
}

/// Fills in the account of payments that were recorded before accounts were stored; returns how many. To be repeated until
/// it is zero.
pub async fn fill_in_account(
    tx: &mut Tx<'_>,
    channel: Channel,
    account: &str,
    limit: i64,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        update payments set account = $2
        where id in (select id from payments where method = $1 and account is null limit $3)";
    execute!(tx, SQL, |query| query
        .bind(channel.as_str())
        .bind(account)
        .bind(limit))
}

/// Recorded create call of the newest payment of a channel.
pub async fn newest_request(tx: &mut Tx<'_>, channel: Channel) -> Result<Option<String>, StoreError> {
    const SQL: &str = "select request from payments where method = $1 order by id desc limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query.bind(channel.as_str()))?;
    Ok(row.map(|(request,)| request))
}

/// Any stored notification of a channel.
pub async fn any_notification(tx: &mut Tx<'_>, channel: Channel) -> Result<Option<String>, StoreError> {
    const SQL: &str = "select body from notices where channel = $1 order by notice_id limit 1";
    let row: Option<(String,)> = on!(tx, SQL, fetch_optional, |query| query.bind(channel.as_str()))?;
    Ok(row.map(|(body,)| body))
}

/// Number of users with a balance above zero.
pub async fn count_balances(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    const SQL: &str = "select count(*) from balances where available > 0";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query)?;
    Ok(n)
}
