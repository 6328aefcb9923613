//! How long a list of the console takes over a million orders: `cargo bench -p payments --bench console`, with
//! `TEST_DATABASE_URL` for PostgreSQL. The rows are written by one statement of the engine.

use std::io::Write as _;
use std::time::{Duration, Instant};

use domain::{Method, Money, OrderStatus, Timestamp};
use payments::console::{OrderQuery, find_orders, find_the_one};
use payments::gateway::Gateways;
use payments::store::Db;
use payments::{Clock, Policy, Services, Wake, Watchers};
use sqlx::{AssertSqlSafe, Connection};

const ROWS: i64 = 1_000_000;
/// 2026-11-24 10:00 in Beijing; one order a second before.
const NOW: i64 = 1_795_485_600_000;
const ROUNDS: usize = 40;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("tokio starts");
    runtime.block_on(run());
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the benchmark finds PostgreSQL is no setting of the product"
)]
async fn run() {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite = format!("sqlite://{}/console.db", directory.path().display());
    measure("sqlite", &sqlite).await;
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        let (server, _) = url.rsplit_once('/').expect("an address with a database");
        let mut connection = sqlx::PgConnection::connect(&url)
            .await
            .expect("PostgreSQL answers");
        for statement in [
            "drop database if exists console_bench",
            "create database console_bench",
        ] {
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .expect("a database");
        }
        measure("postgres", &format!("{server}/console_bench")).await;
    }
}

async fn measure(engine: &str, url: &str) {
    let db = Db::connect(url).await.expect("the database opens");
    fill(url).await;
    let services = Services {
        db,
        gateways: std::sync::Arc::new(Gateways::default()),
        clock: Clock::fixed(Timestamp::from_millis(NOW), 7),
        wake: Wake::default(),
        watchers: Watchers::default(),
        policy: Policy::default(),
    };
    let all = OrderQuery {
        limit: 50,
        ..OrderQuery::default()
    };
    let deep = Some(domain::OrderId::floor(Timestamp::from_millis(NOW - 700_000_000)));
    let amount = Money::from_fen(12_345).ok();
    for (name, query) in [
        ("all", all.clone()),
        (
            "deep cursor",
            OrderQuery {
                cursor: deep,
                ..all.clone()
            },
        ),
        (
            "pending (rare)",
            OrderQuery {
                status: Some(OrderStatus::Pending),
                ..all.clone()
            },
        ),
        (
            "paid",
            OrderQuery {
                status: Some(OrderStatus::Paid),
                ..all.clone()
            },
        ),
        (
            "refunded (2 %)",
            OrderQuery {
                status: Some(OrderStatus::Refunded),
                ..all.clone()
            },
        ),
        (
            "alipay",
            OrderQuery {
                method: Some(Method::Alipay),
                ..all.clone()
            },
        ),
        (
            "balance (none)",
            OrderQuery {
                method: Some(Method::Balance),
                ..all.clone()
            },
        ),
        (
            "one user",
            OrderQuery {
                text: Some("u77".to_owned()),
                ..all.clone()
            },
        ),
        (
            "one amount",
            OrderQuery {
                text: Some("123.45".to_owned()),
                ..all.clone()
            },
        ),
        (
            "user and status",
            OrderQuery {
                text: Some("u77".to_owned()),
                status: Some(OrderStatus::Cancelled),
                ..all.clone()
            },
        ),
        (
            "a day long ago",
            OrderQuery {
                from: Some(Timestamp::from_millis(NOW - 800_000_000)),
                to: Some(Timestamp::from_millis(NOW - 713_600_000)),
                ..all.clone()
            },
        ),
        (
            "amount span",
            OrderQuery {
                least: amount,
                most: amount,
                ..all.clone()
            },
        ),
    ] {
        let mut times = Vec::with_capacity(ROUNDS);
        let mut n_found = 0;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            n_found = find_orders(&services, &query).await.expect("a list").data.len();
            times.push(started.elapsed());
        }
        report(engine, name, n_found, times);
    }
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let number = format!("T{}", round * 20_000);
        let started = Instant::now();
        find_the_one(&services, &number).await.expect("an answer");
        times.push(started.elapsed());
    }
    report(engine, "a gateway's number", 1, times);
    services.db.close().await;
}

fn report(engine: &str, name: &str, n_found: usize, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (p50, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    writeln!(
        std::io::stdout(),
        "{engine:9} {name:20} {n_found:3} rows  p50 {p50:>10.1?}  p95 {p95:>10.1?}"
    )
    .expect("somebody reads");
}

/// One order a second, nine of ten paid, one of fifty returned, one of a thousand still open.
async fn fill(url: &str) {
    let is_sqlite = url.starts_with("sqlite:");
    let series = if is_sqlite {
        "with recursive s(n) as (select 0 union all select n + 1 from s where n + 1 < ROWS)"
    } else {
        "with s(n) as (select generate_series(0, ROWS - 1))"
    };
    // Names as the product makes them, as far as sorting goes: the time in front, in digits of base 32.
    let time = "(NOW - (ROWS - n) * 1000)";
    let digit = |shift: u32| {
        format!(
            "substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', cast(({time} >> {shift}) & 31 as integer) + 1, 1)"
        )
    };
    let digits: Vec<String> = (0..10).rev().map(|place| digit(place * 5)).collect();
    let name = format!("{} || substr('0000000000000000' || n, -16)", digits.join(" || "));
    let name = if is_sqlite {
        name
    } else {
        name.replace("substr('0000000000000000' || n, -16)", "lpad(n::text, 16, '0')")
    };
    let state = "case when n % 1000 = 0 then 'open' when n % 10 = 1 then 'cancelled' else 'paid' end";
    let orders = format!(
        "{series} insert into orders (id, order_no, token, user_id, subject, amount, state, expires_at, paid_at,
            created_at, updated_at)
        select 'ord_' || {name}, 'N' || n, 'tok' || n, 'u' || (n % 5000), 'plan', 100 + n % 50000, {state},
            {time} + 1800000, {time}, {time}, {time} from s"
    );
    let payments = format!(
        "{series} insert into payments (id, payment_no, order_id, method, product, amount, state, settles,
            transaction_id, request, expires_at, paid_at, created_at, updated_at)
        select 'pay_' || {name}, 'P' || n, 'ord_' || {name}, case when n % 3 = 0 then 'alipay' else 'wechat' end,
            'native', 100 + n % 50000, case when {state} = 'paid' then 'paid' else 'closed' end, {state} = 'paid',
            'T' || n, '', {time}, {time}, {time}, {time} from s"
    );
    let refunds = format!(
        "{series} insert into refunds (id, refund_no, payment_id, amount, reason, state, created_at, finished_at)
        select 'ref_' || {name}, 'R' || n, 'pay_' || {name}, 100 + n % 50000, 'x', 'succeeded', {time}, {time}
        from s where n % 50 = 2"
    );
    for statement in [orders, payments, refunds, "analyze".to_owned()] {
        let statement = statement
            .replace("ROWS", &ROWS.to_string())
            .replace("NOW", &NOW.to_string());
        execute(url, statement).await;
    }
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
