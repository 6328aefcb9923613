//! API keys of merchants' programs.

use app::console::{ConsoleContext, Flash, Problem, pages};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use payments::api_keys::{KeyDraft, KeyLimits, Scope};
use payments::console;

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::form::{FormError, show_again};
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const KEYS: &str = "/admin/keys";

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    keys_page(&web, &context, StatusCode::OK, None).await
}

async fn keys_page(
    web: &Web,
    context: &ConsoleContext,
    status: StatusCode,
    new: Option<String>,
) -> Result<Response, PageError> {
    let keys = console::list_keys(&web.services).await?;
    let content = pages::keys(context, keys, new);
    Ok(respond::page_with(status, context, context.words().keys, content))
}

/// Creates an API key and shows it in the answer itself, once: after a redirect its address would have to carry the key.
pub async fn create(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    match try_create(&web, &context, &fields).await {
        Ok(Some(key)) => keys_page(&web, &context, StatusCode::OK, Some(key)).await,
        Ok(None) => Ok(respond::done(KEYS, Flash::SentBefore)),
        Err(error) => {
            let context = show_again(context, KEYS, &fields, error)?;
            keys_page(&web, &context, StatusCode::UNPROCESSABLE_ENTITY, None).await
        }
    }
}

/// Returns the new key; `None` when the form was sent before.
async fn try_create(
    web: &Web,
    context: &ConsoleContext,
    fields: &Fields,
) -> Result<Option<String>, FormError> {
    let name = fields.required("name", 100)?;
    let scopes: Vec<Scope> = Scope::ALL
        .into_iter()
        .filter(|scope| fields.text(scope.as_str()) == "on")
        .collect();
    if scopes.is_empty() {
        return Err(FormError::Field("scopes", Problem::NoScope));
    }
    let limits = KeyLimits {
        per_refund: fields.optional_amount("most_per_refund")?,
        per_day: fields.optional_amount("most_per_day")?,
    };
    let draft = KeyDraft {
        name,
        scopes: &scopes,
        limits,
    };
    if !console::use_form(&web.services, fields.text("once")).await? {
        return Ok(None);
    }
    let (operator, actor) = (operator(context)?, respond::actor(context));
    let key = console::make_key(&web.services, operator, &actor, &draft).await?;
    Ok(Some(key))
}

pub async fn revoke(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    console::revoke_key(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(KEYS, Flash::KeyRevoked))
}
