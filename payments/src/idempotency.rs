//! Idempotency keys (`Idempotency-Key`): a request takes effect once, and its first answer is repeated.
//!
//! Every writing verb of the API runs its transactions through [`write_once`] or [`write_under_key`]. The key is claimed in
//! the transaction that writes the effect, so that both are durable or neither is; the answer is stored with it, or later
//! when a gateway must be called first. A refusal is given only after the key was checked once more: it may have been
//! caused by a concurrent request under the same key.

use std::fmt;
use std::sync::Arc;

use domain::{Refusal, Timestamp};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::model::idempotency::KeptAnswer;
pub(crate) use crate::model::idempotency::{Claim, RequestKey};
use crate::store::idempotency::{self, Known};
use crate::store::{StoreError, Tx, Work};
use crate::{Error, Services};

/// Builds the answer to a request from its result and whether that is new.
pub type WriteAnswer<T> = Arc<dyn Fn(&T, bool) -> KeptAnswer + Send + Sync>;

/// A request that must take effect once, however often it arrives.
#[derive(Clone)]
pub struct Idempotency<T> {
    /// Route of the call: the same key on another route is another request.
    pub route: String,
    pub key: String,
    /// Hash of the request's body: another content under the same key is a conflict.
    pub fingerprint: String,
    /// Builds the answer from the result and whether it is new.
    pub answer: WriteAnswer<T>,
}

impl<T> fmt::Debug for Idempotency<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Once")
            .field("route", &self.route)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl<T> Idempotency<T> {
    fn request_key(&self) -> RequestKey<'_> {
        RequestKey {
            route: &self.route,
            key: &self.key,
            fingerprint: &self.fingerprint,
        }
    }
}

/// Outcome of a verb.
#[derive(Debug, Clone)]
pub enum Outcome<T> {
    New(T),
    /// It existed already, with the same content.
    Existing(T),
    /// The same request came before; this is its answer.
    Replayed(KeptAnswer),
}

impl<T> Outcome<T> {
    pub(crate) fn of(value: T, is_new: bool) -> Outcome<T> {
        if is_new {
            Outcome::New(value)
        } else {
            Outcome::Existing(value)
        }
    }

    /// New or existing value; `None` for a replayed answer.
    pub fn into_value(self) -> Option<T> {
        match self {
            Outcome::New(value) | Outcome::Existing(value) => Some(value),
            Outcome::Replayed(_) => None,
        }
    }
}

/// Result of one transaction of a verb under its key.
#[derive(Debug)]
pub(crate) enum Keyed<R> {
    Ran(R),
    Replayed(KeptAnswer),
}

/// One transaction of a verb that takes several. It receives what its request has claimed before.
pub(crate) trait KeyedWork<'a, R>:
    for<'t> Fn(&'t mut Tx<'a>, Option<Claim>) -> BoxFuture<'t, Result<R, Error>> + Send + Sync
{
}

impl<'a, R, F> KeyedWork<'a, R> for F where
    F: for<'t> Fn(&'t mut Tx<'a>, Option<Claim>) -> BoxFuture<'t, Result<R, Error>> + Send + Sync
{
}

/// Runs a verb of one transaction, and stores its answer in it.
pub(crate) async fn write_once<'a, T, F>(
    services: &Services,
    idempotency: Option<&'a Idempotency<T>>,
    now: Timestamp,
    work: &'a F,
) -> Result<Outcome<T>, Error>
where
    T: Send + Sync + 'a,
    F: Work<'a, Outcome<T>, Error>,
{
    services
        .db
        .write(|tx| {
            async move {
                let before = find_kept_answer(tx, idempotency).await?;
                if let Some(Known::Answered(answer)) = before {
                    return Ok(Outcome::Replayed(answer));
                }
                let outcome = work(tx).await;
                let made = look_again(tx, idempotency, before.as_ref(), outcome).await?;
                match &made {
                    Outcome::New(value) => keep_answer(tx, idempotency, value, true, now).await?,
                    Outcome::Existing(value) => keep_answer(tx, idempotency, value, false, now).await?,
                    Outcome::Replayed(_) => {}
                }
                Ok(made)
            }
            .boxed()
        })
        .await
}

