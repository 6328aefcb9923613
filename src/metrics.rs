//! Prometheus metrics, on a listener of their own, so that they are not public.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::get;
use payments::QueueAges;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the buckets, in seconds.
const SECONDS: [&str; 9] = ["0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10"];
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    /// The route, never the path: paths contain secrets and are unbounded.
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobRun {
    job: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queue {
    queue: &'static str,
}

/// Every queue has its series from the start.
const QUEUES: [&str; 5] = ["payments", "refunds", "orders", "webhooks", "statements"];

#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    latency: Histogram,
    job_runs: Family<JobRun, Counter>,
    overdue: Family<Queue, Gauge>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let requests = Family::default();
        let latency = Histogram::new(SECONDS.iter().filter_map(|seconds| seconds.parse().ok()));
        let job_runs = Family::default();
        let mut registry = Registry::with_prefix("tongqian");
        registry.register("http_requests", "Answered requests", requests.clone());
        registry.register(
            "http_request_seconds",
            "Time from request to answer",
            latency.clone(),
        );
        registry.register("job_runs", "Runs of the background jobs", job_runs.clone());
        let overdue = Family::<Queue, Gauge>::default();
        for queue in QUEUES {
            overdue.get_or_create(&Queue { queue }).set(0);
        }
        registry.register("overdue_seconds", "Age of the oldest due row", overdue.clone());
        Metrics {
            registry: Arc::new(registry),
            requests,
            latency,
            job_runs,
            overdue,
        }
    }
}

impl Metrics {
    pub fn count_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = Request {
            method: method.to_owned(),
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        self.latency.observe(took.as_secs_f64());
    }

    pub fn count_job(&self, job: &'static str, is_done: bool) {
        let outcome = if is_done { "done" } else { "failed" };
        self.job_runs.get_or_create(&JobRun { job, outcome }).inc();
    }

    /// Sets the age of the oldest due row of each queue.
    pub fn set_overdue(&self, ages: QueueAges) {
        let set = |queue, age: Duration| {
            let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            self.overdue.get_or_create(&Queue { queue }).set(seconds);
        };
        set("payments", ages.payments);
        set("refunds", ages.refunds);
        set("orders", ages.orders);
    }

    pub fn router(&self) -> Router {
        let registry = Arc::clone(&self.registry);
        Router::new().route(
            "/metrics",
            get(move || async move {
                let mut page = String::new();
                match text::encode(&mut page, &registry) {
                    Ok(()) => ([(header::CONTENT_TYPE, TEXT)], page).into_response(),
                    Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                }
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_has_its_age_from_the_start() {
        let metrics = Metrics::default();
        let ages = QueueAges {
            refunds: Duration::from_secs(90),
            ..QueueAges::default()
        };
        metrics.set_overdue(ages);
        let mut page = String::new();
        text::encode(&mut page, &metrics.registry).unwrap();
        for (queue, seconds) in [
            ("payments", 0),
            ("refunds", 90),
            ("orders", 0),
            ("webhooks", 0),
            ("statements", 0),
        ] {
            let line = format!("tongqian_overdue_seconds{{queue=\"{queue}\"}} {seconds}\n");
            assert!(page.contains(&line), "{page}");
        }
    }
}
