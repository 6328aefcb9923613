//! Browsers that people log in from. A known one is recognised by a cookie that is valid for a year.

use domain::hex_digits;
use futures_util::FutureExt;

use crate::api_keys::hash_of;
use crate::store::login_devices;
use crate::{Error, Services};

/// Browser of a login.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Random number in its cookie, of which we store the hash.
    token: String,
    hash: String,
    is_known: bool,
    agent: String,
}

impl Browser {
    /// A browser without a known login.
    pub fn unknown(services: &Services, agent: &str) -> Browser {
        let token = hex_digits(&services.clock.entropy::<32>());
        Browser {
            hash: hash_of(&token),
            token,
            is_known: false,
            agent: agent.to_owned(),
        }
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn agent(&self) -> &str {
        &self.agent
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// `None`: the person has not logged in from this browser before.
    pub(super) fn known_hash(&self) -> Option<&str> {
        self.is_known.then_some(&self.hash)
    }
}

/// Looks up whether this person has logged in from the browser with this cookie. A cookie of ours that is new to this
/// person stays the cookie of the browser.
pub async fn recognise_browser(
    services: &Services,
    email: &str,
    cookie: Option<&str>,
    agent: &str,
) -> Result<Browser, Error> {
    let is_token = |token: &&str| token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(token) = cookie.filter(is_token) else {
        return Ok(Browser::unknown(services, agent));
    };
    let hash = hash_of(token);
    let looked_for = hash.as_str();
    let is_known = services
        .db
        .read_one(|tx| async move { login_devices::is_known(tx, email, looked_for).await }.boxed())
        .await?;
    Ok(Browser {
        token: token.to_owned(),
        hash,
        is_known,
        agent: agent.to_owned(),
    })
}
