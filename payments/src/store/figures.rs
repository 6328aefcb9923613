//! Daily figures, each read from the index of its time.

use domain::{Channel, OrderId, Timestamp};

use super::{StoreError, Tx, on};

/// Count and sum in fen. A day's sum may exceed the limit of one order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct SumRow {
    pub n: i64,
    pub fen: i64,
}

/// Money received, by method and by hour since `from`.
pub async fn paid_by_hour(
    tx: &mut Tx<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(String, i64, i64, i64)>, StoreError> {
    const SQL: &str = "
        select method, (paid_at - $1) / 3600000 as hour, count(*) as n, cast(sum(amount) as bigint) as fen
        from payments
        where paid_at >= $1 and paid_at < $2
        group by method, (paid_at - $1) / 3600000
        order by 2, 1";
    on!(tx, SQL, fetch_all, |query| query
        .bind(from.millis())
        .bind(to.millis()))
}

/// Money received through one gateway, on this merchant account if one is given.
pub async fn paid_through(
    tx: &mut Tx<'_>,
    (channel, account): (Channel, Option<&str>),
    from: Timestamp,
    to: Timestamp,
) -> Result<i64, StoreError> {
    // `|| ''`: SQLite would scan all payments of a method instead of this day.
    const SQL: &str = "
        select cast(coalesce(sum(amount), 0) as bigint)
        from payments
        where paid_at >= $1 and paid_at < $2 and method || '' = $3
            and state = 'paid' and transaction_id is not null
            and (cast($4 as text) is null or account is null or account = $4)";
    let (fen,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(from.millis())
        .bind(to.millis())
        .bind(channel.as_str())
        .bind(account))?;
    Ok(fen)
}

pub async fn refunded(tx: &mut Tx<'_>, from: Timestamp, to: Timestamp) -> Result<SumRow, StoreError> {
    const SQL: &str = "
        select count(*) as n, cast(coalesce(sum(amount), 0) as bigint) as fen
        from refunds
        where finished_at >= $1 and finished_at < $2 and state = 'succeeded'";
    on!(tx, SQL, fetch_one, |query| query
        .bind(from.millis())
        .bind(to.millis()))
}

/// Number of orders created, and of those that are paid by now. Ids contain their time.
pub async fn orders(tx: &mut Tx<'_>, from: Timestamp, to: Timestamp) -> Result<(i64, i64), StoreError> {
    const SQL: &str = "
        select count(*) as n, cast(coalesce(sum(case when state = 'paid' then 1 else 0 end), 0) as bigint) as n_paid
        from orders
        where id >= $1 and id < $2";
    on!(tx, SQL, fetch_one, |query| query
        .bind(OrderId::floor(from))
        .bind(OrderId::floor(to)))
}

/// Median time from order to payment, over the last thousand paid orders.
pub async fn median_to_paid(
    tx: &mut Tx<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "
        select max(case when place = n / 2 then lapse end) as median
        from (
            select lapse, row_number() over (order by lapse) - 1 as place, count(*) over () as n
            from (
                select paid_at - created_at as lapse
                from orders
                where id >= $1 and id < $2 and state = 'paid'
                order by id desc
                limit 1000
            ) as paid
        ) as ranked";
    let (millis,): (Option<i64>,) = on!(tx, SQL, fetch_one, |query| query
        .bind(OrderId::floor(from))
        .bind(OrderId::floor(to)))?;
    Ok(millis)
}

/// Delay of payment notifications: its median and its 95th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct DelayRow {
    pub p50: Option<i64>,
    pub p95: Option<i64>,
}

/// Over the last thousand notifications of the period: each needs a lookup of its payment.
pub async fn callback_delay(tx: &mut Tx<'_>, from: Timestamp, to: Timestamp) -> Result<DelayRow, StoreError> {
    const SQL: &str = "
        select max(case when place = n / 2 then delay end) as p50,
            max(case when place = n * 95 / 100 then delay end) as p95
        from (
            select n.received_at - p.paid_at as delay,
                row_number() over (order by n.received_at - p.paid_at) - 1 as place,
                count(*) over () as n
            from (
                select payment_no, received_at
                from notices
                where received_at >= $1 and received_at < $2 and verdict = 'payment'
                order by received_at desc
                limit 1000
            ) as n
            join payments p on p.payment_no = n.payment_no
            where p.paid_at is not null
        ) as ranked";
    on!(tx, SQL, fetch_one, |query| query
        .bind(from.millis())
        .bind(to.millis()))
}
