//! API keys: random, and stored only as hashes.

use aws_lc_rs::digest::{SHA256, digest};
use domain::{Timestamp, UserId, hex_digits};
use futures_util::FutureExt;

use crate::console::{Act, Action, Actor, record};
use crate::incident::{Incident, Recurrence, raise};
pub use crate::model::api_key::{ApiKey, KeyDraft, KeyLimits, Scope};
use crate::model::incident::IncidentKind;
use crate::store::api_keys as rows;
use crate::{Clock, Error, Services};

/// Interval at which the use of a key is written.
const BETWEEN_USES: std::time::Duration = std::time::Duration::from_mins(1);

impl KeyDraft<'_> {
    /// Formats the draft for the audit log and the owners' notice.
    fn describe(&self) -> String {
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        let mut text = format!("{}: {}", self.name, scopes.join(","));
        for (limit, words) in [
            (self.limits.per_refund, "a refund"),
            (self.limits.per_day, "a day"),
        ] {
            if let Some(most) = limit {
                text.push_str(&format!(", at most ¥{} {words}", most.to_yuan()));
            }
        }
        text
    }
}

fn last4_of(key: &str) -> String {
    let n = key.chars().count();
    key.chars().skip(n.saturating_sub(4)).collect()
}

/// Creates a key and returns it; it cannot be read again.
pub async fn create_api_key(
    services: &Services,
    actor: &Actor,
    draft: &KeyDraft<'_>,
) -> Result<String, Error> {
    let key = format!("tq_{}", domain::id::secret_token(services.clock.entropy()));
    ensure_api_key(services, actor, draft, &key).await?;
    Ok(key)
}

/// Creates a key with the operator's text; an existing one stays unchanged. Every new key but the first one of a database
/// is an incident until a person who manages users has seen it.
pub async fn ensure_api_key(
    services: &Services,
    actor: &Actor,
    draft: &KeyDraft<'_>,
    key: &str,
) -> Result<(), Error> {
    let now = services.clock.now();
    let id = &new_key_id(&services.clock, now);
    let (hash, last4, detail) = (&hash_of(key), &last4_of(key), &draft.describe());
    let notification = &format!("{detail} (…{last4}), made by {}", actor.email);
    services
        .db
        .write(|tx| {
            async move {
                let is_first = !rows::has_api_keys(tx).await?;
                if !rows::insert_api_key(tx, id, draft, hash, last4, now).await? {
                    return Ok(());
                }
                if !is_first {
                    let incident = Incident {
                        kind: IncidentKind::NewKey,
                        subject: id,
                        payment_id: None,
                        detail: notification,
                        recurrence: Recurrence::Ignored,
                    };
                    raise(services, tx, incident).await?;
                }
                let act = Act {
                    action: Action::CreateKey,
                    subject: id,
                    detail,
                };
                record(tx, actor, act, now).await
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Looks a key up by its hash, so that timing does not reveal how much of it was right.
pub async fn find_api_key(services: &Services, key: &str) -> Result<Option<ApiKey>, Error> {
    let hash = hash_of(key);
    let lookup = match services.api_keys.find(&hash, &services.clock) {
        Ok(key) => return Ok(Some(key)),
        Err(lookup) => lookup,
    };
    let wanted = &hash;
    let found = services
        .db
        .read_one(|tx| async move { rows::find_api_key(tx, wanted).await }.boxed())
        .await?;
    if let Some(key) = &found {
        services.api_keys.keep(hash, key, lookup);
    }
    Ok(found)
}

/// Whether the use should be written again: a write for every call would be too many.
pub fn is_use_due(services: &Services, key: &ApiKey) -> bool {
    let now = services.clock.now();
    key.last_used_at
        .is_none_or(|at| now.duration_since(at) >= BETWEEN_USES)
}

/// Records the use of a key, so that its owner sees before revoking it whether it is still used.
pub async fn note_use(services: &Services, key: &ApiKey) -> Result<(), Error> {
    let now = services.clock.now();
    let before = now - BETWEEN_USES;
    services.api_keys.note_use(&key.id, now);
    services
        .db
        .write_one(|tx| async move { rows::touch_api_key(tx, &key.id, before, now).await }.boxed())
        .await
        .map_err(Error::Internal)
}

pub async fn has_api_keys(services: &Services) -> Result<bool, Error> {
    services
        .db
        .read_one(|tx| async move { rows::has_api_keys(tx).await }.boxed())
        .await
        .map_err(Error::Internal)
}

fn new_key_id(clock: &Clock, now: Timestamp) -> String {
    format!(
        "key_{}",
        UserId::new(now, clock.entropy())
            .as_str()
            .trim_start_matches("usr_")
    )
}

/// Hashes several texts, each with its length before it, so that no other texts have the same hash.
pub(crate) fn hash_of_parts(parts: &[&str]) -> String {
    let sealed: String = parts
        .iter()
        .map(|part| format!("{}:{part}", part.len()))
        .collect();
    hash_of(&sealed)
}

/// SHA-256 in hex: storage format of secrets that we generated ourselves.
pub(crate) fn hash_of(key: &str) -> String {
    hex_digits(digest(&SHA256, key.as_bytes()).as_ref())
}
