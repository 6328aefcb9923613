//! API keys of merchants' programs: created here, shown once, revoked.

use domain::Timestamp;
use futures_util::FutureExt;

use super::{Act, Action, Actor, ConsoleError, Operator, perform};
use crate::api_keys::{KeyDraft, KeyLimits, Scope, create_api_key};
use crate::store::{StoreError, api_keys, parse_rows};
use crate::{Error, Services};

#[derive(Debug, Clone)]
pub struct KnownKey {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// The only part of the key that can be shown again.
    pub last4: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub limits: KeyLimits,
}

impl TryFrom<api_keys::KnownKeyRow> for KnownKey {
    type Error = StoreError;

    fn try_from(row: api_keys::KnownKeyRow) -> Result<KnownKey, StoreError> {
        let scopes: Option<Vec<Scope>> = row.scopes.split(',').map(Scope::parse).collect();
        Ok(KnownKey {
            id: row.id,
            name: row.name,
            scopes: scopes.ok_or(StoreError::Corrupt("api_keys.scopes"))?,
            last4: row.last4,
            created_at: Timestamp::from_millis(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp::from_millis),
            revoked_at: row.revoked_at.map(Timestamp::from_millis),
            limits: api_keys::limits_of(row.most_per_refund, row.most_per_day)?,
        })
    }
}

/// Newest first, with revoked keys, whose permissions may matter later.
pub async fn list_keys(services: &Services) -> Result<Vec<KnownKey>, Error> {
    services
        .db
        .read_one(|tx| async move { parse_rows(api_keys::list_api_keys(tx).await?) }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Creates a key and returns it; it cannot be shown again. A scope that the person's own role lacks is refused.
pub async fn make_key(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    draft: &KeyDraft<'_>,
) -> Result<String, ConsoleError> {
    let own = operator.role.scopes();
    if draft.scopes.iter().any(|scope| !own.contains(scope)) {
        return Err(ConsoleError::ForeignScope);
    }
    Ok(create_api_key(services, actor, draft).await?)
}

/// Revokes a key at once.
pub async fn revoke_key(services: &Services, actor: &Actor, id: &str) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    let act = Act {
        action: Action::RevokeKey,
        subject: id,
        detail: "",
    };
    perform(services, actor, act, &|tx| {
        async move {
            if api_keys::revoke_api_key(tx, id, now).await? {
                Ok(())
            } else {
                Err(ConsoleError::DecidedAlready)
            }
        }
        .boxed()
    })
    .await?;
    services.api_keys.forget_all();
    Ok(())
}
