//! `Idempotency-Key`: the first answer is kept with its effect, in one transaction, and given again.

use std::fmt;
use std::sync::Arc;

/// An answer as it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    pub body: String,
}

/// A request that must take effect once, however often it arrives.
#[derive(Clone)]
pub struct Once<T> {
    /// Which call: the same key on another route is another request.
    pub route: String,
    pub key: String,
    /// A hash of the request's body: another content under the same key is a conflict.
    pub fingerprint: String,
    /// How the answer is written, given the result and whether it is new.
    pub answer: Arc<dyn Fn(&T, bool) -> KeptAnswer + Send + Sync>,
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
