//! Everything that outlives the servers: a database, and the gateways with their books.

use std::sync::atomic::{AtomicU32, Ordering};

use simulator::Simulator;
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

use super::receiver::{Receiver, SECRET};
use super::server::{API_KEY, Server, Setup, free_port};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub struct Stage {
    pub sim: Simulator,
    pub dir: TempDir,
    pub receiver: Receiver,
    database: String,
    webhook_url: String,
}

/// Returns the engines that are available for tests.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    engines.extend(test_server().map(|_| Engine::Postgres));
    engines
}

/// Reads a number of the tests, which is no setting of the product.
pub fn number(name: &str, default: u32) -> u32 {
    variable(name).map_or(default, |text| text.parse().unwrap())
}

fn variable(wanted: &str) -> Option<String> {
    std::env::vars().find_map(|(name, value)| (name == wanted && !value.is_empty()).then_some(value))
}

fn test_server() -> Option<String> {
    variable("TEST_DATABASE_URL")
}

async fn new_database() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let server = test_server().unwrap();
    let name = format!(
        "crash_{}_{}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::SeqCst)
    );
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    let statement = format!("create database {name}");
    connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

impl Stage {
    pub async fn on(engine: Engine) -> Stage {
        let dir = tempfile::tempdir().unwrap();
        let database = match engine {
            Engine::Sqlite => format!("sqlite://{}/shop.db", dir.path().display()),
            Engine::Postgres => new_database().await,
        };
        let sim = Simulator::start(simulator::Settings::default()).await.unwrap();
        sim.set_refund_delay_ms(200);
        let receiver = Receiver::default();
        let webhook_url = receiver.listen().await;
        Stage {
            sim,
            dir,
            receiver,
            database,
            webhook_url,
        }
    }

    pub async fn server(&self, crash_at: Option<String>) -> Server {
        self.server_with(&[], crash_at).await
    }

    /// With settings that differ from those of the other tests.
    pub async fn server_with(&self, other: &[(&str, &str)], crash_at: Option<String>) -> Server {
        let port = free_port();
        let mut settings = self.sim.credentials().env_lines(&self.sim.base_url());
        let own = [
            ("API_KEY", API_KEY),
            ("GATEWAYS", "live"),
            ("DATABASE_URL", &self.database),
            ("PUBLIC_URL", &format!("http://127.0.0.1:{port}")),
            ("RECONCILE_CRON", "* * * * * *"),
            ("EXPIRY_CRON", "* * * * * *"),
            ("LEASE_MS", "1500"),
            ("WEBHOOK_URL", &self.webhook_url),
            ("WEBHOOK_SECRET", SECRET),
            ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
            ("LOG", "off"),
        ];
        let all = own.iter().chain(other);
        settings.extend(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let setup = Setup {
            dir: self.dir.path().to_owned(),
            settings,
            port,
        };
        Server::start(setup, crash_at).await
    }

    /// Every invariant of the books, as an operator asks for them.
    pub async fn audit(&self) {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_tongqian"))
            .arg("audit")
            .env_clear()
            .current_dir(self.dir.path())
            .env("DATABASE_URL", &self.database)
            .output()
            .await
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}
