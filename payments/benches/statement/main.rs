//! Reconciliation of a day with 300,000 payments: time, processor time and peak memory of a process of its own, for both
//! gateways on both engines: `cargo bench -p payments --bench statement`. `STATEMENT_LINES=…` makes other days.
//!
//! The first run posts all fees, the second one only compares. Both files are read as they are downloaded, packed.

mod day;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use domain::{Channel, Timestamp};
use payments::gateway::Gateways;
use payments::reconciliation::{ReconciliationStatus, StatementSource, reconcile_day};
use payments::secrets::Secrets;
use payments::store::Db;
use payments::{Clock, Services};
use sqlx::Connection as _;

use day::{DATE, MORNING};

#[path = "../../tests/vectors/harness.rs"]
#[expect(dead_code, reason = "the vectors use more of it")]
#[expect(clippy::unwrap_used, reason = "a helper of tests fails with them")]
mod harness;

/// Argument of the process that is measured.
const CHILD: &str = "reconcile";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == CHILD) {
        Some(place) => {
            let [url, channel, file] = &arguments[place + 1..place + 4] else {
                return Err("wanted an address, a gateway and a file".into());
            };
            let channel = Channel::parse(channel).ok_or("no such gateway")?;
            runtime.block_on(measure(url, channel, Path::new(file)))
        }
        None => runtime.block_on(prepare()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a size of the benchmark is no setting of the product"
)]
async fn prepare() -> Result<()> {
    let n_lines = match std::env::var("STATEMENT_LINES") {
        Ok(text) => text.parse()?,
        Err(_) => 300_000,
    };
    let directory = tempfile::tempdir()?;
    let mut engines = vec![(
        "sqlite",
        format!("sqlite://{}/day.db", directory.path().display()),
    )];
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        engines.push(("postgres", new_database(&url).await?));
    }
    for (engine, url) in engines {
        Db::connect(&url).await?.close().await;
        for channel in Channel::ALL {
            day::fill(&url, channel, n_lines).await?;
            let file = directory.path().join(channel.as_str());
            let (trade, funds) = day::files(channel, n_lines)?;
            day::keep_funds(&url, channel, &funds).await?;
            std::fs::write(&file, &trade)?;
            for run in ["first run", "second run"] {
                write!(
                    std::io::stdout(),
                    "{engine:9} {:7} {n_lines} payments, {run}: ",
                    channel.as_str()
                )?;
                std::io::stdout().flush()?;
                let status = Command::new(std::env::current_exe()?)
                    .args([CHILD, url.as_str(), channel.as_str()])
                    .arg(&file)
                    .status()?;
                if !status.success() {
                    return Err("the measured process failed".into());
                }
            }
        }
    }
    Ok(())
}

async fn new_database(url: &str) -> Result<String> {
    let (server, _) = url.rsplit_once('/').ok_or("TEST_DATABASE_URL has no database")?;
    let mut connection = sqlx::PgConnection::connect(url).await?;
    for statement in [
        "drop database if exists statement_bench",
        "create database statement_bench",
    ] {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    Ok(format!("{server}/statement_bench"))
}

/// Reconciles the day in this process, and prints what it took.
async fn measure(url: &str, channel: Channel, file: &Path) -> Result<()> {
    let services = services(url).await?;
    let began = Instant::now();
    let source = StatementSource::File(std::fs::read(file)?);
    let day = reconcile_day(&services, DATE.parse()?, channel, source).await?;
    let took = began.elapsed();
    let (figures, status) = (&day.row.figures, day.row.status);
    let is_right = status == ReconciliationStatus::Matched
        && figures.statement == figures.books
        && figures.fund_net == Some(figures.statement.net());
    if !is_right {
        return Err(format!("{status:?} {:?} {figures:?}", day.row.note).into());
    }
    writeln!(
        std::io::stdout(),
        "{took:>7.1?}, processor {} ms, peak memory {} MB, {} payments matched",
        processor_ms()?,
        peak_kb()? / 1024,
        figures.n_payments
    )?;
    Ok(())
}

async fn services(url: &str) -> Result<Services> {
    let clock = Clock::fixed(Timestamp::from_millis(MORNING), 7);
    let wechat = harness::wechat_settings(&harness::read("b_wechat_callback"), harness::NOWHERE);
    let alipay = harness::alipay_settings(harness::NOWHERE);
    let gateways = Gateways {
        wechat: Some(harness::wechat_at(wechat, clock.now())),
        alipay: Some(harness::alipay_at(alipay)),
    };
    let db = Db::connect(url).await?;
    Ok(Services {
        gateways: Arc::new(gateways),
        ..Services::new(db, clock, Secrets::new([7; 32]))
    })
}

/// Largest resident memory of this process so far.
fn peak_kb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().next());
    Ok(digits.ok_or("no VmHWM")?.parse()?)
}

/// Processor time of this process so far, in user and system mode. A tick of the kernel is 10 ms.
fn processor_ms() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("no name")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |place: usize| -> Result<u64> { Ok(fields.get(place).ok_or("no time")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) * 10)
}
