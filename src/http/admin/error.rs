//! Reasons why a console page is not shown. The guard draws the error page, because only it knows person and language.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use payments::Error;
use payments::console::{ConsoleError, Permission};

use crate::telemetry;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageError {
    NotFound,
    Malformed,
    /// A file larger than the form takes.
    FileTooLarge,
    Forbidden(Permission),
    /// An API key cannot have a scope that its creator's role does not allow.
    ForeignScope,
    /// A rule of the core refused; nothing was changed.
    Refused,
    DecidedAlready,
    OwnRequest,
    Unverifiable,
    GatewayDeclined,
    GatewayUnreachable,
    /// The database is unreachable or read-only.
    OutOfService,
    Internal,
}

impl PageError {
    pub const fn status(self) -> StatusCode {
        match self {
            PageError::NotFound => StatusCode::NOT_FOUND,
            PageError::Malformed => StatusCode::UNPROCESSABLE_ENTITY,
            PageError::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            PageError::Forbidden(_) | PageError::ForeignScope => StatusCode::FORBIDDEN,
            PageError::Refused
            | PageError::DecidedAlready
            | PageError::OwnRequest
            | PageError::Unverifiable => StatusCode::CONFLICT,
            PageError::GatewayDeclined => StatusCode::BAD_GATEWAY,
            PageError::GatewayUnreachable | PageError::OutOfService => StatusCode::SERVICE_UNAVAILABLE,
            PageError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Error> for PageError {
    fn from(error: Error) -> PageError {
        match error {
            Error::NotFound => PageError::NotFound,
            Error::Refused(_) | Error::RefundRefused(_) | Error::AboveKeyLimit(_) => PageError::Refused,
            Error::Invalid { .. } | Error::MethodUnavailable(_) => PageError::Malformed,
            Error::Declined { .. } => PageError::GatewayDeclined,
            Error::Unreachable { .. } => PageError::GatewayUnreachable,
            // Another request changes the same order at this moment.
            Error::RateLimited { .. } => PageError::DecidedAlready,
            Error::Internal(ref cause) => {
                tracing::error!(error = telemetry::chain(&error), "a page of the console failed");
                if cause.is_absence() {
                    PageError::OutOfService
                } else {
                    PageError::Internal
                }
            }
        }
    }
}

impl From<ConsoleError> for PageError {
    fn from(error: ConsoleError) -> PageError {
        match error {
            ConsoleError::DecidedAlready => PageError::DecidedAlready,
            ConsoleError::OwnRequest => PageError::OwnRequest,
            ConsoleError::Unverifiable => PageError::Unverifiable,
            ConsoleError::Forbidden(permission) => PageError::Forbidden(permission),
            ConsoleError::ForeignScope => PageError::ForeignScope,
            ConsoleError::Core(error) => error.into(),
            // The pages that ask for a password answer these errors themselves.
            ConsoleError::WrongLogin | ConsoleError::TooManyAttempts { .. } | ConsoleError::Unconfirmed => {
                PageError::Malformed
            }
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
