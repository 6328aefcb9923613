//! Users of the console and their roles.

use app::console::{ConsoleContext, Flash, Problem, pages};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use payments::console::{self, Invitation};
use payments::users::Role;

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::form::{FormError, show_again};
use super::questions::reset_page;
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;
use crate::password;

const USERS: &str = "/admin/people";

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    users_page(&web, &context, StatusCode::OK).await
}

async fn users_page(web: &Web, context: &ConsoleContext, status: StatusCode) -> Result<Response, PageError> {
    let users = console::list_users(&web.services).await?;
    let content = pages::users(context, operator(context)?, users);
    Ok(respond::page_with(
        status,
        context,
        context.words().users,
        content,
    ))
}

pub async fn invite(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    match try_invite(&web, &context, &fields).await {
        Ok(()) => Ok(respond::done(USERS, Flash::UserInvited)),
        Err(error) => {
            let context = show_again(context, USERS, &fields, error)?;
            users_page(&web, &context, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

async fn try_invite(web: &Web, context: &ConsoleContext, fields: &Fields) -> Result<(), FormError> {
    let email = fields.email("email")?;
    let role = Role::parse(fields.text("role")).ok_or(PageError::Malformed)?;
    let password = fields.new_password("password")?;
    let hash = password::hash(password).await.map_err(|_| PageError::Internal)?;
    let invitation = Invitation {
        email: &email,
        password_hash: &hash,
        role,
        must_change_password: true,
    };
    if console::invite(&web.services, &respond::actor(context), invitation).await? {
        Ok(())
    } else {
        Err(FormError::Field("email", Problem::KnownEmail))
    }
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

pub async fn enable(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(user_id): Id,
) -> Result<Response, PageError> {
    let (operator, actor) = (operator(&context)?, respond::actor(&context));
    console::enable_user(&web.services, operator, &actor, &user_id).await?;
    Ok(respond::done(USERS, Flash::UserEnabled))
}

pub async fn reset_login(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(user_id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    match try_reset(&web, &context, &user_id, &fields).await {
        Ok(()) => Ok(respond::done(USERS, Flash::LoginReset)),
        Err(error) => {
            let action = format!("{USERS}/{user_id}/reset");
            let context = show_again(context, &action, &fields, error)?;
            reset_page(&web, &context, &user_id, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

async fn try_reset(
    web: &Web,
    context: &ConsoleContext,
    user_id: &str,
    fields: &Fields,
) -> Result<(), FormError> {
    let password = fields.new_password("password")?;
    let hash = password::hash(password).await.map_err(|_| PageError::Internal)?;
    let (operator, actor) = (operator(context)?, respond::actor(context));
    Ok(console::reset_login(&web.services, operator, &actor, user_id, &hash).await?)
}
