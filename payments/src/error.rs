//! Errors of verbs, by what a caller can do about them.

use std::time::Duration;

use domain::{Channel, Method, RefundRefusal, Refusal};

use crate::gateway::GatewayError;
use crate::store::{FromStore, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such thing")]
    NotFound,
    /// Refused by a rule; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    RefundRefused(#[from] RefundRefusal),
    /// A value that is never valid; `field` is its name in the API.
    #[error("{field}: {message}")]
    Invalid {
        field: &'static str,
        message: &'static str,
    },
    /// The gateway is not configured, or the product is not supported.
    #[error("{0} cannot be used to pay here")]
    MethodUnavailable(Method),
    /// The amount exceeds a limit of the API key.
    #[error("{0}")]
    AboveKeyLimit(&'static str),
    /// Refused by the gateway.
    #[error("{channel} declined the payment")]
    Declined {
        channel: Channel,
        #[source]
        source: GatewayError,
    },
    /// The outcome is unknown: retry the same request, do not pay twice.
    #[error("{channel} gave no answer that can be verified")]
    Unreachable {
        channel: Channel,
        #[source]
        source: GatewayError,
    },
    /// Rate limit for one subject: nothing was done, and the request may be retried after `wait`.
    #[error("too many requests about one order")]
    RateLimited { wait: Duration },
    #[error("internal error")]
    Internal(#[from] StoreError),
}

impl FromStore for Error {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Error::Internal(error) => Some(error),
            _ => None,
        }
    }
}

/// Formats an error for a log, with its causes.
pub(crate) fn logged<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    error
}
