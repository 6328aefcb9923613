//! `Idempotency-Key`: a request takes effect once, and its first answer is given again.
//!
//! Every writing verb of the API runs its transactions through [`write_once`] or [`write_under_key`]. The key is claimed in
//! the transaction that writes the effect down, so that both last or neither does; the answer is kept with it, or later,
//! when a gateway must be asked first. A refusal is given only after the key was looked at once more: a twin under the same
//! key may have been the cause of it.

use std::fmt;
use std::sync::Arc;

use domain::{Refusal, Timestamp};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::store::idempotency::{self, Known};
use crate::store::{StoreError, Tx, Work};
use crate::{Error, Services};

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
pub struct Idempotency<T> {
    /// Which call: the same key on another route is another request.
    pub route: String,
    pub key: String,
    /// A hash of the request's body: another content under the same key is a conflict.
    pub fingerprint: String,
    /// How the answer is written, given the result and whether it is new.
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

/// Row of a key, without what its request makes.
#[derive(Debug, Clone, Copy)]
pub struct RequestKey<'a> {
    pub route: &'a str,
    pub key: &'a str,
    pub fingerprint: &'a str,
}

/// What a key stands for while its answer is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The id of what the request wrote down or found; `None` while it only makes room for it.
    pub effect: Option<String>,
    pub is_new: bool,
}

impl Claim {
    /// Room is made first, by closing what stands in the way.
    pub const MAKING_ROOM: Claim = Claim {
        effect: None,
        is_new: false,
    };
}

/// What a verb made.
#[derive(Debug, Clone)]
pub enum Outcome<T> {
    New(T),
    /// It was there already, with the same content.
    Existing(T),
    /// The same request came before; this is what it was told.
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

    /// What was made or found; `None` for a replayed answer.
    pub fn into_value(self) -> Option<T> {
        match self {
            Outcome::New(value) | Outcome::Existing(value) => Some(value),
            Outcome::Replayed(_) => None,
        }
    }
}

/// What one transaction of a verb came to under its key.
#[derive(Debug)]
pub(crate) enum Keyed<R> {
    Ran(R),
    Replayed(KeptAnswer),
}

/// One transaction of a verb that takes several. It is given what its request has claimed before.
pub(crate) trait KeyedWork<'a, R>:
    for<'t> Fn(&'t mut Tx<'a>, Option<Claim>) -> BoxFuture<'t, Result<R, Error>> + Send + Sync
{
}

impl<'a, R, F> KeyedWork<'a, R> for F where
    F: for<'t> Fn(&'t mut Tx<'a>, Option<Claim>) -> BoxFuture<'t, Result<R, Error>> + Send + Sync
{
}

/// Runs a verb that is one transaction, and keeps its answer in it.
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
                let before = find(tx, idempotency).await?;
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

/// Reads what a verb decides on, beside the writers, so that a refusal costs them no turn. It is one unchanging view: what
/// a twin has made and the key under which it did are both in it, or neither is.
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
                match find(tx, idempotency).await? {
                    Some(Known::Answered(answer)) => Ok(Keyed::Replayed(answer)),
                    Some(Known::Claimed(_)) | None => work(tx).await.map(Keyed::Ran),
                }
            }
            .boxed()
        })
        .await
}

/// Runs one transaction of a verb that takes several; the verb itself claims the key ([`claim`]) with what it writes down,
/// and keeps its answer ([`keep_answer`]). A refusal must come before either.
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
                let before = find(tx, idempotency).await?;
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

/// What is known of the same request. Another content under the same key is refused.
async fn find<T>(tx: &mut Tx<'_>, idempotency: Option<&Idempotency<T>>) -> Result<Option<Known>, Error> {
    let Some(idempotency) = idempotency else {
        return Ok(None);
    };
    match idempotency::find(tx, idempotency.request_key()).await? {
        None => Ok(None),
        Some((fingerprint, known)) if fingerprint == idempotency.fingerprint => Ok(Some(known)),
        Some(_) => Err(Refusal::IdempotencyConflict.into()),
    }
}

/// A refusal is true for this request only while its key has not moved: on PostgreSQL a twin may have been committed after
/// the key was read and before what the verb decided on was. Then it runs again and finds what the twin has made.
async fn look_again<T, R>(
    tx: &mut Tx<'_>,
    idempotency: Option<&Idempotency<T>>,
    before: Option<&Known>,
    outcome: Result<R, Error>,
) -> Result<R, Error> {
    let is_refusal = matches!(&outcome, Err(error) if !matches!(error, Error::Internal(_)));
    if idempotency.is_some() && is_refusal && find(tx, idempotency).await?.as_ref() != before {
        return Err(StoreError::Stale.into());
    }
    outcome
}

/// Claims the key for what is written down in the same transaction. `before` is what the request had claimed already.
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

/// Keeps the answer beside its effect.
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
