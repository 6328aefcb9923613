//! Who may come in. Keys are random and kept only as hashes; passwords arrive hashed.

use aws_lc_rs::digest::{SHA256, digest};
use domain::{Timestamp, UserId};
use futures_util::FutureExt;

use crate::store::StoreError;
use crate::store::admin as rows;
use crate::{Clock, Error, Services};

/// What a program may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Read,
    Pay,
    Refund,
}

/// What a person of the console may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Owner,
    Finance,
    Support,
    Developer,
    Viewer,
}

/// A merchant's program, by the key it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub last_used_at: Option<Timestamp>,
}

/// A use is written down this often.
const BETWEEN_USES: std::time::Duration = std::time::Duration::from_secs(60);

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Pay, Scope::Refund];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Pay => "pay",
            Scope::Refund => "refund",
        }
    }

    pub fn parse(word: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

impl Role {
    pub const ALL: [Role; 5] = [
        Role::Owner,
        Role::Finance,
        Role::Support,
        Role::Developer,
        Role::Viewer,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Finance => "finance",
            Role::Support => "support",
            Role::Developer => "developer",
            Role::Viewer => "viewer",
        }
    }

    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A key, its row, its hash and its end.
pub(crate) fn new_key(
    services: &Services,
    name: &str,
    scopes: &[Scope],
    now: Timestamp,
) -> (String, ApiKey, String, String) {
    let key = random_key(services);
    let row = ApiKey {
        id: new_key_id(&services.clock, now),
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        last_used_at: None,
    };
    let (hash, last4) = (hash_of(&key), last4_of(&key));
    (key, row, hash, last4)
}

fn random_key(services: &Services) -> String {
    format!("tq_{}", domain::id::secret_token(services.clock.entropy()))
}

fn last4_of(key: &str) -> String {
    let n = key.chars().count();
    key.chars().skip(n.saturating_sub(4)).collect()
}

/// Makes a key and returns it; nobody can read it again.
pub async fn create_api_key(services: &Services, name: &str, scopes: &[Scope]) -> Result<String, Error> {
    let key = random_key(services);
    ensure_api_key(services, name, &key, scopes).await?;
    Ok(key)
}

/// Makes a key the operator chose; one that is there already stays as it is.
pub async fn ensure_api_key(
    services: &Services,
    name: &str,
    key: &str,
    scopes: &[Scope],
) -> Result<(), Error> {
    let now = services.clock.now();
    let row = ApiKey {
        id: new_key_id(&services.clock, now),
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        last_used_at: None,
    };
    let (hash, last4) = (hash_of(key), last4_of(key));
    let (row, hash, last4) = (&row, &hash, &last4);
    services
        .db
        .write(|tx| async move { rows::insert_api_key(tx, row, hash, last4, now).await }.boxed())
        .await
        .map(drop)
        .map_err(|error: StoreError| Error::Internal(error))
}

/// Looks a key up by its hash, so that no comparison tells how much of it was right.
pub async fn find_api_key(services: &Services, key: &str) -> Result<Option<ApiKey>, Error> {
    let hash = &hash_of(key);
    services
        .db
        .snapshot(|tx| async move { rows::find_api_key(tx, hash).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Whether the last use that was written down is long ago: a write for every call would be too many.
pub fn is_use_due(services: &Services, key: &ApiKey) -> bool {
    let now = services.clock.now();
    key.last_used_at.is_none_or(|at| now.since(at) >= BETWEEN_USES)
}

/// Writes down that a key was used: whoever wants to take it back must see whether anybody needs it.
pub async fn note_use(services: &Services, key: &ApiKey) -> Result<(), Error> {
    let now = services.clock.now();
    let before = now.before(BETWEEN_USES);
    services
        .db
        .write(|tx| async move { rows::touch_api_key(tx, &key.id, before, now).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))
}

/// `false`: this address has a user already.
pub async fn create_user(
    services: &Services,
    email: &str,
    password_hash: &str,
    role: Role,
) -> Result<bool, Error> {
    let now = services.clock.now();
    let id = &UserId::new(now, services.clock.entropy());
    services
        .db
        .write(|tx| async move { rows::insert_user(tx, id, email, password_hash, role, now).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))
}

pub async fn has_api_keys(services: &Services) -> Result<bool, Error> {
    services
        .db
        .snapshot(|tx| async move { rows::has_api_keys(tx).await }.boxed())
        .await
        .map_err(Error::Internal)
}

pub async fn has_users(services: &Services) -> Result<bool, Error> {
    services
        .db
        .snapshot(|tx| async move { rows::has_users(tx).await }.boxed())
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

/// Hash of several texts, each with its length before it, so that no other texts have the same.
pub(crate) fn hash_of_parts(parts: &[&str]) -> String {
    let sealed: String = parts
        .iter()
        .map(|part| format!("{}:{part}", part.len()))
        .collect();
    hash_of(&sealed)
}

/// SHA-256 in hex: how secrets that we made ourselves are kept.
pub(crate) fn hash_of(key: &str) -> String {
    digest(&SHA256, key.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
