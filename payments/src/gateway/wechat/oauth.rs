//! Silent authorisation of a payer inside WeChat (`snsapi_base`): the payer's browser brings a code, which is exchanged for
//! the payer's openid in our app.
//!
//! Answers of this host are not signed: TLS is all that proves them. A wrong openid makes a payment that its payer cannot
//! open, and moves no money.

use http::{HeaderValue, Method, StatusCode, header};
use reqwest::Request;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::super::scalar::Scalar;
use super::super::transport::{Transport, base_url};
use super::super::{GatewayError, KeyError, is_plain};
use crate::Clock;

/// Settings of the authorisation, named as in the configuration.
#[derive(Debug, Clone)]
pub struct OauthSettings {
    pub app_secret: SecretString,
    /// `https://open.weixin.qq.com`, which the payer's browser opens.
    pub authorize_url: String,
    /// `https://api.weixin.qq.com`, which we ask.
    pub api_url: String,
}

#[derive(Debug)]
pub struct Oauth {
    app_id: String,
    app_secret: SecretString,
    authorize: Url,
    api: Url,
    transport: Transport,
}

/// Answer to a code; errors have status 200 too.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    openid: Scalar,
    #[serde(default)]
    errcode: Scalar,
    #[serde(default)]
    errmsg: Scalar,
}

impl Oauth {
    pub(super) fn new(app_id: &str, settings: OauthSettings, clock: Clock) -> Result<Oauth, KeyError> {
        let secret = settings.app_secret.expose_secret();
        if !is_plain(secret) {
            return Err(KeyError::new(
                "WECHAT_APP_SECRET",
                "wanted visible ASCII characters",
            ));
        }
        let api = base_url("WECHAT_OAUTH_API", &settings.api_url)?;
        Ok(Oauth {
            app_id: app_id.to_owned(),
            authorize: base_url("WECHAT_OAUTH_URL", &settings.authorize_url)?,
            transport: Transport::new("WECHAT_OAUTH_API", &api, clock)?,
            api,
            app_secret: settings.app_secret,
        })
    }

    /// Origin that a form of ours may be redirected to.
    pub fn origin(&self) -> String {
        self.authorize.origin().ascii_serialization()
    }

    /// Builds the address that the payer's browser opens. WeChat checks the order of the parameters and the fragment.
    pub fn address(&self, state: &str, return_url: &str) -> String {
        let base = self.authorize.as_str().trim_end_matches('/');
        let escaped: String = byte_serialize(return_url.as_bytes()).collect();
        format!(
            "{base}/connect/oauth2/authorize?appid={}&redirect_uri={escaped}&response_type=code&scope=snsapi_base\
             &state={state}#wechat_redirect",
            self.app_id
        )
    }

    /// Exchanges a code for the openid of the payer who brought it. A code is good for one exchange within five minutes.
    pub async fn exchange(&self, code: &str) -> Result<String, GatewayError> {
        let mut url = self.api.clone();
        let path = format!("{}/sns/oauth2/access_token", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.query_pairs_mut()
            .append_pair("appid", &self.app_id)
            .append_pair("secret", self.app_secret.expose_secret())
            .append_pair("code", code)
            .append_pair("grant_type", "authorization_code");
        let mut request = Request::new(Method::GET, url);
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json);
        let answer = self.transport.send(request).await?;
        if answer.status != StatusCode::OK {
            return Err(GatewayError::unknown(format!(
                "status {}",
                answer.status.as_u16()
            )));
        }
        let answer: Answer = serde_json::from_slice(&answer.body)
            .map_err(|_| GatewayError::unknown("the answer to a code is not readable"))?;
        match answer.openid.0 {
            Some(openid) if is_plain(&openid) => Ok(openid),
            _ => Err(GatewayError::Declined {
                code: answer.errcode.0.unwrap_or_default(),
                message: answer.errmsg.0.unwrap_or_default(),
                is_authentic: false,
            }),
        }
    }
}
