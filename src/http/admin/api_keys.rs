//! API keys of merchants' programs.

use app::console::{ConsoleContext, Flash, pages};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use domain::Money;
use payments::api_keys::{KeyDraft, KeyLimits, Scope};
use payments::console;

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::filter::set;
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const KEYS: &str = "/admin/keys";

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    let keys = console::list_keys(&web.services).await?;
    let content = pages::keys(&context, keys, None);
    Ok(respond::page(&context, context.words().keys, content))
}

/// Creates an API key and shows it in the answer itself, once: after a redirect its address would have to carry the key.
pub async fn create(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    let name = fields.line("name", 100)?;
    let scopes: Vec<Scope> = Scope::ALL
        .into_iter()
        .filter(|scope| fields.text(scope.as_str()) == "on")
        .collect();
    if scopes.is_empty() {
        return Err(PageError::Malformed);
    }
    let limits = KeyLimits {
        per_refund: parse_limit(fields.text("most_per_refund"))?,
        per_day: parse_limit(fields.text("most_per_day"))?,
    };
    let draft = KeyDraft {
        name,
        scopes: &scopes,
        limits,
    };
    let (operator, actor) = (operator(&context)?, respond::actor(&context));
    let key = console::make_key(&web.services, operator, &actor, &draft).await?;
    let keys = console::list_keys(&web.services).await?;
    let content = pages::keys(&context, keys, Some(key));
    Ok(respond::page(&context, context.words().keys, content))
}

/// Parses a limit in yuan; empty is no limit.
fn parse_limit(text: &str) -> Result<Option<Money>, PageError> {
    set(text, |text| Money::parse_yuan(text).ok())
}

pub async fn revoke(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    console::revoke_key(&web.services, &respond::actor(&context), &id).await?;
    Ok(respond::done(KEYS, Flash::KeyRevoked))
}
