//! Merchants of the epay protocol.

use app::console::{ConsoleContext, Flash, Problem, pages};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::OrderId;
use payments::api_keys::Scope;
use payments::console;
use payments::epay::{self, MerchantKeys, Pid};
use secrecy::ExposeSecret as _;

use super::account::operator;
use super::error::PageError;
use super::fields::Fields;
use super::form::{FormError, show_again};
use super::respond;
use crate::http::api::Id;
use crate::http::web::Web;

const EPAY: &str = "/admin/epay";

pub async fn list(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
) -> Result<Response, PageError> {
    show_merchants(&web, &context, StatusCode::OK, Vec::new()).await
}

async fn show_merchants(
    web: &Web,
    context: &ConsoleContext,
    status: StatusCode,
    new: Vec<(&'static str, String)>,
) -> Result<Response, PageError> {
    let view = pages::EpayView {
        is_on: web.site.epay.is_on,
        allows_refunds: web.site.epay.allows_refunds,
        public_url: web.site.public_url.as_str().to_owned(),
        merchants: epay::list_merchants(&web.services).await?,
        notifications: epay::list_notifications(&web.services).await?,
        new,
    };
    let content = pages::epay(context, view);
    Ok(respond::page_with(status, context, context.words().epay, content))
}

/// The key of a merchant may refund, so it is made by somebody who may.
fn check_scope(web: &Web, context: &ConsoleContext) -> Result<(), PageError> {
    let may_refund = operator(context)?.role.scopes().contains(&Scope::Refund);
    if web.site.epay.allows_refunds && !may_refund {
        return Err(PageError::ForeignScope);
    }
    Ok(())
}

/// Makes a merchant and shows its keys in the answer itself, once: after a redirect an address would have to carry them.
pub async fn create(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    fields: Fields,
) -> Result<Response, PageError> {
    match try_create(&web, &context, &fields).await {
        Ok(Some(made)) => show_merchants(&web, &context, StatusCode::OK, lines_of(&made)).await,
        Ok(None) => Ok(respond::done(EPAY, Flash::SentBefore)),
        Err(error) => {
            let context = show_again(context, EPAY, &fields, error)?;
            show_merchants(&web, &context, StatusCode::UNPROCESSABLE_ENTITY, Vec::new()).await
        }
    }
}

/// Returns the keys of the new merchant; `None` when the form was sent before.
async fn try_create(
    web: &Web,
    context: &ConsoleContext,
    fields: &Fields,
) -> Result<Option<MerchantKeys>, FormError> {
    check_scope(web, context)?;
    let name = fields.required("name", 100)?;
    let public_key = fields.optional("public_key", Problem::NoPublicKey, |text| {
        epay::read_public_key("public_key", text).ok()
    })?;
    if !console::use_form(&web.services, fields.text("once")).await? {
        return Ok(None);
    }
    let actor = respond::actor(context);
    let made = epay::create_merchant(&web.services, &actor, name, public_key.as_deref()).await?;
    Ok(Some(made))
}

fn lines_of(made: &MerchantKeys) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("pid", made.pid.to_string()),
        ("key", made.key.expose_secret().to_owned()),
        ("platform_public_key", made.platform_public_key.clone()),
    ];
    let private = made.merchant_private_key.as_ref();
    lines.extend(private.map(|key| ("merchant_private_key", key.expose_secret().to_owned())));
    lines
}

fn pid_of(id: &str) -> Result<Pid, PageError> {
    Pid::parse(id).ok_or(PageError::NotFound)
}

pub async fn rotate(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
    fields: Fields,
) -> Result<Response, PageError> {
    check_scope(&web, &context)?;
    let pid = pid_of(&id)?;
    if !console::use_form(&web.services, fields.text("once")).await? {
        return Ok(respond::done(EPAY, Flash::SentBefore));
    }
    let key = epay::rotate_key(&web.services, &respond::actor(&context), pid).await?;
    let new = vec![("pid", pid.to_string()), ("key", key.expose_secret().to_owned())];
    show_merchants(&web, &context, StatusCode::OK, new).await
}

pub async fn disable(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    epay::set_disabled(&web.services, &respond::actor(&context), pid_of(&id)?, true).await?;
    Ok(respond::done(EPAY, Flash::EpayMerchantDisabled))
}

pub async fn enable(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    epay::set_disabled(&web.services, &respond::actor(&context), pid_of(&id)?, false).await?;
    Ok(respond::done(EPAY, Flash::EpayMerchantEnabled))
}

pub async fn send_again(
    State(web): State<Web>,
    Extension(context): Extension<ConsoleContext>,
    Id(id): Id,
) -> Result<Response, PageError> {
    let order_id = OrderId::parse(&id).ok_or(PageError::NotFound)?;
    epay::send_notification_again(&web.services, &respond::actor(&context), &order_id).await?;
    Ok(respond::done(EPAY, Flash::EpayNotificationSent))
}
