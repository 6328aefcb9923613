//! The table from failures to status codes, and the shape of the API's error bodies.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{RefundRefusal, Refusal};
use payments::Error;
use payments::views::one_of;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::telemetry;

domain::words! {
    /// Code of an error, for programs.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ErrorCode {
        Malformed => "malformed",
        Unauthenticated => "unauthenticated",
        Forbidden => "forbidden",
        NotFound => "not_found",
        MethodNotAllowed => "method_not_allowed",
        OrderNotPayable => "order_not_payable",
        OrderNotCancellable => "order_not_cancellable",
        AmountMismatch => "amount_mismatch",
        OrderNoReused => "order_no_reused",
        RefundNoReused => "refund_no_reused",
        RefundExceedsPayment => "refund_exceeds_payment",
        PaymentNotRefundable => "payment_not_refundable",
        InsufficientBalance => "insufficient_balance",
        IdempotencyConflict => "idempotency_conflict",
        TooLarge => "too_large",
        UnsupportedMediaType => "unsupported_media_type",
        Invalid => "invalid",
        RateLimited => "rate_limited",
        GatewayDeclined => "gateway_declined",
        GatewayUnreachable => "gateway_unreachable",
        Unavailable => "unavailable",
        Internal => "internal",
    }
}

/// An error for the client. It travels as an extension of an empty answer; `envelope` adds the request id and writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub code: ErrorCode,
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
    #[schema(schema_with = code_schema)]
    pub code: &'static str,
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
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Problem {
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
            ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::Invalid, message)
        }
    }

    pub fn malformed(message: &'static str) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, ErrorCode::Malformed, message)
    }

    pub fn not_found() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            ErrorCode::NotFound,
            "there is no such thing",
        )
    }

    /// 429: nothing was done; the call may be repeated after `wait`.
    pub fn rate_limited(wait: Duration) -> Problem {
        Problem {
            retry_after: Some(wait.as_secs() + 1),
            ..Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::RateLimited,
                "too many requests; come again after Retry-After seconds",
            )
        }
    }

    /// 503: the database or a gateway is unavailable; the request may have taken effect.
    pub fn unavailable() -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "our database cannot be used at the moment; ask before you repeat this",
        )
    }

    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Internal,
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
            Error::Refused(refusal) => refused_problem(refusal),
            Error::RefundRefused(refusal) => refund_refused(refusal),
            Error::Invalid { field, message } => Problem::invalid(field, message),
            Error::MethodUnavailable(method) => {
                Problem::invalid("method", format!("{method} cannot be used to pay here"))
            }
            Error::AboveKeyLimit(message) => {
                Problem::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message)
            }
            Error::Declined { channel, .. } => {
                tracing::info!(%channel, error = telemetry::chain(&error), "the gateway declined");
                Problem::new(
                    StatusCode::BAD_GATEWAY,
                    ErrorCode::GatewayDeclined,
                    format!("{channel} declined the payment"),
                )
            }
            Error::Unreachable { channel, .. } => {
                tracing::warn!(%channel, error = telemetry::chain(&error), "the gateway gave no verified answer");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    ErrorCode::GatewayUnreachable,
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

fn code_schema() -> Object {
    one_of(ErrorCode::ALL.map(ErrorCode::as_str))
}

fn refused_problem(refusal: Refusal) -> Problem {
    let code = match refusal {
        Refusal::OrderNotPayable => ErrorCode::OrderNotPayable,
        Refusal::OrderNotCancellable => ErrorCode::OrderNotCancellable,
        Refusal::AmountMismatch => ErrorCode::AmountMismatch,
        Refusal::OrderNoReused => ErrorCode::OrderNoReused,
        // The list of codes is closed: a reused number is also an idempotency conflict.
        Refusal::IdempotencyConflict | Refusal::AdjustmentNoReused => ErrorCode::IdempotencyConflict,
        Refusal::InsufficientBalance => ErrorCode::InsufficientBalance,
    };
    Problem::new(StatusCode::CONFLICT, code, refusal.to_string())
}

fn refund_refused(refusal: RefundRefusal) -> Problem {
    let code = match refusal {
        RefundRefusal::ExceedsPayment => ErrorCode::RefundExceedsPayment,
        RefundRefusal::NumberReused => ErrorCode::RefundNoReused,
        RefundRefusal::NotPaid
        | RefundRefusal::NothingLeft
        | RefundRefusal::TooLate
        | RefundRefusal::TooMany
        | RefundRefusal::OtherAccount
        | RefundRefusal::NotRetryable => ErrorCode::PaymentNotRefundable,
    };
    Problem::new(StatusCode::CONFLICT, code, refusal.to_string())
}
