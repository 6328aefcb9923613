//! Gateway log: one row per distinct call and answer, however often it was repeated.

use domain::{OrderId, PaymentNo, Timestamp};

use super::{StoreError, Tx, execute, on};

/// Times are milliseconds: instants since 1970, and durations of calls.
#[derive(Debug, sqlx::FromRow)]
pub struct CallRow {
    pub id: String,
    pub channel: String,
    pub operation: String,
    /// Operation that the check of `operation` does not list; `operation` is then the nearest that it does.
    pub newer_operation: Option<String>,
    pub payment_no: String,
    pub line: String,
    pub request: String,
    pub status: Option<i64>,
    pub answer: String,
    pub verdict: String,
    pub reason: Option<String>,
    pub n: i64,
    pub first_at: i64,
    pub last_at: i64,
    pub shortest_ms: i64,
    pub longest_ms: i64,
}

/// Adds a call; a repeated one updates the counts and times of its row.
pub async fn add(tx: &mut Tx<'_>, call: &CallRow) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into gateway_calls (id, channel, operation, newer_operation, payment_no, line, request, status, answer,
            verdict, reason, n, first_at, last_at, shortest_ms, longest_ms)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (id) do update set
            n = gateway_calls.n + excluded.n,
            first_at = case when excluded.first_at < gateway_calls.first_at
                then excluded.first_at else gateway_calls.first_at end,
            last_at = case when excluded.last_at > gateway_calls.last_at
                then excluded.last_at else gateway_calls.last_at end,
            shortest_ms = case when excluded.shortest_ms < gateway_calls.shortest_ms
                then excluded.shortest_ms else gateway_calls.shortest_ms end,
            longest_ms = case when excluded.longest_ms > gateway_calls.longest_ms
                then excluded.longest_ms else gateway_calls.longest_ms end";
    execute!(tx, SQL, |query| query
        .bind(&call.id)
        .bind(&call.channel)
        .bind(&call.operation)
        .bind(&call.newer_operation)
        .bind(&call.payment_no)
        .bind(&call.line)
        .bind(&call.request)
        .bind(call.status)
        .bind(&call.answer)
        .bind(&call.verdict)
        .bind(&call.reason)
        .bind(call.n)
        .bind(call.first_at)
        .bind(call.last_at)
        .bind(call.shortest_ms)
        .bind(call.longest_ms))
    .map(drop)
}

/// Oldest first; of very many, the newest.
pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<CallRow>, StoreError> {
    const SQL: &str = "
        select c.id, c.channel, c.operation, c.newer_operation, c.payment_no, c.line, c.request, c.status, c.answer,
            c.verdict, c.reason, c.n, c.first_at, c.last_at, c.shortest_ms, c.longest_ms
        from gateway_calls c join payments p on p.payment_no = c.payment_no
        where p.order_id = $1
        order by c.first_at desc, c.id desc
        limit 200";
    let mut newest: Vec<CallRow> = on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))?;
    newest.reverse();
    Ok(newest)
}

/// Last call about a payment or its refunds; calls of one operation come before all others, however old.
pub async fn last_of(
    tx: &mut Tx<'_>,
    payment_no: &PaymentNo,
    is_refund: bool,
    preferred: &str,
) -> Result<Option<CallRow>, StoreError> {
    const SQL: &str = "
        select id, channel, operation, newer_operation, payment_no, line, request, status, answer, verdict, reason, n,
            first_at, last_at, shortest_ms, longest_ms
        from gateway_calls
        where payment_no = $1 and (operation in ('refund', 'query_refund')) = $2 and newer_operation is null
        order by case when operation = $3 then 0 else 1 end, last_at desc, id desc
        limit 1";
    on!(tx, SQL, fetch_optional, |query| query
        .bind(payment_no.as_str())
        .bind(is_refund)
        .bind(preferred))
}

/// Removes calls last made before an instant, in limited batches, so that writers do not wait for it.
pub async fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        delete from gateway_calls
        where id in (select id from gateway_calls where last_at < $1 order by last_at limit 1000)";
    execute!(tx, SQL, |query| query.bind(before.millis())).map(drop)
}
