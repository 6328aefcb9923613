//! Errors as a payer may see them: a closed set of codes, with the text looked up and never echoed.
//!
//! Without JavaScript an error travels in the URL, which is not trusted; so only known codes are shown.

use std::error::Error as _;

use http::StatusCode;
use leptos::prelude::FromServerFnError;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::ServerFnErrorErr;
use payments::Error;
use serde::{Deserialize, Serialize};

use crate::i18n::Words;

domain::words! {
    /// Value of `?error=`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum UiError {
        NotFound => "not_found",
        ChooseMethod => "choose_method",
        BadAmount => "bad_amount",
        Unavailable => "unavailable",
        NotAuthorized => "not_authorized",
        Declined => "declined",
        Unreachable => "unreachable",
        PayerPaying => "payer_paying",
        NotPayable => "not_payable",
        RateLimited => "rate_limited",
        Malformed => "malformed",
        OutOfService => "out_of_service",
        Internal => "internal",
    }
}

impl UiError {
    /// Text: what happened to the money and what to do.
    pub const fn text(self, words: &Words) -> &'static str {
        match self {
            UiError::NotFound => words.not_found_text,
            UiError::ChooseMethod => words.error_choose_method,
            UiError::BadAmount => words.error_bad_amount,
            UiError::Unavailable => words.error_unavailable,
            UiError::NotAuthorized => words.error_not_authorized,
            UiError::Declined => words.error_declined,
            UiError::Unreachable => words.error_unreachable,
            UiError::PayerPaying => words.error_payer_paying,
            UiError::NotPayable => words.error_not_payable,
            UiError::RateLimited => words.error_rate_limited,
            UiError::Malformed => words.error_malformed,
            UiError::OutOfService => words.error_out_of_service,
            UiError::Internal => words.error_internal,
        }
    }

    /// Status of an error page.
    pub const fn status(self) -> StatusCode {
        match self {
            UiError::NotFound => StatusCode::NOT_FOUND,
            UiError::ChooseMethod | UiError::BadAmount | UiError::Malformed => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            UiError::NotPayable | UiError::PayerPaying => StatusCode::CONFLICT,
            UiError::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            UiError::Declined => StatusCode::BAD_GATEWAY,
            UiError::NotAuthorized | UiError::Unavailable | UiError::Unreachable | UiError::OutOfService => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            UiError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Error> for UiError {
    fn from(error: Error) -> UiError {
        match error {
            Error::NotFound => UiError::NotFound,
            Error::Refused(_) | Error::RefundRefused(_) | Error::AboveKeyLimit(_) => UiError::NotPayable,
            Error::Invalid { field: "amount", .. } => UiError::BadAmount,
            Error::Invalid { .. } => UiError::Malformed,
            Error::MethodUnavailable(_) => UiError::Unavailable,
            Error::Declined { .. } => UiError::Declined,
            Error::Unreachable { ref source, .. } if source.is_payer_paying() => UiError::PayerPaying,
            Error::Unreachable { .. } => UiError::Unreachable,
            Error::RateLimited { .. } => UiError::RateLimited,
            Error::Internal(ref cause) => {
                tracing::error!(causes = %join_causes(&error), "a page could not do its work");
                if cause.is_absence() {
                    UiError::OutOfService
                } else {
                    UiError::Internal
                }
            }
        }
    }
}

/// Formats an error with all its causes, for the log.
fn join_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl FromServerFnError for UiError {
    type Encoder = JsonEncoding;

    /// Leptos itself fails only over a form that is not one of ours; its message is not shown.
    fn from_server_fn_error(_: ServerFnErrorErr) -> UiError {
        UiError::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_error_codes_are_read_from_a_url() {
        for error in UiError::ALL {
            assert_eq!(UiError::parse(error.as_str()), Some(error));
        }
        assert_eq!(UiError::parse("<script>alert(1)</script>"), None);
    }
}
