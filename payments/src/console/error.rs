//! Why the console did not do what a person asked.

use std::time::Duration;

use super::Permission;
use crate::Error;
use crate::store::{FromStore, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Too many tries to come in; more are of no use before this time has passed.
    #[error("too many attempts")]
    TooManyAttempts { wait: Duration },
    /// A wrong password, a wrong code, or nobody of this name: which of them is not for the asker to know.
    #[error("this login is not right")]
    WrongLogin,
    /// Somebody was faster: what is shown is not what is there any more.
    #[error("this was decided already")]
    DecidedAlready,
    /// Who asks for money may not be the one who gives it.
    #[error("another person must decide")]
    OwnRequest,
    /// This sum needs a password that was given a short time ago.
    #[error("the password must be given once more")]
    Unconfirmed,
    /// The role of a person lacks a permission by now.
    #[error("this role may not do it")]
    Forbidden(Permission),
    /// An API key may not have a scope that its maker lacks.
    #[error("a key may not do what its maker may not do")]
    ForeignScope,
    /// The key that signed a kept message is gone, or its row was changed: only the gateway itself can say it again.
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
