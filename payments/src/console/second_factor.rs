//! The second factor at the door: a code of the phone, or one on paper. How often it may be guessed is counted per person,
//! because whoever gets to guess knows the password already and may come from anywhere.

use std::time::Duration;

use domain::Timestamp;
use futures_util::FutureExt;

use super::{Act, Action, Actor, Browser, ConsoleError, Credentials, record, recovery};
use crate::store::{StoreError, Tx, people};
use crate::{Error, Services};

/// So many tries, and then none for so long.
const MOST_TRIES: i64 = 10;
const LOCKED: Duration = Duration::from_secs(3600);

/// What was typed, read. Whether it is still good is decided in the transaction that lets its owner in.
#[derive(Debug)]
pub(super) enum Proof {
    Unneeded,
    /// A code of the phone, by its step of time.
    Step(i64),
    /// One on paper, by its hash.
    Paper(String),
}

impl Proof {
    /// After the password was right. A try is counted before it is looked at, so that many at once are not more than ten.
    /// A browser that is known has a counter of its own (`limits`).
    pub async fn read(
        services: &Services,
        who: &Credentials,
        browser: &Browser,
        code: &str,
    ) -> Result<Proof, ConsoleError> {
        let Some(totp) = &who.totp else {
            return Ok(Proof::Unneeded);
        };
        // A field that was overlooked is no guess.
        if code.is_empty() {
            return Err(ConsoleError::WrongLogin);
        }
        let now = services.clock.now();
        if browser.known_hash().is_none() {
            count_try(services, &who.user_id, now).await?;
        }
        let step = totp.step_of(code, now).map(Proof::Step);
        step.or_else(|| recovery::hash_of_code(code).map(Proof::Paper))
            .ok_or(ConsoleError::WrongLogin)
    }

    /// Good once: of two browsers with the same code one gets in.
    pub async fn spend(
        &self,
        tx: &mut Tx<'_>,
        who: &Credentials,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), ConsoleError> {
        match self {
            Proof::Unneeded => {}
            Proof::Step(step) => {
                if !people::use_totp_step(tx, &who.user_id, *step).await? {
                    return Err(ConsoleError::WrongLogin);
                }
            }
            Proof::Paper(hash) => recovery::spend(tx, &who.user_id, hash, actor, now).await?,
        }
        people::forget_code_tries(tx, &who.user_id).await?;
        Ok(())
    }
}

async fn count_try(services: &Services, user_id: &str, now: Timestamp) -> Result<(), ConsoleError> {
    let since = now - LOCKED;
    let wait = services
        .db
        .write(|tx| {
            async move {
                if people::count_code_try(tx, user_id, MOST_TRIES, since, now).await? {
                    return Ok::<_, StoreError>(None);
                }
                let (_, last) = people::code_tries(tx, user_id).await?;
                Ok(Some((Timestamp::from_millis(last) + LOCKED).duration_since(now)))
            }
            .boxed()
        })
        .await?;
    match wait {
        None => Ok(()),
        Some(wait) => Err(ConsoleError::TooManyAttempts { wait }),
    }
}

/// Answers one guess too many like a wrong password: whoever guesses must not learn that the password was right.
pub(super) async fn tell_outcome<T>(
    services: &Services,
    who: &Credentials,
    actor: &Actor,
    outcome: Result<T, ConsoleError>,
) -> Result<T, ConsoleError> {
    match outcome {
        Err(ConsoleError::WrongLogin) => {
            note_wrong_code(services, who, actor).await?;
            Err(ConsoleError::WrongLogin)
        }
        Err(ConsoleError::TooManyAttempts { .. }) => Err(ConsoleError::WrongLogin),
        outcome => outcome,
    }
}

/// Somebody who knew the password did not know the code.
async fn note_wrong_code(services: &Services, who: &Credentials, actor: &Actor) -> Result<(), Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let (n_tries, _) = people::code_tries(tx, &who.user_id).await?;
                let is_locked = n_tries >= MOST_TRIES;
                let act = Act {
                    action: Action::FailToLogIn,
                    subject: &who.user_id,
                    detail: if is_locked {
                        "wrong code: locked for an hour"
                    } else {
                        "wrong code"
                    },
                };
                record(tx, actor, act, now).await
            }
            .boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))
}
