//! The keys of merchants' programs: made here, shown once, taken back.

use domain::Timestamp;
use futures_util::FutureExt;

use super::{Act, Action, ConsoleError, Visit, perform};
use crate::admin::{Scope, new_key};
use crate::store::{StoreError, admin};
use crate::{Error, Services};

#[derive(Debug, Clone)]
pub struct KnownKey {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// All of it that anybody can see again.
    pub last4: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl TryFrom<admin::KnownKeyRow> for KnownKey {
    type Error = StoreError;

    fn try_from(row: admin::KnownKeyRow) -> Result<KnownKey, StoreError> {
        let scopes: Option<Vec<Scope>> = row.scopes.split(',').map(Scope::parse).collect();
        Ok(KnownKey {
            id: row.id,
            name: row.name,
            scopes: scopes.ok_or(StoreError::Corrupt("api_keys.scopes"))?,
            last4: row.last4,
            created_at: Timestamp::from_millis(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp::from_millis),
            revoked_at: row.revoked_at.map(Timestamp::from_millis),
        })
    }
}

/// Newest first, those that are revoked too: somebody may ask what a key of last year could do.
pub async fn list_keys(services: &Services) -> Result<Vec<KnownKey>, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let rows = admin::list_api_keys(tx).await?;
                rows.into_iter().map(KnownKey::try_from).collect()
            }
            .boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))
}

/// Makes a key and returns it; nobody can read it again.
pub async fn make_key(
    services: &Services,
    visit: &Visit,
    name: &str,
    scopes: &[Scope],
) -> Result<String, Error> {
    let now = services.clock.now();
    let (key, row, hash, last4) = new_key(services, name, scopes, now);
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let detail = &format!("{name}: {}", words.join(","));
    let (row, hash, last4) = (&row, &hash, &last4);
    let act = Act {
        action: Action::CreateKey,
        subject: &row.id,
        detail,
    };
    perform(services, visit, act, &|tx| {
        admin::insert_api_key(tx, row, hash, last4, now).boxed()
    })
    .await?;
    Ok(key)
}

/// From now on it opens nothing.
pub async fn revoke_key(services: &Services, visit: &Visit, id: &str) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    let act = Act {
        action: Action::RevokeKey,
        subject: id,
        detail: "",
    };
    perform(services, visit, act, &|tx| {
        async move {
            if admin::revoke_api_key(tx, id, now).await? {
                Ok(())
            } else {
                Err(ConsoleError::DecidedAlready)
            }
        }
        .boxed()
    })
    .await
}
