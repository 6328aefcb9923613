//! Users of the console and their roles.

use domain::{Timestamp, UserId};
use futures_util::FutureExt;

use super::{Act, Action, Actor, ConsoleError, Operator, Permission, perform_and_tell, record};
use crate::store::users::NewUserRow;
use crate::store::{StoreError, Tx, held_logins, login_devices, parse_rows, recovery_codes, sessions, users};
use crate::users::Role;
use crate::{Error, Services};

#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub email: String,
    pub role: Role,
    pub has_totp: bool,
    pub created_at: Timestamp,
    /// The password is still the first one, which another person knows.
    pub must_change_password: bool,
    pub disabled_at: Option<Timestamp>,
    pub seen_at: Option<Timestamp>,
}

impl TryFrom<users::UserRow> for User {
    type Error = StoreError;

    fn try_from(row: users::UserRow) -> Result<User, StoreError> {
        Ok(User {
            id: row.id,
            email: row.email,
            role: Role::parse(&row.role).ok_or(StoreError::Corrupt("users.role"))?,
            has_totp: row.has_totp,
            created_at: Timestamp::from_millis(row.created_at),
            must_change_password: row.must_change_password,
            disabled_at: row.disabled_at.map(Timestamp::from_millis),
            seen_at: row.seen_at.map(Timestamp::from_millis),
        })
    }
}

pub async fn list_users(services: &Services) -> Result<Vec<User>, Error> {
    services
        .db
        .snapshot(|tx| async move { parse_rows(users::list(tx).await?) }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Finds one person, for the pages that ask before an act on them.
pub async fn find_user(services: &Services, user_id: &str) -> Result<User, Error> {
    let users = list_users(services).await?;
    let found = users.into_iter().find(|user| user.id == user_id);
    found.ok_or(Error::NotFound)
}

/// Person to add.
#[derive(Debug, Clone, Copy)]
pub struct Invitation<'a> {
    pub email: &'a str,
    pub password_hash: &'a str,
    pub role: Role,
    /// Another person knows the password: it must be changed at the first login.
    pub must_change_password: bool,
}

/// `false`: this address has a user already, or had one.
pub async fn invite(services: &Services, actor: &Actor, invitation: Invitation<'_>) -> Result<bool, Error> {
    let now = services.clock.now();
    let id = &UserId::new(now, services.clock.entropy());
    let detail = &format!("{}: {}", invitation.email, invitation.role.as_str());
    services
        .db
        .write(|tx| {
            async move {
                let user = NewUserRow {
                    id,
                    email: invitation.email,
                    password_hash: invitation.password_hash,
                    role: invitation.role,
                    must_change_password: invitation.must_change_password,
                };
                if !users::insert(tx, &user, now).await? {
                    return Ok(false);
                }
                let act = Act {
                    action: Action::CreateUser,
                    subject: id.as_str(),
                    detail,
                };
                record(tx, actor, act, now).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Changes a role and ends the person's sessions: the new role starts with a login.
pub async fn change_role(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    user_id: &str,
    role: Role,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    perform_and_tell(services, actor, Action::ChangeRole, &|tx| {
        async move {
            let (email, before) = find_other(tx, operator, user_id).await?;
            users::set_role(tx, user_id, role).await?;
            sessions::end_others(tx, user_id, "", now).await?;
            Ok((
                user_id.to_owned(),
                format!("{email}: {before} -> {}", role.as_str()),
            ))
        }
        .boxed()
    })
    .await
}

/// Disables a person. People are never deleted: the audit log refers to them.
pub async fn disable_user(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    user_id: &str,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    perform_and_tell(services, actor, Action::DisableUser, &|tx| {
        async move {
            let (email, _) = find_other(tx, operator, user_id).await?;
            users::disable(tx, user_id, now).await?;
            sessions::end_others(tx, user_id, "", now).await?;
            Ok((user_id.to_owned(), email))
        }
        .boxed()
    })
    .await
}

/// Lets a disabled person log in again, with the role, password and second factor of before.
pub async fn enable_user(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    user_id: &str,
) -> Result<(), ConsoleError> {
    perform_and_tell(services, actor, Action::EnableUser, &|tx| {
        async move {
            check_owner(tx, operator, user_id).await?;
            let email = users::email_of(tx, user_id).await?;
            let email = email.ok_or(ConsoleError::Core(Error::NotFound))?;
            if !users::enable(tx, user_id).await? {
                return Err(ConsoleError::DecidedAlready);
            }
            Ok((user_id.to_owned(), email))
        }
        .boxed()
    })
    .await
}

/// Resets a login to a new first password, after the loss of the password, or of the phone and the recovery codes.
pub async fn reset_login(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    user_id: &str,
    password_hash: &str,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    perform_and_tell(services, actor, Action::ResetLogin, &|tx| {
        async move {
            let (email, _) = find_other(tx, operator, user_id).await?;
            write_first_password(tx, user_id, password_hash, now).await?;
            Ok((user_id.to_owned(), email))
        }
        .boxed()
    })
    .await
}

/// Resets the login of an e-mail address for the command line, the last way in for an owner without password and phone.
pub async fn reset_login_of(
    services: &Services,
    actor: &Actor,
    email: &str,
    password_hash: &str,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    perform_and_tell(services, actor, Action::ResetLogin, &|tx| {
        async move {
            let user = users::find_credentials(tx, email).await?;
            let user = user.ok_or(ConsoleError::Core(Error::NotFound))?;
            write_first_password(tx, &user.id, password_hash, now).await?;
            Ok((user.id, user.email))
        }
        .boxed()
    })
    .await
}

/// Sets a first password. Second factor, recovery codes, known browsers and sessions end with the old one.
async fn write_first_password(
    tx: &mut Tx<'_>,
    user_id: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    users::set_first_password(tx, user_id, password_hash).await?;
    users::set_totp(tx, user_id, None, 0).await?;
    users::forget_code_tries(tx, user_id).await?;
    login_devices::forget_all(tx, user_id).await?;
    held_logins::forget_all(tx, user_id).await?;
    recovery_codes::remove(tx, user_id).await?;
    sessions::end_others(tx, user_id, "", now).await?;
    Ok(())
}

/// Returns address and role of another person: an owner who could lower themselves could leave no owner at all. Acts on
/// people are serialized, and the actor must still have the permission: of two owners who disable each other at the same
/// time one stays.
async fn find_other(
    tx: &mut Tx<'_>,
    operator: &Operator,
    user_id: &str,
) -> Result<(String, String), ConsoleError> {
    check_owner(tx, operator, user_id).await?;
    let found = users::role_of(tx, user_id).await?;
    found.ok_or(ConsoleError::Core(Error::NotFound))
}

/// Refuses an act on oneself, and one of a person who may not manage users any more.
async fn check_owner(tx: &mut Tx<'_>, operator: &Operator, user_id: &str) -> Result<(), ConsoleError> {
    const NEEDED: Permission = Permission::ManageUsers;
    if operator.user_id == user_id {
        return Err(ConsoleError::OwnRequest);
    }
    users::hold_owners(tx).await?;
    let acting = users::role_of(tx, &operator.user_id).await?;
    let role = acting.and_then(|(_, role)| Role::parse(&role));
    if role.is_some_and(|role| role.may(NEEDED)) {
        Ok(())
    } else {
        Err(ConsoleError::Forbidden(NEEDED))
    }
}
