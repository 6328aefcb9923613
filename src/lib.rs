//! The server: how the outside reaches the core.
//!
//! What a payment is and when it is paid is decided in `domain` and `payments`; here are addresses, formats and limits.

mod api_limits;
mod bootstrap;
pub mod commands;
pub mod config;
mod gateways;
mod http;
mod jobs;
mod listen;
mod metrics;
mod password;
mod proxies;
mod site;
mod stop;
pub mod telemetry;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use payments::store::{Db, StoreError};
use payments::{Clock, Services};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;

pub use crate::http::console_table;

use crate::config::{Config, ConfigError, PublicUrl};
use crate::stop::Stop;

/// How long running requests and jobs may go on after the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a command did not do its work.
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
    #[error(transparent)]
    Core(#[from] payments::Error),
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// 2 for what the operator must change before it can work, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Config(_) => 2,
            Failure::Io { .. } | Failure::Core(_) | Failure::Refused(_) => 1,
        }
    }

    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Failure {
        let what = what.into();
        move |source| Failure::Io { what, source }
    }
}

/// Runs the server until it is told to stop.
pub async fn serve(config: Config) -> Result<(), Failure> {
    let listener = bind(config.listen).await?;
    let address = listener
        .local_addr()
        .map_err(Failure::io("the listener has no address"))?;
    let public_url = config
        .public_url
        .clone()
        .unwrap_or_else(|| PublicUrl::of(address));
    let links = gateways::link(&config, &public_url).await?;
    let services = connect(&config, links.gateways).await?;
    let welcome = bootstrap::first_start(&config, &services).await?;
    password::prepare(services.clock.nonce()).await?;
    let site = Arc::new(site::Site::new(
        &config,
        public_url,
        &services,
        links.simulator.as_ref(),
    ));

    let (stopper, stop) = Stop::new();
    let limits = api_limits::ApiLimits::new(config.api_rate, config.api_stranger_rate);
    let web = http::Web::new(services.clone(), site, limits, stop.clone());
    let metrics = spawn_metrics(&config, &web, stop.clone()).await?;
    let jobs = jobs::start(&services, &config, &web.metrics, stop.clone()).await?;
    say(&format!("Tongqian listens on http://{address}"));
    if let Some(simulator) = &links.simulator {
        say(&format!("Simulated wallet at {}", simulator.wallet_url()));
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
        jobs.finish(PATIENCE).await;
    };
    tokio::join!(
        listen::serve(listener, http::router(web), stop, PATIENCE),
        finish_jobs
    );
    signal.abort();
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    if let Some(simulator) = links.simulator {
        simulator.stop().await;
    }
    payments::try_to_write_calls(&services).await;
    services.db.close().await;
    Ok(())
}

/// The core without a server: what the other commands work with.
pub(crate) async fn connect(
    config: &Config,
    gateways: payments::gateway::Gateways,
) -> Result<Services, Failure> {
    let url = config.database_url.expose_secret();
    bootstrap::make_directory_of(url)?;
    services_on(config, Db::connect(url).await, gateways)
}

/// What should guard the database and is missing stays missing, for the audit to find.
pub(crate) async fn connect_to_audit(config: &Config) -> Result<Services, Failure> {
    let url = config.database_url.expose_secret();
    services_on(
        config,
        Db::connect_to_audit(url).await,
        payments::gateway::Gateways::default(),
    )
}

fn services_on(
    config: &Config,
    db: Result<Db, StoreError>,
    gateways: payments::gateway::Gateways,
) -> Result<Services, Failure> {
    Ok(Services {
        db: db.map_err(|error| match error {
            StoreError::NotDurable(_) => Failure::Config(ConfigError::new("DATABASE_URL", error.to_string())),
            error => Failure::Core(payments::Error::Internal(error)),
        })?,
        gateways: Arc::new(gateways),
        clock: Clock::System,
        wake: payments::Wake::default(),
        watchers: payments::Watchers::default(),
        policy: config.policy,
    })
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(Failure::io(format!("cannot listen on {address}")))
}

async fn spawn_metrics(
    config: &Config,
    web: &http::Web,
    stop: Stop,
) -> Result<Option<tokio::task::JoinHandle<()>>, Failure> {
    let Some(address) = config.metrics_listen else {
        return Ok(None);
    };
    let listener = bind(address).await?;
    let address = listener
        .local_addr()
        .map_err(Failure::io("the listener has no address"))?;
    tracing::info!(%address, "metrics at http://{address}/metrics");
    let router = web.metrics.router();
    Ok(Some(tokio::spawn(async move {
        listen::serve(listener, router, stop, Duration::ZERO).await
    })))
}

/// Standard output is for what people and scripts read; logs go to standard error.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever started us may have closed the pipe after the first line: no reason to die.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads standard output");
    }
}
