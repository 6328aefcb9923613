//! Response times of the console's pages on a database with a million orders: `cargo bench -p payments --bench console`,
//! with `TEST_DATABASE_URL` for PostgreSQL.

mod million;

use std::io::Write as _;
use std::time::{Duration, Instant};

use domain::OrderStatus::{Cancelled, Paid, PartiallyRefunded, Pending, Refunded};
use domain::{Method, Money, PaymentStatus, RefundState, Timestamp};
use payments::console::{self, OrderQuery, PaymentQuery, RefundQuery, find_exact, find_orders};
use payments::secrets::Secrets;
use payments::store::Db;
use payments::{Clock, OrderFilter, Services, list_entries, list_orders};
use sqlx::Connection;

use million::{NOW, fill};

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
    let clock = Clock::fixed(Timestamp::from_millis(NOW), 7);
    let services = Services::new(db, clock, Secrets::new([7; 32]));
    measure_orders(engine, &services).await;
    measure_pages(engine, &services).await;
    services.db.close().await;
}

/// Measures every filter of the list of orders, and combinations that neither engine has an index for.
async fn measure_orders(engine: &str, services: &Services) {
    let all = OrderQuery {
        limit: 50,
        ..OrderQuery::default()
    };
    let with = |change: fn(&mut OrderQuery)| {
        let mut query = all.clone();
        change(&mut query);
        query
    };
    for (name, query) in [
        ("all", with(|_| {})),
        ("deep cursor", with(|query| query.cursor = Some(an_id()))),
        ("pending (1 ‰)", with(|query| query.status = Some(Pending))),
        ("paid", with(|query| query.status = Some(Paid))),
        ("refunded (2 %)", with(|query| query.status = Some(Refunded))),
        (
            "partly refunded (none)",
            with(|query| query.status = Some(PartiallyRefunded)),
        ),
        ("alipay", with(|query| query.method = Some(Method::Alipay))),
        (
            "balance (none)",
            with(|query| query.method = Some(Method::Balance)),
        ),
        ("needs attention", with(|query| query.needs_attention = true)),
        (
            "needs attention, paid",
            with(|query| {
                query.needs_attention = true;
                query.status = Some(Paid);
            }),
        ),
        ("a user", with(|query| query.text = text("u77"))),
        (
            "the guest (every third order)",
            with(|query| query.text = text("guest")),
        ),
        ("an amount", with(|query| query.text = text("123.45"))),
        ("the last six signs", with(|query| query.text = text("500002"))),
        (
            "a part of a user or a subject",
            with(|query| query.text = text("nobody")),
        ),
        ("a day long ago", with(a_day)),
        ("amounts, narrow", with(|query| span(query, 12_345, 12_400))),
        ("amounts, a tenth", with(|query| span(query, 10_000, 15_000))),
        ("amounts, wide", with(|query| span(query, 100, 40_000))),
        ("amounts, none so high", with(|query| span(query, 90_000, 99_000))),
        (
            "a user, cancelled",
            with(|query| {
                query.text = text("u77");
                query.status = Some(Cancelled);
            }),
        ),
        (
            "the guest, pending, amounts",
            with(|query| {
                query.text = text("guest");
                query.status = Some(Pending);
                span(query, 10_000, 10_100);
            }),
        ),
        (
            "the guest, cancelled, balance",
            with(|query| {
                query.text = text("guest");
                query.status = Some(Cancelled);
                query.method = Some(Method::Balance);
            }),
        ),
        (
            "refunded, alipay",
            with(|query| {
                query.status = Some(Refunded);
                query.method = Some(Method::Alipay);
            }),
        ),
        (
            "refunded, alipay, amounts, a day",
            with(|query| {
                query.status = Some(Refunded);
                query.method = Some(Method::Alipay);
                span(query, 10_000, 20_000);
                a_day(query);
            }),
        ),
        (
            "cancelled, amounts of others",
            with(|query| {
                query.status = Some(Cancelled);
                span(query, 102, 110);
            }),
        ),
        (
            "refunded, wechat, amounts, deep",
            with(|query| {
                query.status = Some(Refunded);
                query.method = Some(Method::Wechat);
                span(query, 30_000, 50_000);
                query.cursor = Some(an_id());
            }),
        ),
        (
            "the guest, wechat (never both)",
            with(|query| {
                query.text = text("guest");
                query.method = Some(Method::Wechat);
            }),
        ),
    ] {
        time(engine, name, async || {
            let found = find_orders(services, &query).await.expect("a list");
            found.page.data.len()
        })
        .await;
    }
    let round = std::cell::Cell::new(0);
    time(engine, "a gateway's number", async || {
        round.set(round.get() + 1);
        let number = format!("T{}", round.get() * 20_000);
        usize::from(find_exact(services, &number).await.expect("an answer").is_some())
    })
    .await;
    let of_program = OrderFilter {
        user_id: text("u77"),
        limit: 20,
        ..OrderFilter::default()
    };
    time(engine, "a program lists a user's orders", async || {
        let page = list_orders(services, of_program.clone()).await.expect("a list");
        page.data.len()
    })
    .await;
}

