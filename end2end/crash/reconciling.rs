//! The reconciliation of a day, killed at every crash point on its way and run again: as if it had run once.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use domain::{Method, Money, Payment};
use payments::faults::STATEMENT_CRASH_POINTS;
use payments::{Clock, Policy, RefundRequest, Requester};
use simulator::WechatKeys;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::shop::{Engine, Shop, engines, new_database};
use crate::stage::number;

/// Crash points of every write and of every call.
const SHARED_POINTS: [&str; 5] = [
    "store.before_write",
    "store.before_commit",
    "store.after_write",
    "gateway.before_call",
    "gateway.after_call",
];
/// The key that the shop encrypts its secrets with.
const SECRETS_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";
const AT_ONCE: usize = 4;
const HITS: [u32; 8] = [1, 2, 3, 5, 8, 13, 21, 34];
/// Longer than the lease of a day that [`Past::command`] sets.
const LEASE: Duration = Duration::from_millis(1_200);

/// Queries for the rows that a run writes, without times and leases. No other row of the books may change.
const TRACES: [&str; 6] = [
    "select day || ' ' || channel || ' ' || status || ' ' || cast(statement_payments as text) || ' '
        || cast(statement_refunds as text) || ' ' || cast(statement_fees as text) || ' ' || cast(book_payments as text)
        || ' ' || cast(book_refunds as text) || ' ' || cast(book_fees as text) || ' ' || cast(fund_net as text)
        from reconciliations where status <> 'pending' order by 1",
    "select journal || ' ' || account || ' ' || cast(amount as text) || ' ' || day from fee_entries order by 1",
    "select type || ' ' || cast(count(*) as text) from events group by type order by 1",
    "select day || ' ' || channel || ' ' || kind from statements order by 1",
    "select payment_no || ' ' || state || ' ' || coalesce(transaction_id, '') from payments order by 1",
    "select journal || ' ' || account || ' ' || cast(amount as text) from entries order by 1",
];

/// A shop that sold two days ago, and whose gateways live in the present.
struct Past {
    shop: Shop,
    day: NaiveDate,
    dir: TempDir,
    engine: Engine,
}

impl Past {
    async fn make(engine: Engine) -> Past {
        let dir = TempDir::new().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}/past.db", dir.path().display()),
            Engine::Postgres => new_database().await,
        };
        let today: NaiveDate = payments::beijing(Clock::System.now())[..10].parse().unwrap();
        let day = today - Days::new(2);
        let opening = payments::parse_rfc3339(&format!("{day}T02:00:00Z")).unwrap();
        let own = TempDir::new().unwrap();
        let shop = Shop::open_at(url, own, opening, WechatKeys::PublicKey, Policy::default()).await;
        let mut past = Past {
            shop,
            day,
            dir,
            engine,
        };
        for method in [Method::Wechat, Method::Alipay] {
            past.paid(method, "20.00").await;
            let payment = past.paid(method, "49.90").await;
            past.refund(&payment).await;
        }
        past.shop.pass(Duration::from_mins(1)).await;
        for method in [Method::Wechat, Method::Alipay] {
            let order = past.shop.order("30.00").await;
            let payment = past.shop.start(&order, method).await;
            let prompt = payment.prompt.unwrap();
            past.shop.sim.pay_silently(&prompt).await.unwrap();
        }
        past.shop.close().await;
        past.shop.services.db.close().await;
        past
    }

    async fn paid(&self, method: Method, yuan: &str) -> Payment {
        let order = self.shop.order(yuan).await;
        let payment = self.shop.start(&order, method).await;
        self.shop.scan_and_pay(&payment).await;
        payment
    }

    async fn refund(&self, payment: &Payment) {
        let request = RefundRequest {
            payment_id: payment.id.clone(),
            amount: Some(Money::parse_yuan("9.90").unwrap()),
            reason: "不想要了".to_owned(),
            refund_no: None,
            by: Requester::Rule,
        };
        payments::request_refund(&self.shop.services, request, None)
            .await
            .unwrap();
    }

    /// A copy of the database, to be used once.
    async fn copy(&self, name: &str) -> (String, PathBuf) {
        let dir = self.dir.path().join(name.replace([':', '.'], "_"));
        std::fs::create_dir(&dir).unwrap();
        let original = self.shop.database();
        match self.engine {
            Engine::Sqlite => {
                std::fs::copy(self.dir.path().join("past.db"), dir.join("past.db")).unwrap();
                (format!("sqlite://{}/past.db", dir.display()), dir)
            }
            Engine::Postgres => {
                let (server, template) = original.rsplit_once('/').unwrap();
                let copy = format!("{template}_{}", name.replace([':', '.'], "_"));
                let mut connection = sqlx::PgConnection::connect(&format!("{server}/postgres"))
                    .await
                    .unwrap();
                let statement = format!("create database {copy} template {template}");
                connection.execute(AssertSqlSafe(statement)).await.unwrap();
                (format!("{server}/{copy}"), dir)
            }
        }
    }

    async fn command(&self, url: &str, dir: &Path, args: &[&str], crash_at: Option<&str>) -> Output {
        let behind = Clock::System.now().millis() - self.shop.sim.now_ms();
        self.shop.sim.advance(behind).await;
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tongqian"));
        command
            .env_clear()
            .current_dir(dir)
            .args(args)
            .envs(self.shop.sim.credentials().env_lines(&self.shop.sim.base_url()))
            .envs([
                ("GATEWAYS", "live"),
                ("DATABASE_URL", url),
                ("PUBLIC_URL", "http://127.0.0.1:3000"),
                ("STATEMENTS_CRON", "* * * * * *"),
                ("SECRETS_KEY", SECRETS_KEY),
                ("LEASE_MS", "1000"),
                ("LOG", "off"),
            ]);
        if let Some(point) = crash_at {
            command.env("CRASH_AT", point);
        }
        command.output().await.unwrap()
    }

    /// Runs the command until it is done, the first time with a crash point. Returns what it left behind, and whether it
    /// died.
    async fn walk(&self, point: Option<&str>) -> (Vec<String>, bool) {
        let (url, dir) = self.copy(point.unwrap_or("whole")).await;
        let day = self.day.to_string();
        let by_hand = ["reconcile", "--day", &day];
        let first = self.command(&url, &dir, &by_hand, point).await;
        let has_died = first.status.code().is_none();
        let said = String::from_utf8_lossy(&first.stdout).into_owned();
        assert!(has_died || first.status.success(), "{point:?}: {said}");
        // Once more after the end: that changes nothing.
        for _ in 0..2 {
            let again = self.command(&url, &dir, &by_hand, None).await;
            assert!(
                again.status.success(),
                "{point:?}: {}",
                String::from_utf8_lossy(&again.stdout)
            );
        }
        self.audit(&url, &dir).await;
        (traces(&url).await, has_died)
    }

    /// The same by the job, whose claim the dead process leaves behind.
    async fn walk_as_job(&self, point: Option<&str>) -> (Vec<String>, bool) {
        let name = format!("job_{}", point.unwrap_or("whole"));
        let (url, dir) = self.copy(&name).await;
        let first = self.command(&url, &dir, &["run-due"], point).await;
        let has_died = first.status.code().is_none();
        assert!(has_died || first.status.success(), "{point:?}");
        if has_died {
            tokio::time::sleep(LEASE).await;
        }
        for _ in 0..2 {
            let again = self.command(&url, &dir, &["run-due"], None).await;
            assert!(again.status.success(), "{point:?}");
        }
        self.audit(&url, &dir).await;
        (traces(&url).await, has_died)
    }

    async fn audit(&self, url: &str, dir: &Path) {
        let audit = self.command(url, dir, &["audit"], None).await;
        assert!(
            audit.status.success(),
            "{}",
            String::from_utf8_lossy(&audit.stdout)
        );
    }
}

