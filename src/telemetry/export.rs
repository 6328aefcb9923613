//! Export of spans by OTLP/HTTP: in batches, in the background, from a bounded queue. A collector that is slow or down costs
//! spans, and one warning a minute.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, RetryPolicy, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData, SpanExporter,
    SpanLimits, SpanProcessor,
};
use tokio::runtime::Handle;

use crate::Failure;
use crate::config::TraceSettings;

const SETTING: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Limits memory: spans that wait to be sent, of a few hundred bytes each.
const MAX_QUEUE: usize = 4096;
const MAX_BATCH: usize = 512;
const BETWEEN_BATCHES: Duration = Duration::from_secs(2);
/// Limits what is read of a collector's answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);

/// Builds the client for a collector: no redirects, no proxies, and no certificates of authorities where none are needed.
pub fn collector_client(is_secure: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    let builder = if is_secure {
        builder
    } else {
        builder.tls_certs_only([])
    };
    builder.build()
}

/// Starts the export. Nothing is sent before the first span has ended.
pub fn start(settings: &TraceSettings) -> Result<SdkTracerProvider, Failure> {
    let client = collector_client(settings.url.scheme() == "https")
        .map_err(Failure::setting(SETTING, "no secure connections from here"))?;
    let collector = Collector {
        client,
        runtime: Handle::current(),
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(collector)
        .with_endpoint(settings.url.as_str())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(TIMEOUT)
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(Failure::setting(SETTING, "spans cannot be sent there"))?;
    let queue = Arc::new(Queue::default());
    let exporter = CountingExporter {
        inner: exporter,
        queue: Arc::clone(&queue),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(MAX_QUEUE)
        .with_max_export_batch_size(MAX_BATCH)
        .with_scheduled_delay(BETWEEN_BATCHES)
        .build();
    let processor = BoundedProcessor {
        inner: BatchSpanProcessor::builder(exporter)
            .with_batch_config(config)
            .build(),
        queue,
    };
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_limits(SpanLimits::default())
        .with_resource(resource_of(settings))
        .build())
}

fn resource_of(settings: &TraceSettings) -> Resource {
    Resource::builder_empty()
        .with_service_name(settings.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// HTTP client of the exporter, which runs on a thread without a reactor: each request is a task of the server's runtime.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { post(&client, request).await });
        sent.await?
    }
}

async fn post(client: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = client.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err("the answer is too long".into());
        }
        body.extend_from_slice(&chunk);
    }
    let response = Response::builder().status(answer.status());
    Ok(response.body(Bytes::from(body))?)
}

/// Spans that wait to be sent, and those that were lost.
#[derive(Debug, Default)]
struct Queue {
    n_waiting: AtomicUsize,
    n_lost: AtomicUsize,
    warned_at: Mutex<Option<Instant>>,
}

impl Queue {
    /// Takes a place for a span; `false`: there is none, and the span is lost.
    fn enter(&self) -> bool {
        let one_more = |n: usize| (n < MAX_QUEUE).then_some(n + 1);
        let taken = self
            .n_waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        if taken.is_err() {
            self.n_lost.fetch_add(1, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    fn leave(&self, n_spans: usize) {
        self.n_waiting.fetch_sub(n_spans, Ordering::Relaxed);
    }

    /// Returns how many spans were lost since the last warning, when another one is due.
    fn take_lost(&self, now: Instant) -> Option<usize> {
        if self.n_lost.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut warned_at = self.warned_at.lock().ok()?;
        if warned_at.is_some_and(|warned_at| now.duration_since(warned_at) < BETWEEN_WARNINGS) {
            return None;
        }
        *warned_at = Some(now);
        Some(self.n_lost.swap(0, Ordering::Relaxed))
    }
}

/// Drops spans when the queue is full, and counts them.
#[derive(Debug)]
struct BoundedProcessor {
    inner: BatchSpanProcessor,
    queue: Arc<Queue>,
}

impl SpanProcessor for BoundedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.queue.enter() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Warns of lost spans, once a minute.
#[derive(Debug)]
struct CountingExporter {
    inner: opentelemetry_otlp::SpanExporter,
    queue: Arc<Queue>,
}

impl SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let n_spans = batch.len();
        self.queue.leave(n_spans);
        let outcome = self.inner.export(batch).await;
        let reason = match &outcome {
            Ok(()) => "the queue was full".to_owned(),
            Err(error) => {
                self.queue.n_lost.fetch_add(n_spans, Ordering::Relaxed);
                error.to_string()
            }
        };
        if let Some(n_lost) = self.queue.take_lost(Instant::now()) {
            tracing::warn!(
                n_lost,
                reason,
                "{n_lost} spans were not taken by the collector of {SETTING}: {reason}"
            );
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_loses_spans_and_warns_once_a_minute() {
        let queue = Queue::default();
        for _ in 0..MAX_QUEUE {
            assert!(queue.enter());
        }
        let now = Instant::now();
        assert_eq!(queue.take_lost(now), None);
        assert!(!queue.enter() && !queue.enter());
        assert_eq!(queue.take_lost(now), Some(2));
        assert!(!queue.enter());
        assert_eq!(queue.take_lost(now + BETWEEN_WARNINGS / 2), None);
        assert_eq!(queue.take_lost(now + BETWEEN_WARNINGS), Some(1));
        queue.leave(MAX_BATCH);
        assert!(queue.enter());
    }
}
