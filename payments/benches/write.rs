//! Durable writes per second with 1 and with 64 callers: `cargo bench -p payments --bench write`.
//!
//! One write is `create_order`: one closure, one inserted row, one answer after the commit. With 64 callers SQLite
//! commits in groups. PostgreSQL is measured where `TEST_DATABASE_URL` names a server.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use domain::Money;
use payments::secrets::Secrets;
use payments::store::Db;
use payments::{Clock, NewOrder, Services};
use sqlx::Connection;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(3);
const CALLERS: [usize; 2] = [1, 64];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let mut engines = vec![(
        "sqlite",
        format!("sqlite://{}/bench.db", directory.path().display()),
    )];
    if let Some(server) = postgres_server() {
        engines.push(("postgres", new_database(&server).await?));
    }
    let mut out = std::io::stdout();
    writeln!(
        out,
        "durable writes per second (create_order), median of {ROUNDS} rounds of {ROUND:?}"
    )?;
    for (name, url) in engines {
        let services = services(&url).await?;
        let mut medians = Vec::new();
        for n_callers in CALLERS {
            let mut rates = Vec::new();
            for _ in 0..ROUNDS {
                rates.push(round(&services, n_callers).await);
            }
            rates.sort_unstable();
            medians.push(rates[ROUNDS / 2]);
            writeln!(
                out,
                "{name:>8}  {n_callers:>2} callers  {:>6}/s",
                rates[ROUNDS / 2]
            )?;
        }
        writeln!(
            out,
            "{name:>8}  64 callers against 1: {}.{:02}x",
            medians[1] / medians[0],
            medians[1] * 100 / medians[0] % 100
        )?;
    }
    Ok(())
}

/// Writes per second with so many callers, each waiting for its answer before it calls again.
async fn round(services: &Services, n_callers: usize) -> u32 {
    let n_written = Arc::new(AtomicU32::new(0));
    let started = Instant::now();
    let callers: Vec<_> = (0..n_callers)
        .map(|_| {
            let (services, n_written) = (services.clone(), Arc::clone(&n_written));
            tokio::spawn(async move {
                while started.elapsed() < ROUND {
                    payments::create_order(&services, order(), None)
                        .await
                        .expect("an order is written");
                    n_written.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no caller panics");
    }
    let millis = u32::try_from(started.elapsed().as_millis()).expect("a round is short");
    n_written.load(Ordering::Relaxed).saturating_mul(1000) / millis
}

fn order() -> NewOrder {
    NewOrder {
        order_no: None,
        user_id: "bench".to_owned(),
        subject: "plan".to_owned(),
        amount: Money::from_fen(9990).expect("a positive amount"),
        return_url: None,
        metadata: None,
        allows_balance: false,
        expires_in: None,
    }
}

async fn services(url: &str) -> Result<Services, Box<dyn std::error::Error>> {
    let db = Db::connect(url).await?;
    Ok(Services::new(db, Clock::System, Secrets::new([7; 32])))
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the benchmark finds PostgreSQL is no setting of the product"
)]
fn postgres_server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

async fn new_database(server: &str) -> Result<String, Box<dyn std::error::Error>> {
    let name = format!("bench_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(server).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await?;
    let (base, _) = server
        .rsplit_once('/')
        .ok_or("TEST_DATABASE_URL has no database")?;
    Ok(format!("{base}/{name}"))
}
