//! One attempt of a delivery: recorded as taken, sent, and its end recorded.

use futures_util::FutureExt;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::kind::{DeliveryKind, Failure, NextStep, Prepared, ShownRequest, write_headers};
use crate::metrics::Ending;
use crate::outbound::{Letter, OutboundAnswer, OutboundError, OutboundRequest};
use crate::store::deliveries::{self, AttemptEnd, DeliveryRow};
use crate::store::{StoreError, Tx};
use crate::traces::{SPAN_TARGET, carry};
use crate::{Error, Services};

/// Limits what is kept of an answer's headers.
const MAX_HEADER_CHARS: usize = 4096;

/// Request or mail of an attempt.
enum Parcel {
    Request(Box<OutboundRequest>),
    Letter(Box<Letter>),
}

/// A request that was sent, and its answer.
struct Attempt {
    shown: ShownRequest,
    answer: Result<OutboundAnswer, OutboundError>,
    duration_ms: i64,
}

/// Makes one attempt of a delivery that this server has claimed; whether it succeeded.
pub(super) async fn attempt_delivery(services: &Services, delivery: &DeliveryRow) -> Result<bool, Error> {
    let kind = DeliveryKind::parse(&delivery.kind).ok_or(StoreError::Corrupt("deliveries.kind"))?;
    let span = delivery_span(kind, &delivery.subject);
    let attempt = attempt_in_span(services, kind, delivery, &span);
    attempt.instrument(span.clone()).await
}

async fn attempt_in_span(
    services: &Services,
    kind: DeliveryKind,
    delivery: &DeliveryRow,
    span: &Span,
) -> Result<bool, Error> {
    let parcel = match kind.prepare(services, delivery).await? {
        Prepared::Send(mut request) => {
            // Robots are other companies' programs, which no trace of ours goes on in.
            if kind != DeliveryKind::Alarm {
                carry(&mut request.headers);
            }
            Parcel::Request(request)
        }
        Prepared::Mail(letter) => Parcel::Letter(letter),
        Prepared::Park => {
            write_outcome(services, |tx| deliveries::park(tx, delivery).boxed()).await?;
            return Ok(true);
        }
        Prepared::Gone => {
            write_outcome(services, |tx| {
                deliveries::remove(tx, &delivery.target, &delivery.subject).boxed()
            })
            .await?;
            return Ok(true);
        }
    };
    let attempt = &send_parcel(services, kind, parcel).await;
    let is_success = attempt
        .answer
        .as_ref()
        .is_ok_and(|answer| kind.is_success(delivery, answer));
    let status = attempt.answer.as_ref().ok().map(|answer| answer.status.as_u16());
    end_delivery_span(span, status, is_success);
    services
        .db
        .write(|tx| {
            async move {
                if is_success {
                    record_success(services, tx, kind, delivery, attempt).await
                } else {
                    record_failure(services, tx, kind, delivery, attempt).await
                }
            }
            .boxed()
        })
        .await?;
    let ending = if is_success {
        Ending::Succeeded
    } else {
        Ending::Failed
    };
    // The metric is of merchants' programs: its alert is not about a robot of the operator.
    if kind != DeliveryKind::Alarm {
        services.metrics.count_delivery(ending);
    }
    Ok(is_success)
}

async fn send_parcel(services: &Services, kind: DeliveryKind, parcel: Parcel) -> Attempt {
    let shown = match &parcel {
        Parcel::Request(request) => ShownRequest::of_request(kind, request),
        Parcel::Letter(letter) => ShownRequest::of_letter(letter),
    };
    let begun = services.clock.monotonic();
    crash_point!("deliveries.before_call");
    let guard = &services.outbox.guard;
    let answer = match parcel {
        Parcel::Request(request) => guard.send(*request).await,
        // Boxed: a conversation with a mail server is a large future.
        Parcel::Letter(letter) => Box::pin(guard.send_mail(&letter)).await,
    };
    crash_point!("deliveries.after_call");
    let took = services.clock.monotonic().saturating_sub(begun);
    Attempt {
        shown,
        answer,
        duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
    }
}

async fn write_outcome<'a, F>(services: &Services, work: F) -> Result<(), Error>
where
    F: crate::store::Work<'a, (), StoreError>,
{
    services.db.write(work).await.map_err(Error::Internal)
}

async fn record_success(
    services: &Services,
    tx: &mut Tx<'_>,
    kind: DeliveryKind,
    delivery: &DeliveryRow,
    attempt: &Attempt,
) -> Result<(), Error> {
    if finish_attempt(services, tx, delivery, attempt, "succeeded", None, None).await? {
        kind.after_success(tx, delivery).await?;
    }
    Ok(())
}

async fn record_failure(
    services: &Services,
    tx: &mut Tx<'_>,
    kind: DeliveryKind,
    delivery: &DeliveryRow,
    attempt: &Attempt,
) -> Result<(), Error> {
    let now = services.clock.now();
    let answer = attempt.answer.as_ref().ok();
    let error = match &attempt.answer {
        Ok(answer) => kind.describe_failure(delivery, answer),
        Err(error) => error.to_string(),
    };
    let n_tries = u32::try_from(delivery.n_tries + 1).unwrap_or(u32::MAX);
    let next = kind.next_step(answer, n_tries, now);
    let (status, due_at) = match next {
        NextStep::TryAt(due_at) => ("pending", Some(due_at)),
        NextStep::GiveUp => ("failed", None),
    };
    if !finish_attempt(services, tx, delivery, attempt, status, due_at, Some(&error)).await? {
        return Ok(());
    }
    let failure = Failure {
        answer,
        error: &error,
        next,
    };
    kind.after_failure(services, tx, delivery, &failure).await
}

async fn finish_attempt(
    services: &Services,
    tx: &mut Tx<'_>,
    delivery: &DeliveryRow,
    attempt: &Attempt,
    status: &str,
    due_at: Option<domain::Timestamp>,
    error: Option<&str>,
) -> Result<bool, Error> {
    let answer = attempt.answer.as_ref().ok();
    let headers = answer.map(|answer| {
        let mut shown = String::new();
        write_headers(&mut shown, &answer.headers);
        storable_text(shown.chars().take(MAX_HEADER_CHARS).collect())
    });
    let body = answer.map(|answer| storable_text(String::from_utf8_lossy(&answer.body).into_owned()));
    let end = AttemptEnd {
        status,
        due_at,
        request: &attempt.shown.0,
        response_status: answer.map(|answer| i64::from(answer.status.as_u16())),
        response_headers: headers.as_deref(),
        response_body: body.as_deref(),
        duration_ms: attempt.duration_ms,
        error,
    };
    Ok(deliveries::finish_attempt(tx, delivery, &end, services.clock.now()).await?)
}

/// PostgreSQL keeps no NUL in a text.
fn storable_text(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{FFFD}")
    } else {
        text
    }
}

/// Span of one attempt of a delivery: a trace of its own.
fn delivery_span(kind: DeliveryKind, subject: &str) -> Span {
    let kind = kind.as_str();
    info_span!(
        target: SPAN_TARGET,
        "delivery",
        otel.name = %format_args!("deliver {kind}"),
        otel.kind = "client",
        delivery.subject = subject,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    )
}

/// Records how an attempt of a delivery ended.
fn end_delivery_span(span: &Span, status: Option<u16>, is_success: bool) {
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if !is_success {
        span.record("otel.status_code", "ERROR");
    }
}
