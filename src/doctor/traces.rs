//! Collector of traces: whether it takes them.

use super::Report;
use crate::config::Config;
use crate::telemetry::{chain, collector_client};

const NAME: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Port of OTLP over gRPC by convention, which is not spoken here.
const GRPC_PORT: u16 = 4317;

/// Sends an export without spans, which a collector acknowledges.
pub async fn check_collector(config: &Config, report: &mut Report) {
    let Some(settings) = &config.traces else { return };
    let url = &settings.url;
    let client = match collector_client(url.scheme() == "https") {
        Ok(client) => client,
        Err(error) => return report.warn(NAME, format!("was not asked: {error}")),
    };
    let request = client
        .post(url.clone())
        .header("content-type", "application/x-protobuf");
    let hint = if url.port() == Some(GRPC_PORT) {
        "; port 4317 is usually OTLP/gRPC, and OTLP/HTTP has 4318"
    } else {
        ""
    };
    match request.send().await {
        Ok(answer) if answer.status().is_success() => report.ok(NAME, format!("{url} takes traces")),
        Ok(answer) => report.warn(
            NAME,
            format!("{url} answers {}: traces are lost{hint}", answer.status()),
        ),
        Err(error) => report.warn(
            NAME,
            format!("is not reached, traces are lost: {}{hint}", chain(&error)),
        ),
    }
}
