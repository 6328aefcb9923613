//! Prometheus metrics, on a listener of their own, so that they are not public.

mod text;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use payments::Services;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::text::plain_text;
use crate::telemetry;

/// Upper ends of the buckets, in milliseconds.
const BUCKETS: [u64; 9] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000];
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// A database that does not answer must not hide the counters: the gauges then show what was read last.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    /// The route, never the path: paths contain secrets and are unbounded.
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobRun {
    job: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabel {
    version: &'static str,
}

#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    duration: Family<RouteLabel, Histogram>,
    job_runs: Family<JobRun, Counter>,
}

impl Metrics {
    /// Series of the server beside those of the core.
    pub fn new(core: &payments::Metrics) -> Metrics {
        let mut registry = Registry::with_prefix("tongqian");
        core.register(&mut registry);
        let requests = Family::default();
        let duration: Family<RouteLabel, Histogram> = Family::new_with_constructor(route_histogram);
        let job_runs = Family::default();
        let build = Family::<BuildLabel, Gauge>::default();
        registry.register("http_requests", "Answered requests", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request to its answer",
            duration.clone(),
        );
        registry.register("job_runs", "Runs of the background jobs", job_runs.clone());
        registry.register("build_info", "Version of the server", build.clone());
        let version = env!("CARGO_PKG_VERSION");
        build.get_or_create(&BuildLabel { version }).set(1);
        Metrics {
            registry: Arc::new(registry),
            requests,
            duration,
            job_runs,
        }
    }

    pub fn count_request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            route: route.to_owned(),
            method,
            status,
        };
        self.requests.get_or_create(&labels).inc();
        let RequestLabels { route, .. } = labels;
        self.duration
            .get_or_create(&RouteLabel { route })
            .observe(took.as_secs_f64());
    }

    pub fn count_job(&self, job: &'static str, is_done: bool) {
        let outcome = if is_done { "done" } else { "failed" };
        self.job_runs.get_or_create(&JobRun { job, outcome }).inc();
    }

    pub fn router(&self, services: Services) -> Router {
        let registry = Arc::clone(&self.registry);
        Router::new().route(
            "/metrics",
            get(async move |headers: HeaderMap| {
                refresh_gauges(&services).await;
                write_page(&registry, &headers)
            }),
        )
    }
}

fn route_histogram() -> Histogram {
    Histogram::new(
        BUCKETS
            .iter()
            .map(|end| Duration::from_millis(*end).as_secs_f64()),
    )
}

async fn refresh_gauges(services: &Services) {
    match tokio::time::timeout(PATIENCE, payments::refresh_gauges(services)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(error = telemetry::chain(&error), "the gauges were not read"),
        Err(_) => tracing::warn!("the gauges were not read: the database takes too long to answer"),
    }
}

/// OpenMetrics for a scraper that asks for it, the older text format for everything else.
fn write_page(registry: &Registry, headers: &HeaderMap) -> Response {
    let mut page = String::new();
    if prometheus_client::encoding::text::encode(&mut page, registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let takes_open_metrics = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/openmetrics-text"));
    if takes_open_metrics {
        ([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response()
    } else {
        ([(header::CONTENT_TYPE, PLAIN)], plain_text(&page)).into_response()
    }
}