/// Measures the console's other pages.
async fn measure_pages(engine: &str, services: &Services) {
    let id = find_exact(services, "N500002")
        .await
        .expect("an answer")
        .expect("the order");
    time(engine, "an order with everything", async || {
        let file = console::open_file(services, &id).await.expect("the file");
        file.postings.len()
    })
    .await;
    time(engine, "overview", async || {
        let overview = console::read_overview(services).await.expect("the figures");
        usize::try_from(overview.today.n_orders).unwrap_or(0)
    })
    .await;
    let deep = format!("{}.wechat.", NOW - 700_000_000);
    for (name, cursor) in [("callbacks", None), ("callbacks, deep", Some(deep.as_str()))] {
        time(engine, name, async || {
            let page = console::list_notifications(services, cursor, 50)
                .await
                .expect("a list");
            page.data.len()
        })
        .await;
    }
    time(engine, "callbacks that failed", async || {
        let only = Some(console::NotificationOutcome::Problem);
        let page = console::list_notifications_of(services, only, None, 50)
            .await
            .expect("a list");
        page.data.len()
    })
    .await;
    measure_lists(engine, services).await;
    time(engine, "a balance's history", async || {
        let page = list_entries(services, "u77", None, 50).await.expect("a list");
        page.data.len()
    })
    .await;
    for (name, below) in [("audit log", None), ("audit log, deep", Some(100_000))] {
        let query = console::AuditQuery {
            below,
            limit: 50,
            ..console::AuditQuery::default()
        };
        time(engine, name, async || {
            let page = console::list_audit_entries(services, &query)
                .await
                .expect("a list");
            page.data.len()
        })
        .await;
    }
    time(engine, "attention", async || {
        let page = console::list_open_incidents(services, None, 50)
            .await
            .expect("a list");
        page.data.len()
    })
    .await;
    time(engine, "attention, resolved", async || {
        console::list_resolved_incidents(services, 50)
            .await
            .expect("a list")
            .len()
    })
    .await;
    time(engine, "refunds to decide on", async || {
        let (waiting, decided) = console::list_approvals(services, 50).await.expect("a list");
        waiting.len() + decided.len()
    })
    .await;
    time(engine, "numbers beside the menu", async || {
        let waiting = console::count_waiting(services).await.expect("numbers");
        usize::try_from(waiting.incidents).unwrap_or(0)
    })
    .await;
    time(engine, "gateways", async || {
        console::list_gateways(services).await.expect("a list").len()
    })
    .await;
}

/// Measures the lists of payments, refunds and balances, with filters that few rows match.
async fn measure_lists(engine: &str, services: &Services) {
    for (name, status) in [
        ("payments", None),
        ("payments, failed", Some(PaymentStatus::Failed)),
        ("payments, refunding", Some(PaymentStatus::Refunding)),
    ] {
        let query = PaymentQuery {
            status,
            limit: 50,
            ..PaymentQuery::default()
        };
        time(engine, name, async || {
            let found = console::find_listed(services, &query).await.expect("a list");
            found.page.data.len()
        })
        .await;
    }
    for (name, state) in [("refunds", None), ("refunds, stuck", Some(RefundState::Stuck))] {
        let query = RefundQuery {
            status: state,
            limit: 50,
            ..RefundQuery::default()
        };
        time(engine, name, async || {
            let found = console::find_listed(services, &query).await.expect("a list");
            found.page.data.len()
        })
        .await;
    }
    time(engine, "balances with a part", async || {
        let page = console::list_balances(services, Some("nobody"), None, 50)
            .await
            .expect("a list");
        page.data.len()
    })
    .await;
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Id of an order in the middle.
fn an_id() -> String {
    domain::OrderId::floor(Timestamp::from_millis(NOW - 500_000_000))
}

fn a_day(query: &mut OrderQuery) {
    query.from = Some(Timestamp::from_millis(NOW - 800_000_000));
    query.to = Some(Timestamp::from_millis(NOW - 713_600_000));
}

fn span(query: &mut OrderQuery, least: i64, most: i64) {
    query.least = Money::from_fen(least).ok();
    query.most = Money::from_fen(most).ok();
}

async fn time(engine: &str, name: &str, ask: impl AsyncFn() -> usize) {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut n_found = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        n_found = ask().await;
        times.push(started.elapsed());
    }
    report(engine, name, n_found, times);
}

fn report(engine: &str, name: &str, n_found: usize, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (p50, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    writeln!(
        std::io::stdout(),
        "{engine:9} {name:34} {n_found:6} rows  p50 {p50:>10.1?}  p95 {p95:>10.1?}"
    )
    .expect("somebody reads");
}
