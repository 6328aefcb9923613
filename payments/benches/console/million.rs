//! A million orders with what belongs to them, each table written by one statement of the engine.

use sqlx::{AssertSqlSafe, Connection};

const ROWS: i64 = 1_000_000;
/// 2026-11-24 10:00 in Beijing; one order a second before.
pub const NOW: i64 = 1_795_485_600_000;

/// Creation time of order `n`.
const TIME: &str = "(NOW - (ROWS - n) * 1000)";
/// Nine of ten are paid, one of ten is cancelled, one of a thousand still open.
const STATE: &str = "case when n % 1000 = 0 then 'open' when n % 10 = 1 then 'cancelled' else 'paid' end";
/// Every third order is bought without an account, and those pay with Alipay.
const USER: &str = "case when n % 3 = 0 then 'guest' else 'u' || (n % 5000) end";
const METHOD: &str = "case when n % 3 = 0 then 'alipay' else 'wechat' end";

const TABLES: [&str; 10] = [
    // One of fifty is refunded.
    "insert into orders (id, order_no, token, user_id, subject, amount, state, expires_at, paid_at, created_at,
        updated_at, refunded)
    select 'ord_' || NAME, 'N' || n, 'tok' || n, USER, 'plan', 100 + n % 50000, STATE, TIME + 1800000,
        case when STATE = 'paid' then TIME + n % 60000 end, TIME, TIME, case when n % 50 = 2 then 100 + n % 50000 else 0 end
    from s",
    "insert into payments (id, payment_no, order_id, method, product, amount, state, settles, transaction_id, request,
        expires_at, paid_at, created_at, updated_at)
    select 'pay_' || NAME, 'P' || n, 'ord_' || NAME, METHOD, 'native', 100 + n % 50000,
        case when STATE = 'paid' then 'paid' else 'closed' end, STATE = 'paid', 'T' || n, '', TIME,
        case when STATE = 'paid' then TIME + n % 60000 end, TIME, TIME
    from s",
    "insert into refunds (id, refund_no, payment_id, amount, reason, state, created_at, finished_at)
    select 'ref_' || NAME, 'R' || n, 'pay_' || NAME, 100 + n % 50000, 'x', 'succeeded', TIME, TIME
    from s where n % 50 = 2",
    "insert into notices (channel, notice_id, payment_no, headers, body, verdict, received_at)
    select METHOD, 'n' || n, 'P' || n, 'content-type: application/json', '{}', 'payment', TIME + n % 60000 + n % 3000
    from s",
    "insert into entries (journal, account, amount, kind, reference, created_at)
    select 'payment:pay_' || NAME, 'gateway:' || METHOD, -100 - n % 50000, 'payment', 'pay_' || NAME, TIME
    from s where n % 10 = 2
    union all
    select 'payment:pay_' || NAME, 'sales', 100 + n % 50000, 'payment', 'pay_' || NAME, TIME
    from s where n % 10 = 2",
    "insert into entries (journal, account, amount, kind, reference, seq, balance_after, created_at)
    select 'adjust:' || n, 'user:u' || (n % 5000), 1, 'adjust', 'a' || n, n / 5000 + 1, n / 5000 + 1, TIME
    from s where n < 200000",
    "insert into balances (user_id, available, seq, updated_at) select 'u' || n, 40, 40, TIME from s where n < 5000",
    "insert into audit_log (seq, at, actor, action, subject, detail, ip, request_id, previous_hash, hash)
    select n + 1, TIME, 'ann@example.com', 'log_in', 'usr_' || (n % 20), '', '192.0.2.1', 'r', 'h' || (n - 1), 'h' || n
    from s where n < 200000",
    "insert into incidents (id, kind, subject, payment_id, detail, created_at, resolved_at, resolved_by, resolution)
    select 'inc_' || NAME, 'surplus', 'pay_' || NAME, 'pay_' || NAME, '', TIME,
        case when n % 1000 <> 5 then TIME end, 'ann@example.com', ''
    from s where n % 10 = 5",
    "insert into refund_requests (id, payment_id, amount, reason, refund_no, state, asked_by, asked_at)
    select 'wish_' || NAME, 'pay_' || NAME, 100, 'x', 'W' || n, case when n % 10000 = 7 then 'waiting' else 'rejected' end,
        'ann@example.com', TIME
    from s where n % 50 = 7",
];

pub async fn fill(url: &str) {
    let is_sqlite = url.starts_with("sqlite:");
    let series = if is_sqlite {
        "with recursive s(n) as (select 0 union all select n + 1 from s where n + 1 < ROWS)"
    } else {
        "with s(n) as (select generate_series(0, ROWS - 1))"
    };
    for table in TABLES {
        // An id contains its time, so the epoch must be known.
        let statement = format!("{series} {table}")
            .replace("NAME", &name(is_sqlite))
            .replace("USER", USER)
            .replace("METHOD", METHOD)
            .replace("STATE", STATE)
            .replace("TIME", TIME)
            .replace("ROWS", &ROWS.to_string())
            .replace("NOW", &NOW.to_string());
        execute(url, statement).await;
    }
    // PostgreSQL does this by itself some minutes later. SQLite never does, and so is measured without.
    if !is_sqlite {
        execute(url, "vacuum analyze".to_owned()).await;
    }
}

/// Ids that sort like those of the product: the time in front, in base 32 digits.
fn name(is_sqlite: bool) -> String {
    let digit = |shift: u32| {
        format!("substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', cast((TIME >> {shift}) & 31 as integer) + 1, 1)")
    };
    let digits: Vec<String> = (0..10).rev().map(|place| digit(place * 5)).collect();
    let count = if is_sqlite {
        "substr('0000000000000000' || n, -16)"
    } else {
        "lpad(n::text, 16, '0')"
    };
    format!("{} || {count}", digits.join(" || "))
}

async fn execute(url: &str, statement: String) {
    let statement = AssertSqlSafe(statement);
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.expect("SQLite opens");
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .expect("rows");
    } else {
        let mut connection = sqlx::PgConnection::connect(url)
            .await
            .expect("PostgreSQL answers");
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .expect("rows");
    }
}
