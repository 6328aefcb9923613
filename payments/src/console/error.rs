//! Errors of the console's acts.

use std::time::Duration;

use super::Permission;
use crate::Error;
use crate::store::{FromStore, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Rate limit of login attempts: further ones are refused for this long.
    #[error("too many attempts")]
    TooManyAttempts { wait: Duration },
    /// A wrong password, a wrong code, or an unknown user: the answer does not reveal which.
    #[error("wrong credentials")]
    WrongLogin,
    /// Decided by another person meanwhile: the page is out of date.
    #[error("this was decided already")]
    DecidedAlready,
    /// A person may not approve their own request.
    #[error("another person must decide")]
    OwnRequest,
    /// This amount needs a recently confirmed password.
    #[error("the password must be given once more")]
    Unconfirmed,
    /// The person's role lacks a permission by now.
    #[error("this role may not do it")]
    Forbidden(Permission),
    /// An API key may not have a scope that its creator lacks.
    #[error("a key may not have a scope that its maker lacks")]
    ForeignScope,
    /// The key that signed a stored notification is gone, or its row was changed: only the gateway can send it again.
    #[error("the message cannot be verified any more")]
    Unverifiable,
    #[error(transparent)]
    Core(#[from] Error),
}

impl From<StoreError> for ConsoleError {
    fn from(error: StoreError) -> ConsoleError {
        ConsoleError::Core(Error::Internal(error))
    }
}

impl FromStore for ConsoleError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            ConsoleError::Core(error) => error.store_error(),
            _ => None,
        }
    }
}
