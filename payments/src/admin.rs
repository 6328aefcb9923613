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
}

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

/// Makes a key and returns it; nobody can read it again.
pub async fn create_api_key(services: &Services, name: &str, scopes: &[Scope]) -> Result<String, Error> {
    let key = format!("tq_{}", domain::id::secret_token(services.clock.entropy()));
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
    };
    let hash = hash_of(key);
    let mut tail: Vec<char> = key.chars().rev().take(4).collect();
    tail.reverse();
    let last4: String = tail.into_iter().collect();
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

fn hash_of(key: &str) -> String {
    digest(&SHA256, key.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
