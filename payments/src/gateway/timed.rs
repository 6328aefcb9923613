//! Time and end of each call to a gateway: what the breaker and the metrics are told.

use std::time::Duration;

use futures_util::future::BoxFuture;

use domain::{Channel, PaymentNo};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::bill::BillError;
use super::breaker::Circuit;
use super::{Gateway, GatewayError};
use crate::traces::SPAN_TARGET;
use crate::{CallOutcome, GatewayOperation, Metrics};

impl Gateway {
    /// A call whose time and end tell the breaker whether the gateway answers. On the heap, because every verb that may end in
    /// a call would carry the largest of them.
    pub(super) async fn timed<T>(
        &self,
        operation: GatewayOperation,
        payment_no: &PaymentNo,
        call: BoxFuture<'_, Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let span = gateway_span(self.channel(), operation, payment_no);
        let begun_at = self.clock().monotonic();
        let said = call.instrument(span.clone()).await;
        let now = self.clock().monotonic();
        let took = now.saturating_sub(begun_at);
        let is_answer = !matches!(
            said,
            Err(GatewayError::Unknown { .. } | GatewayError::RetrySame { .. })
        );
        let circuit = match operation {
            GatewayOperation::Create => Circuit::Creates,
            _ => Circuit::Others,
        };
        self.breaker().note(circuit, is_answer, took, now);
        let outcome = outcome_of(&said);
        end_gateway_span(&span, outcome);
        self.count(operation, outcome, took);
        said
    }

    /// A bill is a file that only a job waits for: how long it takes says nothing to the breaker.
    pub(super) async fn timed_bill<T>(
        &self,
        call: BoxFuture<'_, Result<T, BillError>>,
    ) -> Result<T, BillError> {
        let begun_at = self.clock().monotonic();
        let said = call.await;
        let took = self.clock().monotonic().saturating_sub(begun_at);
        let outcome = match &said {
            Ok(_) => CallOutcome::Ok,
            Err(BillError::Empty | BillError::NotReady) => CallOutcome::Declined,
            Err(BillError::Unreadable(_)) => CallOutcome::Unknown,
            Err(BillError::Gateway(error)) => outcome_of_error(error),
        };
        self.count(GatewayOperation::Statement, outcome, took);
        said
    }

    fn count(&self, operation: GatewayOperation, outcome: CallOutcome, took: Duration) {
        self.metrics()
            .count_gateway_call(self.channel(), operation, outcome, took);
    }

    fn metrics(&self) -> &Metrics {
        match self {
            Gateway::Wechat(wechat) => &wechat.metrics,
            Gateway::Alipay(alipay) => &alipay.metrics,
        }
    }

    /// From now on the calls of this gateway are counted there.
    pub(super) fn count_into(&mut self, metrics: &Metrics) {
        match self {
            Gateway::Wechat(wechat) => wechat.metrics = metrics.clone(),
            Gateway::Alipay(alipay) => alipay.metrics = metrics.clone(),
        }
    }
}

pub(super) fn outcome_of<T>(said: &Result<T, GatewayError>) -> CallOutcome {
    match said {
        Ok(_) => CallOutcome::Ok,
        Err(error) => outcome_of_error(error),
    }
}

fn outcome_of_error(error: &GatewayError) -> CallOutcome {
    match error {
        GatewayError::Declined { .. } | GatewayError::AlreadyPaid | GatewayError::AlreadyClosed => {
            CallOutcome::Declined
        }
        GatewayError::RetrySame { .. } | GatewayError::Unknown { .. } => CallOutcome::Unknown,
    }
}

/// Span of a call to a gateway.
fn gateway_span(channel: Channel, operation: GatewayOperation, payment_no: &PaymentNo) -> Span {
    let (gateway, operation) = (channel.as_str(), operation.as_str());
    info_span!(
        target: SPAN_TARGET,
        "gateway call",
        otel.name = %format_args!("{gateway} {operation}"),
        otel.kind = "client",
        gateway,
        operation,
        payment.no = %payment_no,
        outcome = Empty,
        otel.status_code = Empty,
    )
}

/// Records how a call to a gateway ended. A refusal is an answer, not a failure of the call.
fn end_gateway_span(span: &Span, outcome: CallOutcome) {
    span.record("outcome", outcome.as_str());
    if outcome == CallOutcome::Unknown {
        span.record("otel.status_code", "ERROR");
    }
}
