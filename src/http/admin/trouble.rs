//! Why a page of the console is not shown. The guard turns it into one, because only it knows who branding and in which
//! language.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use payments::Error;
use payments::console::{ConsoleError, Permission};

use crate::telemetry;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    NotFound,
    Malformed,
    Forbidden(Permission),
    /// A key may not do what its maker may not do.
    ForeignScope,
    /// A rule of the books said no, and nothing was changed.
    Refused,
    DecidedAlready,
    OwnRequest,
    Unverifiable,
    GatewayDeclined,
    GatewayUnreachable,
    /// The database is gone or takes no writes.
    OutOfService,
    Internal,
}

impl Trouble {
    pub const fn status(self) -> StatusCode {
        match self {
            Trouble::NotFound => StatusCode::NOT_FOUND,
            Trouble::Malformed => StatusCode::UNPROCESSABLE_ENTITY,
            Trouble::Forbidden(_) | Trouble::ForeignScope => StatusCode::FORBIDDEN,
            Trouble::Refused | Trouble::DecidedAlready | Trouble::OwnRequest | Trouble::Unverifiable => {
                StatusCode::CONFLICT
            }
            Trouble::GatewayDeclined => StatusCode::BAD_GATEWAY,
            Trouble::GatewayUnreachable | Trouble::OutOfService => StatusCode::SERVICE_UNAVAILABLE,
            Trouble::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match error {
            Error::NotFound => Trouble::NotFound,
            Error::Refused(_) | Error::RefundRefused(_) | Error::AboveKeyLimit(_) => Trouble::Refused,
            Error::Invalid { .. } | Error::MethodUnavailable(_) => Trouble::Malformed,
            Error::Declined { .. } => Trouble::GatewayDeclined,
            Error::Unreachable { .. } => Trouble::GatewayUnreachable,
            // Others change the same order at this moment.
            Error::RateLimited { .. } => Trouble::DecidedAlready,
            Error::Internal(ref cause) => {
                tracing::error!(error = telemetry::chain(&error), "a page of the console failed");
                if cause.is_absence() {
                    Trouble::OutOfService
                } else {
                    Trouble::Internal
                }
            }
        }
    }
}

impl From<ConsoleError> for Trouble {
    fn from(error: ConsoleError) -> Trouble {
        match error {
            ConsoleError::DecidedAlready => Trouble::DecidedAlready,
            ConsoleError::OwnRequest => Trouble::OwnRequest,
            ConsoleError::Unverifiable => Trouble::Unverifiable,
            ConsoleError::Forbidden(permission) => Trouble::Forbidden(permission),
            ConsoleError::ForeignScope => Trouble::ForeignScope,
            ConsoleError::Core(error) => error.into(),
            // The pages that ask for a password answer these themselves.
            ConsoleError::WrongLogin | ConsoleError::TooManyAttempts { .. } | ConsoleError::Unconfirmed => {
                Trouble::Malformed
            }
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
