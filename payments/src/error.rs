//! What a caller can do about a verb that did not do its work.

use std::time::Duration;

use domain::{Channel, Method, RefundRefusal, Refusal};

use crate::gateway::GatewayError;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such thing")]
    NotFound,
    /// A rule said no; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    RefundRefused(#[from] RefundRefusal),
    /// A value that can never be right; `field` is its name in the API.
    #[error("{field}: {message}")]
    Invalid {
        field: &'static str,
        message: &'static str,
    },
    /// Not offered here: the gateway is not configured, or the product is not built.
    #[error("{0} cannot be used to pay here")]
    MethodUnavailable(Method),
    /// An API key may not give out as much.
    #[error("{0}")]
    AboveKeyLimit(&'static str),
    /// The gateway understood and said no.
    #[error("{channel} declined the payment")]
    Declined {
        channel: Channel,
        #[source]
        source: GatewayError,
    },
    /// Nobody knows the outcome: ask again, do not pay twice.
    #[error("{channel} gave no answer that can be believed")]
    Unreachable {
        channel: Channel,
        #[source]
        source: GatewayError,
    },
    /// Too much at once about one thing: nothing was done, and the same may be asked again after `wait`.
    #[error("too many requests about one order")]
    RateLimited { wait: Duration },
    #[error("internal error")]
    Internal(#[from] StoreError),
}

/// An error as a log takes it: with its causes.
pub(crate) fn logged<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    error
}
