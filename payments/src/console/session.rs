//! Sessions: login and logout. A session is stored in the database, so that it can be ended from elsewhere; the browser
//! holds only a random number, and we store only its hash.

use std::time::Duration;

use domain::{Timestamp, UserId, hex_digits};
use futures_util::FutureExt;
use secrecy::{ExposeSecret as _, SecretString};

use super::limits::give_back;
use super::second_factor::{Proof, tell_outcome};
use super::{Act, Action, Actor, Browser, ConsoleError, Permission, Totp, note_act, perform, record};
use crate::api_keys::hash_of;
use crate::error::logged;
use crate::secrets::{Place, Secrets};
use crate::store::sessions::{self, NewSession};
use crate::store::users::CredentialsRow;
use crate::store::{StoreError, held_logins, login_devices, users};
use crate::users::Role;
use crate::{Error, Services};

/// Idle timeout of a session.
const IDLE: Duration = Duration::from_mins(30);
/// Maximum length of a session, even an active one.
const LONGEST: Duration = Duration::from_hours(12);
/// Interval at which a session's activity is written.
const BETWEEN_SIGNS: Duration = Duration::from_mins(1);
/// Time for which a confirmed password is valid for acts that need one.
const CONFIRMED: Duration = Duration::from_mins(10);

/// Logged-in person.
#[derive(Debug, Clone)]
pub struct Operator {
    pub session_id: String,
    pub user_id: String,
    pub email: String,
    pub role: Role,
    pub has_totp: bool,
    /// The password is a first one: nothing else is possible before it is changed.
    pub must_change_password: bool,
    /// The password was confirmed recently.
    pub is_confirmed: bool,
}

impl Operator {
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}

/// Credentials that a login is compared with.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub user_id: String,
    pub email: String,
    pub password_hash: SecretString,
    pub totp: Option<Totp>,
}

/// Entry in the list of a person's sessions.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub ip: Option<String>,
    pub agent: String,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

impl Credentials {
    pub(super) fn read(row: CredentialsRow, secrets: &Secrets) -> Result<Credentials, StoreError> {
        const SEED: StoreError = StoreError::Corrupt("users.totp_secret");
        let open = |text: String| {
            let seed = secrets.open(&Place::totp_of(&row.id), &text).map_err(|_| SEED)?;
            Totp::parse(seed.expose_secret()).ok_or(SEED)
        };
        let totp = row.totp_secret.map(open).transpose()?;
        Ok(Credentials {
            user_id: row.id,
            email: row.email,
            password_hash: row.password_hash.into(),
            totp,
        })
    }
}

