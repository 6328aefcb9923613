//! `Idempotency-Key`: the first answer is kept with its effect, in one transaction, and given again.

use std::fmt;
use std::sync::Arc;

use domain::{Refusal, Timestamp};

use crate::Error;
use crate::store::{Tx, idempotency};

/// An answer as it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    pub body: String,
}

/// Writes the answer to a request from its result and whether that is new.
pub type WriteAnswer<T> = Arc<dyn Fn(&T, bool) -> KeptAnswer + Send + Sync>;

/// A request that must take effect once, however often it arrives.
#[derive(Clone)]
pub struct Once<T> {
    /// Which call: the same key on another route is another request.
    pub route: String,
    pub key: String,
    /// A hash of the request's body: another content under the same key is a conflict.
    pub fingerprint: String,
    /// How the answer is written, given the result and whether it is new.
    pub answer: WriteAnswer<T>,
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Once")
            .field("route", &self.route)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What a verb made.
#[derive(Debug, Clone)]
pub enum Made<T> {
    New(T),
    /// It was there already, with the same content.
    Existing(T),
    /// The same request came before; this is what it was told.
    Replayed(KeptAnswer),
}

impl<T> Made<T> {
    /// What was made or found; `None` for a replayed answer.
    pub fn into_value(self) -> Option<T> {
        match self {
            Made::New(value) | Made::Existing(value) => Some(value),
            Made::Replayed(_) => None,
        }
    }
}

/// What the same request was told before. Another content under the same key is refused.
pub(crate) async fn find_answer<T>(
    tx: &mut Tx<'_>,
    once: Option<&Once<T>>,
) -> Result<Option<KeptAnswer>, Error> {
    let Some(once) = once else { return Ok(None) };
    match idempotency::find(tx, &once.route, &once.key).await? {
        None => Ok(None),
        Some((fingerprint, answer)) if fingerprint == once.fingerprint => Ok(Some(answer)),
        Some(_) => Err(Refusal::IdempotencyConflict.into()),
    }
}

/// Keeps the answer beside its effect.
pub(crate) async fn keep_answer<T>(
    tx: &mut Tx<'_>,
    once: Option<&Once<T>>,
    value: &T,
    is_new: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(once) = once else { return Ok(()) };
    let answer = (once.answer)(value, is_new);
    idempotency::keep(tx, &once.route, &once.key, &once.fingerprint, &answer, now).await?;
    Ok(())
}
