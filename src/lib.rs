//! The server: HTTP, settings and jobs around the core.
//!
//! Rules of payments are in `domain` and `payments`; here are addresses, formats and limits.

mod api_limits;
mod backup;
mod bootstrap;
mod bundle;
pub mod command_line;
pub mod commands;
pub mod config;
mod demo_shop;
mod descriptors;
pub mod doctor;
mod gateways;
mod http;
mod jobs;
mod last_change;
mod listen;
mod merchants;
mod metrics;
mod os_user;
mod password;
mod proxies;
mod readiness;
mod secrets;
mod site;
mod start_report;
mod stop;
pub mod telemetry;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use payments::gateway::Gateways;
use payments::secrets::Secrets;
use payments::store::lock::{DatabaseLock, LockError};
use payments::store::{Db, StoreError};
use payments::{Clock, Services};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::time::Instant;

pub use crate::http::console_table;

use crate::config::{Config, ConfigError, PublicUrl};
use crate::stop::Stop;

/// Version, commit and features, one line each; the first line of `tongqian --version`.
pub const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit ",
    env!("TONGQIAN_COMMIT"),
    "\nfeatures ",
    env!("TONGQIAN_FEATURES")
);

/// Time for running requests and jobs to finish after the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reasons for which a command fails.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{what}: {source}")]
    Io {
        what: String,
        #[source]
        source: std::io::Error,
    },
    /// A setting that may be right but cannot be satisfied now.
    #[error("{setting}: {what}")]
    Setting {
        setting: &'static str,
        what: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(transparent)]
    Core(#[from] payments::Error),
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// Returns 2 for what the operator must change before it can work, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Config(_) => 2,
            Failure::Io { .. } | Failure::Setting { .. } | Failure::Core(_) | Failure::Refused(_) => 1,
        }
    }

    fn setting<E>(setting: &'static str, what: impl Into<String>) -> impl FnOnce(E) -> Failure
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let what = what.into();
        move |source| Failure::Setting {
            setting,
            what,
            source: source.into(),
        }
    }

    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Failure {
        let what = what.into();
        move |source| Failure::Io { what, source }
    }
}

/// Runs the server until it is told to stop.
pub async fn serve(config: Config) -> Result<(), Failure> {
    let n_descriptors = descriptors::raise_limit();
    let listener = bind_listener("LISTEN", config.listen)?;
    let address = listener
        .local_addr()
        .map_err(Failure::io("the listener has no address"))?;
    let public_url = config
        .public_url
        .clone()
        .unwrap_or_else(|| PublicUrl::of(address));
    // Before the simulator, which keeps its keys beside the database: a wrong path must be reported as the database's.
    let _lock = lock_database(&config)?;
    let db = open_database(&config).await?;
    merchants::stamp_database(&config, &without_secrets(&config, db.clone())).await?;
    let links = gateways::link(&config, &public_url).await?;
    let services = build_services(&config, db, links.gateways, &public_url).await?;
    let welcome = bootstrap::first_start(&config, &services).await?;
    let findings = doctor::log_findings(&config, &public_url);
    let (stopper, stop) = Stop::new();
    let demo = match &links.simulator {
        Some(simulator) => Some((simulator, demo_shop::start(&services, stop.clone()).await?)),
        None => None,
    };
    let site = Arc::new(site::SiteConfig::new(
        &config,
        public_url.clone(),
        findings,
        &services,
        demo.as_ref()
            .map(|(simulator, program)| (*simulator, &program.shop)),
    ));

    let limits = api_limits::ApiLimits::new(config.api_rate, config.api_stranger_rate);
    let streams = http::EventStreams::new(config.event_stream_life);
    let web = http::Web::new(services.clone(), site, limits, streams, stop.clone());
    let metrics = spawn_metrics(&config, &web, stop.clone()).await?;
    payments::enter_service(&services).await?;
    let last_change = last_change::LastChangeFile::of(&config);
    if let Some(file) = &last_change {
        file.check(&services).await?;
    }
    let jobs = jobs::start(
        &services,
        &config,
        &web.metrics,
        last_change.clone(),
        stop.clone(),
    )
    .await?;
    say(&format!("Tongqian listens on http://{address}"));
    if let Some(simulator) = &links.simulator {
        say(&format!("Simulated wallet at {}", simulator.wallet_url()));
        say(&start_report::console_line(&public_url));
    }
    for line in start_report::live_lines(&config, &public_url) {
        say(&line);
    }
    if let Some(metrics) = &metrics {
        say(&format!("Metrics at http://{}/metrics", metrics.address));
    }
    welcome.print();

    let signal = tokio::spawn(async move {
        stop::signal().await;
        tracing::info!("stopping");
        stopper.stop();
    });
    let ending = stop.clone();
    let finish_jobs = async {
        ending.asked().await;
        let deadline = Instant::now() + PATIENCE;
        tokio::join!(
            wait_until(deadline, "a job", jobs.finish()),
            wait_until(deadline, "a delivery", services.outbox.finish())
        );
        deadline
    };
    let connections = connection_limits(&config, n_descriptors);
    let ((), deadline) = tokio::join!(
        listen::serve(listener, http::router(web), connections, stop, PATIENCE),
        finish_jobs
    );
    // The clients of some requests have left.
    wait_until(deadline, "a request", payments::finish_verbs()).await;
    signal.abort();
    if let Some(metrics) = metrics {
        metrics.task.abort();
    }
    if let Some((_, program)) = demo {
        program.task.abort();
    }
    if let Some(simulator) = links.simulator {
        simulator.stop().await;
    }
    payments::try_to_write_calls(&services).await;
    if let Some(file) = &last_change {
        file.remember(&services).await;
    }
    if let Err(error) = payments::leave_service(&services).await {
        tracing::warn!(
            error = telemetry::chain(&error),
            "leases of this server end by themselves"
        );
    }
    services.db.close().await;
    Ok(())
}