/// `None`: no such user may log in.
pub async fn find_credentials(services: &Services, email: &str) -> Result<Option<Credentials>, Error> {
    let secrets = &services.secrets;
    services
        .db
        .snapshot(|tx| {
            async move {
                let row = users::find_credentials(tx, email).await?;
                row.map(|row| Credentials::read(row, secrets)).transpose()
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Opens a session after the password was right; returns the content of its cookie. A code works once.
pub async fn open_session(
    services: &Services,
    who: &Credentials,
    actor: &Actor,
    browser: &Browser,
    code: &str,
) -> Result<String, ConsoleError> {
    let opened = try_to_open(services, who, actor, browser, code).await;
    tell_outcome(services, who, actor, opened).await
}

async fn try_to_open(
    services: &Services,
    who: &Credentials,
    actor: &Actor,
    browser: &Browser,
    code: &str,
) -> Result<String, ConsoleError> {
    let proof = &Proof::read(services, who, browser, code).await?;
    let now = services.clock.now();
    let token = hex_digits(&services.clock.entropy::<32>());
    let id = new_session_id(services, now);
    let (hash, ip) = (hash_of(&token), actor.ip.map(|ip| ip.to_string()));
    let session = &NewSession {
        id: &id,
        hash: &hash,
        user_id: &who.user_id,
        ip: ip.as_deref(),
        agent: browser.agent(),
    };
    services
        .db
        .write(|tx| {
            async move {
                // Checks that may refuse come first, so that a refusal has nothing to undo.
                proof.spend(tx, who, actor, now).await?;
                sessions::insert(tx, session, now).await?;
                give_back(tx, services, &who.email, actor.ip, browser, now).await?;
                login_devices::remember(tx, &who.user_id, browser.hash(), now).await?;
                let act = act_on(Action::LogIn, &who.user_id);
                record(tx, actor, act, now).await?;
                Ok::<_, ConsoleError>(())
            }
            .boxed()
        })
        .await?;
    Ok(token)
}

/// Records a failed login in the audit log. The typed name may be a password, so it is not stored.
pub async fn note_failed_login(
    services: &Services,
    user_id: Option<&str>,
    actor: &Actor,
) -> Result<(), Error> {
    note_act(
        services,
        actor,
        act_on(Action::FailToLogIn, user_id.unwrap_or("unknown")),
    )
    .await
}

/// Finds the person of this cookie, while their session is open.
pub async fn find_operator(services: &Services, token: &str) -> Result<Option<Operator>, Error> {
    let now = services.clock.now();
    let hash = &hash_of(token);
    let found = services
        .db
        .read_one(|tx| async move { sessions::find_open(tx, hash, now - IDLE, now - LONGEST).await }.boxed())
        .await?;
    let Some(row) = found else { return Ok(None) };
    if now.duration_since(Timestamp::from_millis(row.seen_at)) >= BETWEEN_SIGNS {
        try_to_touch(services, &row.id, now).await;
    }
    let role = Role::parse(&row.role).ok_or(StoreError::Corrupt("users.role"))?;
    Ok(Some(Operator {
        session_id: row.id,
        user_id: row.user_id,
        email: row.email,
        role,
        has_totp: row.has_totp,
        must_change_password: row.must_change_password,
        is_confirmed: now.duration_since(Timestamp::from_millis(row.confirmed_at)) < CONFIRMED,
    }))
}

/// Records activity, if possible: reading must work when nothing can be written; the session then ends early.
async fn try_to_touch(services: &Services, session_id: &str, now: Timestamp) {
    let touched: Result<(), StoreError> = services
        .db
        .write_one(|tx| async move { sessions::touch(tx, session_id, now).await }.boxed())
        .await;
    if let Err(error) = touched {
        tracing::warn!(
            error = logged(&error),
            "the activity of a session was not recorded"
        );
    }
}

/// Records that the password was confirmed again.
pub async fn confirm_session(
    services: &Services,
    operator: &Operator,
    who: &Credentials,
    actor: &Actor,
    browser: &Browser,
    code: &str,
) -> Result<(), ConsoleError> {
    let confirmed = try_to_confirm(services, operator, who, actor, browser, code).await;
    tell_outcome(services, who, actor, confirmed).await
}

async fn try_to_confirm(
    services: &Services,
    operator: &Operator,
    who: &Credentials,
    actor: &Actor,
    browser: &Browser,
    code: &str,
) -> Result<(), ConsoleError> {
    let proof = &Proof::read(services, who, browser, code).await?;
    let now = services.clock.now();
    let act = act_on(Action::Confirm, &operator.user_id);
    perform(services, actor, act, &|tx| {
        async move {
            proof.spend(tx, who, actor, now).await?;
            sessions::confirm(tx, &operator.session_id, now).await?;
            give_back(tx, services, &who.email, actor.ip, browser, now).await
        }
        .boxed()
    })
    .await
}

pub async fn end_session(services: &Services, operator: &Operator, actor: &Actor) -> Result<(), Error> {
    let now = services.clock.now();
    let act = act_on(Action::LogOut, &operator.user_id);
    perform(services, actor, act, &|tx| {
        async move { Ok(sessions::end(tx, &operator.session_id, now).await?) }.boxed()
    })
    .await
}

/// Ends all other sessions of the person.
pub async fn end_other_sessions(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
) -> Result<(), Error> {
    let now = services.clock.now();
    let act = act_on(Action::EndSessions, &operator.user_id);
    perform(services, actor, act, &|tx| {
        async move {
            sessions::end_others(tx, &operator.user_id, &operator.session_id, now).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Changes the password, ends every other session and forgets every browser, because the old password may be known.
pub async fn change_password(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    hash: &str,
) -> Result<(), Error> {
    let now = services.clock.now();
    let act = act_on(Action::ChangePassword, &operator.user_id);
    perform(services, actor, act, &|tx| {
        async move {
            users::set_password(tx, &operator.user_id, hash).await?;
            login_devices::forget_all(tx, &operator.user_id).await?;
            held_logins::forget_all(tx, &operator.user_id).await?;
            sessions::end_others(tx, &operator.user_id, &operator.session_id, now).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

pub async fn list_sessions(services: &Services, operator: &Operator) -> Result<Vec<Session>, Error> {
    let now = services.clock.now();
    let rows = services
        .db
        .snapshot(|tx| {
            async move { sessions::list_open(tx, &operator.user_id, now - IDLE, now - LONGEST).await }.boxed()
        })
        .await?;
    let session = |row: sessions::ListedRow| Session {
        id: row.id,
        ip: row.ip,
        agent: row.agent,
        created_at: Timestamp::from_millis(row.created_at),
        seen_at: Timestamp::from_millis(row.seen_at),
    };
    Ok(rows.into_iter().map(session).collect())
}

const fn act_on(action: Action, user_id: &str) -> Act<'_> {
    Act {
        action,
        subject: user_id,
        detail: "",
    }
}

fn new_session_id(services: &Services, now: Timestamp) -> String {
    let name = UserId::new(now, services.clock.entropy());
    format!("ses_{}", name.as_str().trim_start_matches("usr_"))
}
