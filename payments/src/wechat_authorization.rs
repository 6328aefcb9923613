//! Authorisation of payers inside WeChat: learns a payer's openid without a question to the payer, so that a checkout page can
//! pay by JSAPI.
//!
//! The state of an authorisation is random, bound to the order and to the visitor's cookie, used once and short-lived:
//! a link with a foreign state could make another person's browser pay, or tell whose openid a page has. The openid is sealed
//! at rest, and a hash of it finds the rows of one payer.

use std::time::Duration;

use domain::{Channel, Order};
use futures_util::FutureExt;
use secrecy::{ExposeSecret as _, SecretString};

use crate::api_keys::{hash_of, hash_of_parts};
use crate::gateway::{GatewayError, wechat::Oauth};
use crate::secrets::Place;
use crate::store::wechat_openids::{self, NewAuthorization, NewOpenid};
use crate::{Error, Services};

/// Lifetime of a state: WeChat sends the browser back within seconds.
const STATE_LIFE: Duration = Duration::from_mins(5);
/// Authorisations of one order at a time: anybody with the link can begin one.
const MAX_STATES: i64 = 50;
/// Time for which a visitor's openid is used; the cookie lives as long.
pub const OPENID_LIFE: Duration = Duration::from_hours(30 * 24);

/// Reason why an openid is not learnt.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    /// Unknown, used, too old, or of another order or visitor.
    #[error("the state of the authorisation is not good")]
    State,
    /// WeChat refused the code: used before, too old, or of another app.
    #[error("WeChat refused the code")]
    Code(#[source] GatewayError),
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Whether pages inside WeChat can learn the payer's openid.
pub fn can_authorize(services: &Services) -> bool {
    oauth_settings(services).is_some()
}

/// Origin of WeChat's authorisation, which forms of pages are redirected to.
pub fn authorization_origin(services: &Services) -> Option<String> {
    oauth_settings(services).map(Oauth::origin)
}

/// Begins an authorisation; returns the address that the visitor's browser opens. It comes back to `return_url`.
pub async fn begin_authorization(
    services: &Services,
    order: &Order,
    visitor: &str,
    return_url: &str,
) -> Result<String, Error> {
    let oauth = oauth_settings(services).ok_or(Error::MethodUnavailable(Channel::Wechat.method()))?;
    let state = services.clock.nonce();
    let (state_hash, visitor_hash) = (&hash_of(&state), &hash_of(visitor));
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                if wechat_openids::forget_stale(tx, &order.id, visitor_hash, now).await? >= MAX_STATES {
                    return Err(Error::RateLimited { wait: STATE_LIFE });
                }
                let new = NewAuthorization {
                    state_hash,
                    order_id: &order.id,
                    visitor_hash,
                    expires_at: now + STATE_LIFE,
                };
                wechat_openids::begin(tx, &new).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
    Ok(oauth.address(&state, return_url))
}

/// Ends an authorisation with the code that the visitor's browser brought; returns the openid, which is kept for the visitor.
///
/// The state is used up before WeChat is asked, whatever becomes of the code.
pub async fn finish_authorization(
    services: &Services,
    order: &Order,
    visitor: &str,
    state: &str,
    code: &str,
) -> Result<SecretString, AuthorizationError> {
    let oauth = oauth_settings(services).ok_or(AuthorizationError::State)?;
    let (state_hash, visitor_hash) = (&hash_of(state), &hash_of(visitor));
    let now = services.clock.now();
    let is_good = services
        .db
        .write_one(|tx| wechat_openids::take(tx, state_hash, &order.id, visitor_hash, now).boxed())
        .await
        .map_err(Error::Internal)?;
    if !is_good {
        return Err(AuthorizationError::State);
    }
    let openid = oauth.exchange(code).await.map_err(|error| match error {
        GatewayError::Declined { .. } => AuthorizationError::Code(error),
        source => AuthorizationError::Failed(Error::Unreachable {
            channel: Channel::Wechat,
            source,
        }),
    })?;
    keep_openid(services, visitor_hash, &openid).await?;
    Ok(SecretString::from(openid))
}

/// Finds the openid that was learnt of a visitor.
pub async fn find_openid(services: &Services, visitor: &str) -> Result<Option<SecretString>, Error> {
    let Some(app_id) = app_id(services) else {
        return Ok(None);
    };
    let visitor_hash = &hash_of(visitor);
    let learnt_after = services.clock.now() - OPENID_LIFE;
    let sealed = services
        .db
        .read_one(|tx| wechat_openids::find(tx, visitor_hash, app_id, learnt_after).boxed())
        .await?;
    // One that was sealed with another key is learnt again.
    let place = Place::wechat_openid(visitor_hash);
    Ok(sealed.and_then(|sealed| services.secrets.open(&place, &sealed).ok()))
}

async fn keep_openid(services: &Services, visitor_hash: &str, openid: &str) -> Result<(), Error> {
    let app_id = app_id(services).ok_or(Error::MethodUnavailable(Channel::Wechat.method()))?;
    let openid_hash = &hash_of_parts(&[app_id, openid]);
    let place = Place::wechat_openid(visitor_hash);
    let sealed = &services.secrets.seal(&place, openid, services.clock.entropy());
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let new = NewOpenid {
                    visitor_hash,
                    app_id,
                    openid_hash,
                    openid: sealed,
                };
                wechat_openids::keep(tx, &new, now).await
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Exposes an openid for a create call.
pub fn openid_text(openid: &SecretString) -> String {
    openid.expose_secret().to_owned()
}

fn oauth_settings(services: &Services) -> Option<&Oauth> {
    services.gateways.get(Channel::Wechat)?.oauth()
}

fn app_id(services: &Services) -> Option<&str> {
    services.gateways.wechat_app_id()
}
