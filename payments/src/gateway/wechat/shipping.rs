//! Shipping information of payments in the mini program (发货信息录入): WeChat holds their money back until it is uploaded
//! (docs/gateway-facts.md 1.6.8).
//!
//! Answers of this host are not signed: TLS is all that proves them, and no money of ours moves by them.

use std::sync::Arc;

use domain::{Channel, PaymentNo};
use http::{HeaderValue, Method, StatusCode, header};
use reqwest::Request;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::super::calls::{Call, CallLog, Operation};
use super::super::scalar::Scalar;
use super::super::transport::{self, Transport, base_url};
use super::super::{GatewayError, KeyError, is_plain};
use super::to_json;
use crate::Clock;
use crate::calendar::rfc3339_beijing_millis;
use crate::model::shipping::Logistics;

/// Setting of the secret.
pub(super) const APP_SECRET: &str = "WECHAT_MINI_APP_SECRET";
/// Path of the call that uploads.
const UPLOAD: &str = "wxa/sec/order/upload_shipping_info";
/// A token is used until so shortly before its end: in its last minutes WeChat gives the next one, and both are good.
const RENEWED_BEFORE_SECONDS: u64 = 5 * 60;
/// Most characters of the description of what was sold.
const MOST_DESCRIPTION: usize = 120;
/// The token is over, or was replaced by another program that has the secret.
const TOKEN_OVER: [&str; 3] = ["40001", "40014", "42001"];
/// The same content was uploaded before, by us or by a person in WeChat's console.
const UPLOADED_BEFORE: [&str; 3] = ["10060002", "10060003", "10060023"];
/// WeChat is busy or our quota is used up. A payment is not known (10060001) in its first minute.
const NOT_NOW: [&str; 7] = [
    "-1", "10060001", "10060012", "10060019", "44990", "45009", "45011",
];

/// Settings of calls to api.weixin.qq.com for the mini program, named as in the configuration.
#[derive(Debug, Clone)]
pub struct MiniApiSettings {
    pub app_secret: SecretString,
    /// `https://api.weixin.qq.com`
    pub api_url: String,
}

/// Reason why shipping information is not uploaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShippingError {
    /// There is no access token: nothing can be uploaded.
    #[error("no access token: {0}")]
    Token(#[source] GatewayError),
    #[error(transparent)]
    Upload(GatewayError),
}

/// Payment whose goods were delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shipment<'a> {
    pub payment_no: &'a PaymentNo,
    pub transaction_id: &'a str,
    pub openid: &'a str,
    pub subject: &'a str,
    pub logistics: Logistics,
}

#[derive(Debug)]
pub(crate) struct ShippingApi {
    app_id: String,
    app_secret: SecretString,
    api: Url,
    transport: Transport,
    /// Gateway log of the merchant's other calls to WeChat.
    calls: Arc<CallLog>,
    clock: Clock,
    token: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    text: SecretString,
    used_until_seconds: u64,
}

#[derive(Serialize)]
struct TokenCall<'a> {
    grant_type: &'static str,
    appid: &'a str,
    secret: &'a str,
}

#[derive(Serialize)]
struct Upload<'a> {
    order_key: OrderKey<'a>,
    logistics_type: u8,
    delivery_mode: u8,
    shipping_list: [Item; 1],
    upload_time: String,
    payer: super::wire::Openid<'a>,
}

#[derive(Serialize)]
struct OrderKey<'a> {
    order_number_type: u8,
    transaction_id: &'a str,
}

#[derive(Serialize)]
struct Item {
    item_desc: String,
}

/// Answer to either call; errors have status 200 too.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: Scalar,
    #[serde(default)]
    expires_in: Scalar,
    #[serde(default)]
    errcode: Scalar,
    #[serde(default)]
    errmsg: Scalar,
}

impl ShippingError {
    /// Whether WeChat said no, and the same call would be refused again.
    pub(crate) fn is_refusal(&self) -> bool {
        let (ShippingError::Token(source) | ShippingError::Upload(source)) = self;
        matches!(source, GatewayError::Declined { .. })
    }
}

impl ShippingApi {
    pub(super) fn new(
        app_id: &str,
        settings: MiniApiSettings,
        calls: Arc<CallLog>,
        clock: Clock,
    ) -> Result<ShippingApi, KeyError> {
        check_secret(&settings.app_secret)?;
        let api = base_url("WECHAT_OAUTH_API", &settings.api_url)?;
        Ok(ShippingApi {
            app_id: app_id.to_owned(),
            app_secret: settings.app_secret,
            transport: Transport::new("WECHAT_OAUTH_API", &api, clock.clone())?,
            api,
            calls,
            clock,
            token: Mutex::default(),
        })
    }

    /// Uploads the shipping information of a payment. It is safe to repeat: what was uploaded before is done.
    pub(crate) async fn upload(&self, shipment: &Shipment<'_>) -> Result<(), ShippingError> {
        let token = self.token().await.map_err(ShippingError::Token)?;
        let answer = self.send_upload(&token, shipment).await;
        if !is_token_over(&answer) {
            return answer.map_err(ShippingError::Upload);
        }
        self.forget(&token).await;
        let token = self.token().await.map_err(ShippingError::Token)?;
        let answer = self.send_upload(&token, shipment).await;
        if is_token_over(&answer) {
            return answer.map_err(ShippingError::Token);
        }
        answer.map_err(ShippingError::Upload)
    }

