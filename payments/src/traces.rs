//! Traces: spans that are exported (OTLP), and the W3C trace context that requests to others carry.
//!
//! A span holds numbers, words of closed lists and outcomes: no secret, no address, and nothing of a payer. Spans have a target
//! of their own: the log leaves them out, and without a collector none is recorded.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::PaymentNo;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::{Span, info_span};

pub use crate::store::commit_span::SPAN_TARGET;
use crate::store::commit_span::is_traced;

/// Header of the W3C trace context. `tracestate`, which is other programs' own, is not passed on.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const PAYMENT_NO: &str = "payment.no";
/// Limits the memory for links from callbacks to the requests that opened their payments.
const MAX_OPENED: usize = 4096;
const UNBROKEN: &str = "nothing panics while it holds the opened payments";

/// Spans that opened payments of this process, by payment number, which begins with its time: the first is the oldest.
static OPENED: Mutex<BTreeMap<String, SpanContext>> = Mutex::new(BTreeMap::new());

/// Starts a task that goes on in the trace of its caller.
pub(crate) fn spawn_in_trace<T: Send + 'static>(
    tasks: &TaskTracker,
    verb: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    if is_traced() {
        tasks.spawn(verb.with_current_context())
    } else {
        tasks.spawn(verb)
    }
}

/// Span of what a job does about one payment: a trace of its own.
pub(crate) fn job_span(name: &'static str, payment_no: &PaymentNo) -> Span {
    info_span!(target: SPAN_TARGET, "job", otel.name = name, payment.no = %payment_no)
}

/// Gives a request to another program the trace context of its caller.
pub(crate) fn carry(headers: &mut HeaderMap) {
    let value = Context::map_current(|context| traceparent(context.span().span_context()));
    if let Some(value) = value {
        headers.insert(TRACEPARENT, value);
    }
}

fn traceparent(span: &SpanContext) -> Option<HeaderValue> {
    if !span.is_valid() {
        return None;
    }
    let flags = span.trace_flags().to_u8();
    HeaderValue::from_str(&format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id())).ok()
}

/// Names the payment that the caller's span is about, so that its traces are found by the number.
pub(crate) fn name_payment(payment_no: &str) {
    Context::map_current(|context| {
        if context.has_active_span() {
            let value = payment_no.to_owned();
            context.span().set_attribute(KeyValue::new(PAYMENT_NO, value));
        }
    });
}

/// Like [`name_payment`] for the request that opens it; the callbacks of the payment are linked to its span.
pub(crate) fn open_payment(payment_no: &PaymentNo) {
    if !is_traced() {
        return;
    }
    name_payment(payment_no.as_str());
    let span = Context::map_current(|context| context.span().span_context().clone());
    let mut opened = OPENED.lock().expect(UNBROKEN);
    if opened.len() >= MAX_OPENED {
        opened.pop_first();
    }
    opened.entry(payment_no.as_str().to_owned()).or_insert(span);
}

/// Like [`name_payment`] for a callback. It is a trace of its own: the gateway began it.
pub(crate) fn follow_payment(payment_no: &str) {
    if !is_traced() {
        return;
    }
    name_payment(payment_no);
    let opener = OPENED.lock().expect(UNBROKEN).get(payment_no).cloned();
    if let Some(opener) = opener {
        Context::map_current(|context| context.span().add_link(opener, Vec::new()));
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    use super::*;

    fn span_context(trace: u128, span: u64) -> SpanContext {
        let (trace, span) = (
            TraceId::from_bytes(trace.to_be_bytes()),
            SpanId::from_bytes(span.to_be_bytes()),
        );
        SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default())
    }

    #[test]
    fn a_request_carries_the_trace_of_its_caller_and_nothing_outside_one() {
        let mut headers = HeaderMap::new();
        carry(&mut headers);
        assert!(headers.is_empty());
        let context = Context::new().with_remote_span_context(span_context(0xab, 0xcd));
        let _guard = context.attach();
        carry(&mut headers);
        assert_eq!(
            headers["traceparent"],
            "00-000000000000000000000000000000ab-00000000000000cd-01"
        );
    }

    #[test]
    fn opened_payments_are_kept_within_bounds_and_the_oldest_is_dropped_first() {
        let _guard = Context::new()
            .with_remote_span_context(span_context(1, 2))
            .attach();
        for n in 0..=MAX_OPENED {
            open_payment(&PaymentNo::parse(&format!("P{n:08}")).unwrap());
        }
        let opened = OPENED.lock().unwrap();
        assert_eq!(opened.len(), MAX_OPENED);
        assert!(!opened.contains_key("P00000000"));
        assert!(opened.contains_key(&format!("P{MAX_OPENED:08}")));
    }
}
