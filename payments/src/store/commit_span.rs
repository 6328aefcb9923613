//! Spans of writes in traces that are exported: from the first statement to the commit, with all runs of its work.

use std::pin::Pin;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span, info_span};

use super::Db;

/// Target of the spans that are exported. The log leaves them out, and without a collector none is recorded.
pub const SPAN_TARGET: &str = "otel";

/// Whether the caller is part of a trace.
pub(crate) fn is_traced() -> bool {
    Context::map_current(Context::has_active_span)
}

/// Records a write as a span of its caller's trace. The write is boxed: every verb awaits one, and its state would otherwise be
/// part of each verb's future.
pub(super) fn in_commit_span<F: Future>(db: &Db, write: F) -> Instrumented<Pin<Box<F>>> {
    let span = if is_traced() {
        let engine = match db {
            Db::Sqlite(_) => "sqlite",
            Db::Postgres(_) => "postgresql",
        };
        info_span!(target: SPAN_TARGET, "commit", db.system.name = engine)
    } else {
        Span::none()
    };
    Box::pin(write).instrument(span)
}
