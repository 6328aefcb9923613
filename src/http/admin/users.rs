//! Users of the console and their roles.

use app::console::{ConsoleContext, Flash, pages};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use payments::console::{self, Invitation};
use payments::users::Role;

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::respond;
use crate::config::{parse_email, parse_password};
use crate::http::api::Id;
use crate::http::web::Web;
use crate::password;

const USERS: &str = "/admin/people";

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let users = console::list_users(&web.services).await?;
    let content = pages::users(&context, operator(&context)?, users);
    Ok(respond::page(&context, context.words().users, content))
}

pub async fn invite(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    let email = parse_email(fields.text("email")).map_err(|_| PageError::Malformed)?;
    let role = Role::parse(fields.text("role")).ok_or(PageError::Malformed)?;
    let password = parse_password(fields.raw("password")).map_err(|_| PageError::Malformed)?;
    let hash = password::hash(password).await.map_err(|_| PageError::Internal)?;
    let invitation = Invitation {
        email: &email,
        password_hash: &hash,
        role,
        must_change_password: true,
    };
    let is_new = console::invite(&web.services, &respond::actor(&context), invitation).await?;
    let flash = if is_new {
        Flash::UserInvited
    } else {
        Flash::UserKnown
    };
    Ok(respond::done(USERS, flash))
}

pub async fn change_role(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(user_id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let role = Role::parse(fields.text("role")).ok_or(PageError::Malformed)?;
    console::change_role(
        &web.services,
        operator(&context)?,
        &respond::actor(&context),
        &user_id,
        role,
    )
    .await?;
    Ok(respond::done(USERS, Flash::RoleChanged))
}

pub async fn disable(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(user_id): Id,
) -> Result<Response, PageError> {
    console::disable_user(
        &web.services,
        operator(&context)?,
        &respond::actor(&context),
        &user_id,
    )
    .await?;
    Ok(respond::done(USERS, Flash::UserDisabled))
}

pub async fn reset_login(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(user_id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    let password = parse_password(fields.raw("password")).map_err(|_| PageError::Malformed)?;
    let hash = password::hash(password).await.map_err(|_| PageError::Internal)?;
    let (operator, actor) = (operator(&context)?, respond::actor(&context));
    console::reset_login(&web.services, operator, &actor, &user_id, &hash).await?;
    Ok(respond::done(USERS, Flash::LoginReset))
}
