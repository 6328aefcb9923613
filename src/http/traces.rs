//! Spans of requests, for traces.

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use payments::traces::{SPAN_TARGET, TRACEPARENT};
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Span of a request; its parent is the caller's. Health checks, which come every few seconds, have none.
pub fn request_span(method: &'static str, route: &str, id: &str, headers: &HeaderMap) -> Span {
    if route.starts_with("/health/") {
        return Span::none();
    }
    let span = info_span!(
        target: SPAN_TARGET,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        request.id = id,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Caller(headers));
        if let Err(error) = span.set_parent(parent) {
            tracing::debug!(%error, "a request has no place in its caller's trace");
        }
    }
    span
}

/// Records the answer of a request.
pub fn end_request_span(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// The caller's trace context: one `traceparent`. Its `tracestate` is not used, because it is not passed on.
struct Caller<'a>(&'a HeaderMap);

impl Extractor for Caller<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(value), None) if key == TRACEPARENT.as_str() => {
                value.to_str().ok().filter(|text| has_whole_fields(text))
            }
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// Returns whether version, trace, parent and flags have their lengths (W3C Trace Context, 3.2): the propagator takes shorter
/// ones for numbers with zeros in front.
fn has_whole_fields(traceparent: &str) -> bool {
    let lengths = traceparent.split('-').map(str::len).take(4);
    lengths.eq([2, 32, 16, 2])
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;

    use super::*;

    fn parent_of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, value.parse().unwrap());
        }
        let found = TraceContextPropagator::new().extract_with_context(&Context::new(), &Caller(&headers));
        found
            .has_active_span()
            .then(|| found.span().span_context().trace_id().to_string())
    }

    #[test]
    fn a_caller_names_its_trace_by_one_well_formed_header() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(parent_of(&[&good]).as_deref(), Some(TRACE));
        for bad in [
            &[][..],
            &[good.as_str(), good.as_str()],
            &["00-4bf92f-00f067aa0ba902b7-01"],
            &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
            &["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
            &["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["no trace"],
        ] {
            assert_eq!(parent_of(bad), None, "{bad:?}");
        }
    }
}