async fn traces(url: &str) -> Vec<String> {
    let mut all = Vec::new();
    for sql in TRACES {
        let rows: Vec<(String,)> = if url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
            sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
        } else {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
        };
        all.extend(rows.into_iter().map(|(row,)| row));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconciliation_may_die_at_every_point() {
    let started = Instant::now();
    let n_hits = usize::try_from(number("CRASH_HITS", 5)).unwrap();
    let (mut n_walks, mut n_deaths) = (0, 0);
    for engine in engines() {
        let past = Arc::new(Past::make(engine).await);
        let whole = past.walk(None).await.0;
        let whole_as_job = past.walk_as_job(None).await.0;
        let n_paid = whole.iter().filter(|row| row.contains(" paid ")).count();
        assert_eq!(n_paid, 6, "{whole:#?}");
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut walks = JoinSet::new();
        let of_statements = STATEMENT_CRASH_POINTS.iter().map(|point| (point, 2));
        let shared = SHARED_POINTS.iter().map(|point| (point, n_hits));
        for (point, n_hits) in of_statements.chain(shared) {
            for hit in HITS.into_iter().take(n_hits) {
                let (past, turns) = (Arc::clone(&past), Arc::clone(&turns));
                let is_job = *point == "statements.after_claim";
                walks.spawn(async move {
                    let _turn = turns.acquire_owned().await.unwrap();
                    let name = format!("{point}:{hit}");
                    let walk = if is_job {
                        past.walk_as_job(Some(&name)).await
                    } else {
                        past.walk(Some(&name)).await
                    };
                    (name, is_job, walk)
                });
            }
        }
        while let Some(walk) = walks.join_next().await {
            let (name, is_job, (left, has_died)) = walk.unwrap();
            n_walks += 1;
            n_deaths += u32::from(has_died);
            assert!(
                has_died || !name.ends_with(":1"),
                "no reconciliation passes {name}"
            );
            let expected = if is_job { &whole_as_job } else { &whole };
            assert_eq!(&left, expected, "{engine:?} {name}");
        }
    }
    println!(
        "{n_walks} reconciliations, {n_deaths} deaths, nothing lost, nothing twice, in {:?}",
        started.elapsed()
    );
}