/// Reads the data that a verb decides on, without the writer, so that a refusal costs no write. It is one snapshot: the
/// effect of a concurrent request and its key are both in it, or neither is.
pub(crate) async fn read_under_key<'a, T, R, F>(
    services: &Services,
    idempotency: Option<&'a Idempotency<T>>,
    work: &'a F,
) -> Result<Keyed<R>, Error>
where
    T: 'a,
    R: Send + 'a,
    F: Work<'a, R, Error>,
{
    services
        .db
        .snapshot(|tx| {
            async move {
                match find_kept_answer(tx, idempotency).await? {
                    Some(Known::Answered(answer)) => Ok(Keyed::Replayed(answer)),
                    Some(Known::Claimed(_)) | None => work(tx).await.map(Keyed::Ran),
                }
            }
            .boxed()
        })
        .await
}

/// Runs one transaction of a verb that takes several; the verb itself claims the key ([`claim`]) with its effect, and
/// stores its answer ([`keep_answer`]). A refusal must come before either.
pub(crate) async fn write_under_key<'a, T, R, F>(
    services: &Services,
    idempotency: Option<&'a Idempotency<T>>,
    work: &'a F,
) -> Result<Keyed<R>, Error>
where
    T: 'a,
    R: Send + 'a,
    F: KeyedWork<'a, R>,
{
    services
        .db
        .write(|tx| {
            async move {
                let before = find_kept_answer(tx, idempotency).await?;
                let claim = match &before {
                    Some(Known::Answered(answer)) => return Ok(Keyed::Replayed(answer.clone())),
                    Some(Known::Claimed(claim)) => Some(claim.clone()),
                    None => None,
                };
                let outcome = work(tx, claim).await;
                look_again(tx, idempotency, before.as_ref(), outcome)
                    .await
                    .map(Keyed::Ran)
            }
            .boxed()
        })
        .await
}

/// Finds the same request. Another content under the same key is refused.
async fn find_kept_answer<T>(
    tx: &mut Tx<'_>,
    idempotency: Option<&Idempotency<T>>,
) -> Result<Option<Known>, Error> {
    let Some(idempotency) = idempotency else {
        return Ok(None);
    };
    match idempotency::find(tx, idempotency.request_key()).await? {
        None => Ok(None),
        Some((fingerprint, known)) if fingerprint == idempotency.fingerprint => Ok(Some(known)),
        Some(_) => Err(Refusal::IdempotencyConflict.into()),
    }
}

/// Checks the key again before a refusal: on PostgreSQL a concurrent request may have been committed after the key was read
/// and before the data of the decision was. Then the verb runs again and finds its effect.
async fn look_again<T, R>(
    tx: &mut Tx<'_>,
    idempotency: Option<&Idempotency<T>>,
    before: Option<&Known>,
    outcome: Result<R, Error>,
) -> Result<R, Error> {
    let is_refusal = matches!(&outcome, Err(error) if !matches!(error, Error::Internal(_)));
    if idempotency.is_some() && is_refusal && find_kept_answer(tx, idempotency).await?.as_ref() != before {
        return Err(StoreError::Stale.into());
    }
    outcome
}

/// Claims the key for an effect of the same transaction. `before` is what the request had claimed already.
pub(crate) async fn claim<T>(
    tx: &mut Tx<'_>,
    idempotency: Option<&Idempotency<T>>,
    before: Option<&Claim>,
    claim: &Claim,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(idempotency) = idempotency else {
        return Ok(());
    };
    match before {
        None => idempotency::claim(tx, idempotency.request_key(), claim, now).await?,
        Some(before) if before == claim => {}
        Some(before) => idempotency::move_claim(tx, idempotency.request_key(), before, claim).await?,
    }
    Ok(())
}

/// Stores the answer beside its effect.
pub(crate) async fn keep_answer<T>(
    tx: &mut Tx<'_>,
    idempotency: Option<&Idempotency<T>>,
    value: &T,
    is_new: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(idempotency) = idempotency else {
        return Ok(());
    };
    let answer = (idempotency.answer)(value, is_new);
    idempotency::keep(tx, idempotency.request_key(), &answer, now).await?;
    Ok(())
}
