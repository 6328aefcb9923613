//! The step of a login between the password and the code of the second factor.
//!
//! The page that asks for the code has a number. Only when the password was right is the number kept; after a wrong one the
//! page carries a number as well, so that a guesser does not learn which it was.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use super::limits::give_back;
use super::{Browser, ConsoleError, Credentials};
use crate::api_keys::hash_of;
use crate::store::held_logins;
use crate::{Error, Services};

/// Time to type the code.
const PATIENCE: Duration = Duration::from_mins(10);

/// Keeps a login whose password was right; returns the number for its page.
pub async fn hold_login(services: &Services, who: &Credentials) -> Result<String, Error> {
    let now = services.clock.now();
    let number = services.clock.nonce();
    let hash = &hash_of(&number);
    services
        .db
        .write(|tx| {
            async move {
                held_logins::forget_old(tx, now - PATIENCE).await?;
                held_logins::insert(tx, hash, &who.user_id, now).await
            }
            .boxed()
        })
        .await?;
    Ok(number)
}

/// `None`: the password was wrong, or it was right too long ago.
pub async fn find_held_login(services: &Services, number: &str) -> Result<Option<Credentials>, Error> {
    let since = services.clock.now() - PATIENCE;
    let (hash, secrets) = (&hash_of(number), &services.secrets);
    services
        .db
        .read_one(|tx| {
            async move {
                let row = held_logins::find(tx, hash, since).await?;
                row.map(|row| Credentials::read(row, secrets)).transpose()
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Ends the held logins of a person who is inside now, and gives back the try that was counted for the password.
pub async fn release_login(
    services: &Services,
    who: &Credentials,
    ip: Option<IpAddr>,
    browser: &Browser,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                held_logins::forget_all(tx, &who.user_id).await?;
                give_back(tx, services, &who.email, ip, browser, now).await
            }
            .boxed()
        })
        .await
}
