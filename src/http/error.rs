//! The table from failures to status codes, and the shape of the API's error bodies.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{RefundRefusal, Refusal};
use payments::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::telemetry;

/// An error for the client. It travels as an extension of an empty answer; `envelope` adds the request id and writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: Cow<'static, str>,
    pub field: Option<Cow<'static, str>>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// Part of the request that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// `X-Request-Id` of this answer: say it when you ask for help.
    pub request_id: String,
}

/// `Retry-After` in seconds when the failure is ours.
const PAUSE: u64 = 2;
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"tongqian\"");

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            status,
            code,
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            field: Some(field.into()),
            ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
        }
    }

    pub fn malformed(message: &'static str) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    pub fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing")
    }

    /// 429: nothing was done; the call may be repeated after `wait`.
    pub fn rate_limited(wait: Duration) -> Problem {
        Problem {
            retry_after: Some(wait.as_secs() + 1),
            ..Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many requests; come again after Retry-After seconds",
            )
        }
    }

    /// 503: the database or a gateway is unavailable; the request may have taken effect.
    pub fn unavailable() -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "our database cannot be used at the moment; ask before you repeat this",
        )
    }

    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something broke on our side",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, BEARER);
        }
        let ours = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(PAUSE);
        if let Some(seconds) = self.retry_after.or(ours) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Refused(refusal) => refused(refusal),
            Error::RefundRefused(refusal) => refund_refused(refusal),
            Error::Invalid { field, message } => Problem::invalid(field, message),
            Error::MethodUnavailable(method) => {
                Problem::invalid("method", format!("{method} cannot be used to pay here"))
            }
            Error::AboveKeyLimit(message) => Problem::new(StatusCode::FORBIDDEN, "forbidden", message),
            Error::Declined { channel, .. } => {
                tracing::info!(%channel, error = telemetry::chain(&error), "the gateway declined");
                Problem::new(
                    StatusCode::BAD_GATEWAY,
                    "gateway_declined",
                    format!("{channel} declined the payment"),
                )
            }
            Error::Unreachable { channel, .. } => {
                tracing::warn!(%channel, error = telemetry::chain(&error), "the gateway gave no verified answer");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "gateway_unreachable",
                    format!("{channel} gave no answer; do not pay twice, ask again"),
                )
            }
            Error::RateLimited { wait } => Problem::rate_limited(wait),
            Error::Internal(ref cause) => {
                tracing::error!(error = telemetry::chain(&error), "a verb failed");
                if cause.is_absence() {
                    Problem::unavailable()
                } else {
                    Problem::internal()
                }
            }
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    let code = match refusal {
        Refusal::OrderNotPayable => "order_not_payable",
        Refusal::OrderNotCancellable => "order_not_cancellable",
        Refusal::AmountMismatch => "amount_mismatch",
        Refusal::OrderNoReused => "order_no_reused",
        // The list of codes is closed: a reused number is also an idempotency conflict.
        Refusal::IdempotencyConflict | Refusal::AdjustmentNoReused => "idempotency_conflict",
        Refusal::InsufficientBalance => "insufficient_balance",
    };
    Problem::new(StatusCode::CONFLICT, code, refusal.to_string())
}

fn refund_refused(refusal: RefundRefusal) -> Problem {
    let code = match refusal {
        RefundRefusal::ExceedsPayment => "refund_exceeds_payment",
        RefundRefusal::NumberReused => "refund_no_reused",
        RefundRefusal::NotPaid
        | RefundRefusal::NothingLeft
        | RefundRefusal::TooLate
        | RefundRefusal::TooMany
        | RefundRefusal::OtherAccount
        | RefundRefusal::NotRetryable => "payment_not_refundable",
    };
    Problem::new(StatusCode::CONFLICT, code, refusal.to_string())
}