/// Waits for work to end, until the deadline at the latest.
async fn wait_until(deadline: Instant, what: &str, end: impl Future<Output = ()>) {
    if tokio::time::timeout_at(deadline, end).await.is_err() {
        tracing::warn!("{what} did not finish in time: what it worked on begins anew");
    }
}

/// Locks an embedded database against a second server until this one ends.
fn lock_database(config: &Config) -> Result<Option<DatabaseLock>, Failure> {
    let url = config.database_url.expose_secret();
    bootstrap::make_directory_of(url)?;
    DatabaseLock::take(url).map_err(|error| match error {
        LockError::InUse(_) => Failure::Refused(format!("DATABASE_URL: {error}")),
        error @ LockError::Io { .. } => {
            Failure::setting("DATABASE_URL", "the database cannot be opened")(error)
        }
    })
}

/// Connects the core without a server, for the other commands.
pub(crate) async fn connect(config: &Config, gateways: Gateways) -> Result<Services, Failure> {
    let db = open_database(config).await?;
    build_services(config, db, gateways, &config.base_url()).await
}

async fn open_database(config: &Config) -> Result<Db, Failure> {
    let url = config.database_url.expose_secret();
    bootstrap::make_directory_of(url)?;
    Db::connect(url).await.map_err(database_failure)
}

fn database_failure(error: StoreError) -> Failure {
    match error {
        StoreError::NotDurable(_) | StoreError::Engine => {
            Failure::Config(ConfigError::new("DATABASE_URL", error.to_string()))
        }
        error if error.is_bad_address() => Failure::Config(ConfigError::new(
            "DATABASE_URL",
            "is not the address of a SQLite file or of a PostgreSQL database",
        )),
        error => Failure::setting("DATABASE_URL", "the database cannot be opened")(error),
    }
}

/// Opens the core with the key of its secrets, and encrypts secrets that an older version stored plain.
async fn build_services(
    config: &Config,
    db: Db,
    gateways: Gateways,
    public_url: &PublicUrl,
) -> Result<Services, Failure> {
    let key = secrets::load(config, &db).await?;
    let services = services_on(config, db, gateways, key, public_url);
    secrets::check(&services).await?;
    Ok(services)
}

/// Connects without repairing missing constraints and triggers, so that the audit can report them.
pub(crate) async fn connect_to_audit(config: &Config, url: &str) -> Result<Services, Failure> {
    let db = Db::connect_to_audit(url).await.map_err(database_failure)?;
    Ok(without_secrets(config, db))
}

/// The core without gateways, with a random key, for work that decrypts no secret.
fn without_secrets(config: &Config, db: Db) -> Services {
    let key = Secrets::new(Clock::System.entropy());
    services_on(config, db, Gateways::default(), key, &config.base_url())
}

fn services_on(
    config: &Config,
    db: Db,
    gateways: Gateways,
    secrets: Secrets,
    public_url: &PublicUrl,
) -> Services {
    let services = Services::new(db, Clock::System, secrets);
    Services {
        gateways: Arc::new(gateways.counted_in(&services.metrics)),
        policy: config.policy,
        outbox: payments::Outbox::new(public_url.as_str(), config.webhooks.guard())
            .with_robots(config.robots.clone()),
        ..services
    }
}

fn bind_listener(setting: &'static str, address: std::net::SocketAddr) -> Result<TcpListener, Failure> {
    listen::bind(address).map_err(Failure::setting(setting, format!("cannot listen on {address}")))
}

fn connection_limits(config: &Config, n_descriptors: usize) -> listen::Limits {
    let max_connections = descriptors::bound_connections(config.max_connections, n_descriptors);
    if max_connections < config.max_connections {
        tracing::warn!(
            max_connections,
            n_descriptors,
            "{n_descriptors} file descriptors are enough for {max_connections} connections; raise the limit (ulimit -n)"
        );
    }
    listen::Limits {
        max_connections,
        proxies: config.trusted_proxies.clone(),
        has_reserved_seat: http::has_reserved_seat,
    }
}

struct MetricsListener {
    address: std::net::SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

async fn spawn_metrics(
    config: &Config,
    web: &http::Web,
    stop: Stop,
) -> Result<Option<MetricsListener>, Failure> {
    let Some(address) = config.metrics_listen else {
        return Ok(None);
    };
    let listener = bind_listener("METRICS_LISTEN", address)?;
    let address = listener
        .local_addr()
        .map_err(Failure::io("the listener has no address"))?;
    let router = web.metrics.router(web.services.clone());
    let task = tokio::spawn(async move {
        listen::serve(
            listener,
            router,
            listen::Limits::of_one_client(),
            stop,
            Duration::ZERO,
        )
        .await
    });
    Ok(Some(MetricsListener { address, task }))
}

/// Prints a line on standard output, which people and scripts read; logs go to standard error.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A pipe closed after the first line is no reason to die.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("standard output is closed");
    }
}