    async fn send_upload(&self, token: &Token, shipment: &Shipment<'_>) -> Result<(), GatewayError> {
        let body = to_json(&Upload {
            order_key: OrderKey {
                order_number_type: 2,
                transaction_id: shipment.transaction_id,
            },
            logistics_type: logistics_type(shipment.logistics),
            delivery_mode: 1,
            shipping_list: [Item {
                item_desc: shipment.subject.chars().take(MOST_DESCRIPTION).collect(),
            }],
            upload_time: rfc3339_beijing_millis(self.clock.now()),
            payer: super::wire::Openid {
                openid: shipment.openid,
            },
        });
        let mut url = self.address(UPLOAD);
        url.query_pairs_mut()
            .append_pair("access_token", token.text.expose_secret());
        let line = format!("POST /{UPLOAD}");
        let about = Operation::UploadShipping.about(shipment.payment_no);
        let mut call = Call::begin(Channel::Wechat, about, line, &body, self.clock.now());
        let sent = self.post(url, body).await;
        call.returned(&sent, self.clock.now());
        let answer = sent.and_then(|answer| {
            let read = read_answer(&answer);
            call.judged(read.as_ref().map(|_| false));
            read
        });
        self.calls.note(call);
        let answer = answer?;
        match answer.errcode.as_deref() {
            Some("0") => Ok(()),
            Some(code) if UPLOADED_BEFORE.contains(&code) => Ok(()),
            _ => Err(answer.refusal()),
        }
    }

    /// Returns the access token that is kept, or fetches one. Callers wait for one fetch.
    async fn token(&self) -> Result<Token, GatewayError> {
        let mut kept = self.token.lock().await;
        let now_seconds = self.clock.monotonic().as_secs();
        if let Some(token) = kept
            .as_ref()
            .filter(|token| now_seconds < token.used_until_seconds)
        {
            return Ok(token.clone());
        }
        let body = to_json(&TokenCall {
            grant_type: "client_credential",
            appid: &self.app_id,
            secret: self.app_secret.expose_secret(),
        });
        let answer = read_answer(&self.post(self.address("cgi-bin/stable_token"), body).await?)?;
        let text = match answer.access_token.as_deref() {
            Some(text) if is_token(text) => SecretString::from(text),
            _ => return Err(answer.refusal()),
        };
        let lifetime: Option<u64> = answer.expires_in.as_deref().and_then(|text| text.parse().ok());
        let token = Token {
            text,
            used_until_seconds: (now_seconds + lifetime.unwrap_or(0)).saturating_sub(RENEWED_BEFORE_SECONDS),
        };
        *kept = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token, unless another caller has replaced it already.
    async fn forget(&self, token: &Token) {
        let mut kept = self.token.lock().await;
        let is_kept = |kept: &Token| kept.text.expose_secret() == token.text.expose_secret();
        if kept.as_ref().is_some_and(is_kept) {
            *kept = None;
        }
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.api.clone();
        let path = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    async fn post(&self, url: Url, body: String) -> Result<transport::Answer, GatewayError> {
        let mut request = Request::new(Method::POST, url);
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json.clone());
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        *request.body_mut() = Some(body.into());
        self.transport.send(request).await
    }
}

fn read_answer(answer: &transport::Answer) -> Result<Answer, GatewayError> {
    if answer.status != StatusCode::OK {
        return Err(GatewayError::unknown(format!(
            "status {}",
            answer.status.as_u16()
        )));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| GatewayError::unknown("the answer of api.weixin.qq.com is not readable"))
}

impl Answer {
    fn refusal(self) -> GatewayError {
        let (code, message) = (self.errcode.0, self.errmsg.0.unwrap_or_default());
        match code {
            None => GatewayError::unknown("an answer of api.weixin.qq.com without its result"),
            Some(code) if NOT_NOW.contains(&code.as_str()) => GatewayError::RetrySame {
                reason: format!("{code}: {message}"),
            },
            Some(code) => GatewayError::Declined {
                code,
                message,
                is_authentic: false,
            },
        }
    }
}

fn is_token_over(answer: &Result<(), GatewayError>) -> bool {
    matches!(answer, Err(GatewayError::Declined { code, .. }) if TOKEN_OVER.contains(&code.as_str()))
}

/// WeChat advises room for 512 characters.
fn is_token(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

const fn logistics_type(logistics: Logistics) -> u8 {
    match logistics {
        Logistics::Virtual => 3,
        Logistics::Pickup => 4,
    }
}

/// Checks the format of the mini program's secret.
pub(super) fn check_secret(secret: &SecretString) -> Result<(), KeyError> {
    if is_plain(secret.expose_secret()) {
        return Ok(());
    }
    Err(KeyError::new(APP_SECRET, "wanted visible ASCII characters"))
}
