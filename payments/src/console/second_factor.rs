//! Second factor at login: a TOTP code or a recovery code. Its rate limit is per person, because a client that gets to
//! guess knows the password already and may use any address.

use std::time::Duration;

use domain::Timestamp;
use futures_util::FutureExt;

use super::{Act, Action, Actor, Browser, ConsoleError, Credentials, record, recovery};
use crate::store::{StoreError, Tx, users};
use crate::{Error, Services};

/// Maximum of tries, and the pause after them.
const MOST_TRIES: i64 = 10;
const LOCKED: Duration = Duration::from_hours(1);

/// Parsed code. Whether it is still valid is decided in the transaction that opens the session.
#[derive(Debug)]
pub(super) enum Proof {
    Unneeded,
    /// TOTP code, by its time step.
    Step(i64),
    /// Recovery code, by its hash.
    Paper(String),
}

impl Proof {
    /// Parses a code after the password was right. The try is counted before the check, so that concurrent tries do not
    /// exceed ten. A known browser has a counter of its own (`limits`).
    pub async fn read(
        services: &Services,
        who: &Credentials,
        browser: &Browser,
        code: &str,
    ) -> Result<Proof, ConsoleError> {
        let Some(totp) = &who.totp else {
            return Ok(Proof::Unneeded);
        };
        // An empty field is not counted as a guess.
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

    /// Uses the code up: of two browsers with the same code one gets a session.
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
                if !users::use_totp_step(tx, &who.user_id, *step).await? {
                    return Err(ConsoleError::WrongLogin);
                }
            }
            Proof::Paper(hash) => recovery::spend(tx, &who.user_id, hash, actor, now).await?,
        }
        users::forget_code_tries(tx, &who.user_id).await?;
        Ok(())
    }
}

async fn count_try(services: &Services, user_id: &str, now: Timestamp) -> Result<(), ConsoleError> {
    let since = now - LOCKED;
    let wait = services
        .db
        .write(|tx| {
            async move {
                if users::count_code_try(tx, user_id, MOST_TRIES, since, now).await? {
                    return Ok::<_, StoreError>(None);
                }
                let (_, last) = users::code_tries(tx, user_id).await?;
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

/// Answers a guess over the limit like a wrong password: the client must not learn that the password was right.
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

/// Records a login with the right password and a wrong code.
async fn note_wrong_code(services: &Services, who: &Credentials, actor: &Actor) -> Result<(), Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let (n_tries, _) = users::code_tries(tx, &who.user_id).await?;
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
        .map_err(Error::Internal)
}
