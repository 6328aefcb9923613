//! WeChat Pay APIv3, direct merchant: the calls, each signed by us and believed only when WeChat signed the answer.

mod keys;
mod notice;
pub mod sign;
mod wire;

use domain::{PaymentNo, Product, Report};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Body, Request};
use secrecy::SecretString;
use tracing::{debug, warn};
use url::Url;

pub use self::keys::{ApiV3Key, PlatformKeys, Sealed, read_certificates};
use self::notice::Reader;
use self::sign::{Distrust, authorization, request_message};
use self::wire::{CloseTrade, NativePrompt, NewAmount, NewTrade, NoReport, Trade};
use super::transport::{Answer, Transport, base_url, notify_url};
use super::{
    Ask, Closing, GatewayError, KeyError, Notice, NoticeError, Reception, SigningKey, is_address, shortened,
};
use crate::Clock;
use crate::calendar::rfc3339_beijing;

/// The longest `description` (protocols 1.6.1).
const MOST_DESCRIPTION: usize = 127;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A merchant at WeChat Pay. The names are those of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    pub app_id: String,
    pub mch_id: String,
    /// The serial of the merchant's certificate.
    pub serial_no: String,
    pub api_v3_key: SecretString,
    pub private_key: SecretString,
    pub verify: Verify,
    /// `https://api.mch.weixin.qq.com`
    pub gateway_url: String,
    pub notify_url: String,
}

/// What WeChat's signatures are checked with.
#[derive(Debug, Clone)]
pub enum Verify {
    /// The WeChat Pay public key, and its `PUB_KEY_ID_…`. Platform certificates may stand beside it in the same text,
    /// for the days in which WeChat signs with either.
    PublicKey { id: String, key: String },
    /// One or several platform certificates; their serials are read from them.
    Certificate { pem: String },
    /// Platform certificates are downloaded when they are needed.
    Download,
}

#[derive(Debug)]
pub struct Wechat {
    app_id: String,
    mch_id: String,
    serial_no: String,
    /// The key we ask WeChat to sign with: without this header it may choose another (protocols 1.1).
    wanted_serial: Option<HeaderValue>,
    own_key: SigningKey,
    platform_keys: PlatformKeys,
    api_v3_key: ApiV3Key,
    base: Url,
    notify_url: String,
    transport: Transport,
    clock: Clock,
}

impl Wechat {
    /// No network is used: a new merchant has no certificate to download (T-11), and WeChat may be down.
    pub fn new(settings: Settings, clock: Clock) -> Result<Wechat, KeyError> {
        for (setting, text) in [
            ("WECHAT_APP_ID", &settings.app_id),
            ("WECHAT_MCH_ID", &settings.mch_id),
            ("WECHAT_SERIAL_NO", &settings.serial_no),
        ] {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(KeyError::new(setting, "wanted letters and digits only"));
            }
        }
        let own_key = SigningKey::read("WECHAT_PRIVATE_KEY", &settings.private_key)?;
        let wanted_serial = match &settings.verify {
            Verify::PublicKey { id, .. } => Some(HeaderValue::from_str(id).map_err(|_| {
                KeyError::new(
                    "WECHAT_PUBLIC_KEY_ID",
                    "wanted the id as the console shows it, PUB_KEY_ID_…",
                )
            })?),
            Verify::Certificate { .. } | Verify::Download => None,
        };
        let base = base_url("WECHAT_GATEWAY", &settings.gateway_url)?;
        Ok(Wechat {
            platform_keys: PlatformKeys::new(&settings.verify, &own_key)?,
            api_v3_key: ApiV3Key::read(&settings.api_v3_key)?,
            transport: Transport::new("WECHAT_GATEWAY", &base)?,
            notify_url: notify_url(&settings.notify_url)?,
            app_id: settings.app_id,
            mch_id: settings.mch_id,
            serial_no: settings.serial_no,
            wanted_serial,
            own_key,
            base,
            clock,
        })
    }

    pub(super) fn request(&self, ask: &Ask<'_>) -> String {
        json(&NewTrade {
            appid: &self.app_id,
            mchid: &self.mch_id,
            description: shortened(ask.subject, MOST_DESCRIPTION),
            out_trade_no: ask.payment_no.as_str(),
            time_expire: rfc3339_beijing(ask.expires_at),
            notify_url: &self.notify_url,
            amount: NewAmount {
                total: ask.amount.fen(),
                currency: "CNY",
            },
        })
    }

    pub(super) async fn create(&self, product: Product, request: &str) -> Result<String, GatewayError> {
        if product != Product::Native {
            return Err(GatewayError::not_offered(product));
        }
        let body = self
            .call(Method::POST, "v3/pay/transactions/native", request)
            .await?;
        let prompt: NativePrompt = serde_json::from_slice(&body)
            .map_err(|_| GatewayError::unknown("an answer without a code to scan"))?;
        if is_address(&prompt.code_url, &["weixin://", "https://"]) {
            Ok(prompt.code_url)
        } else {
            Err(GatewayError::unknown("the code to scan is no address"))
        }
    }

    /// A 404 is believed only when it is signed, as WeChat's business systems do; what an edge says is no answer.
    pub(super) async fn query(&self, payment_no: &PaymentNo) -> Result<Report, GatewayError> {
        let path = format!(
            "v3/pay/transactions/out-trade-no/{payment_no}?mchid={}",
            self.mch_id
        );
        let body = match self.call(Method::GET, &path, "").await {
            Err(error) if wire::is_not_exist(&error) => return Ok(Report::Absent),
            answer => answer?,
        };
        let trade: Trade = serde_json::from_slice(&body)
            .map_err(|_| GatewayError::unknown("the description of the trade is not readable"))?;
        if trade.out_trade_no != payment_no.as_str() {
            return Err(GatewayError::unknown("an answer about another trade"));
        }
        let report = trade.report(&self.app_id, &self.mch_id, self.clock.now());
        report.map_err(|why| {
            let reason = match why {
                NoReport::Foreign(reason) | NoReport::Unreadable(reason) => reason,
                NoReport::UnknownState => "an unknown trade state",
            };
            warn!(payment.no = %payment_no, "WeChat's description of {payment_no} is not usable: {reason}");
            GatewayError::unknown(reason)
        })
    }

    pub(super) async fn close(&self, payment_no: &PaymentNo) -> Result<Closing, GatewayError> {
        let path = format!("v3/pay/transactions/out-trade-no/{payment_no}/close");
        let body = json(&CloseTrade { mchid: &self.mch_id });
        match self.call(Method::POST, &path, &body).await {
            Ok(_) => Ok(Closing::Closed),
            Err(error) if wire::is_not_exist(&error) => Ok(Closing::Absent),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn read_notice(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, NoticeError> {
        self.verify(headers, body)
            .await
            .map_err(|distrust| match distrust {
                Distrust::Probe => NoticeError::Probe,
                Distrust::UnknownSerial => NoticeError::NotAuthentic("signed with a key we do not know"),
                Distrust::Because(reason) => NoticeError::NotAuthentic(reason),
            })?;
        let reader = Reader {
            app_id: &self.app_id,
            mch_id: &self.mch_id,
            api_v3_key: &self.api_v3_key,
            now: self.clock.now(),
        };
        reader.read(body)
    }

    /// One call. `Ok` is the body of a success that WeChat signed.
    async fn call(&self, method: Method, path: &str, body: &str) -> Result<Vec<u8>, GatewayError> {
        let answer = self.send(method, path, body).await?;
        let verdict = self.verify(&answer.headers, &answer.body).await;
        let request_id = answer.header("Request-ID");
        debug!(
            status = answer.status.as_u16(),
            request_id, "WeChat answered {}", answer.status
        );
        if answer.status == StatusCode::OK || answer.status == StatusCode::NO_CONTENT {
            return match verdict {
                Ok(()) => Ok(answer.body),
                Err(Distrust::Probe) => Err(GatewayError::RetrySame {
                    reason: Distrust::Probe.to_string(),
                }),
                Err(distrust) => {
                    warn!(request_id, "an answer of WeChat's is not believed: {distrust}");
                    Err(GatewayError::unknown(distrust.to_string()))
                }
            };
        }
        Err(wire::refusal(answer.status, &answer.body, verdict.is_ok()))
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> Result<Answer, GatewayError> {
        let url = Url::parse(&format!("{}/{path}", self.base.as_str().trim_end_matches('/')))
            .expect("a path of ours behind a good base is a good address");
        let mut target = url.path().to_owned();
        if let Some(query) = url.query() {
            target = format!("{target}?{query}");
        }
        let (timestamp, nonce) = (self.clock.now().seconds(), self.clock.nonce());
        let message = request_message(method.as_str(), &target, timestamp, &nonce, body);
        let signature = self.own_key.sign(message.as_bytes());
        let authorization = authorization(&self.mch_id, &self.serial_no, timestamp, &nonce, &signature);
        let mut authorization =
            HeaderValue::from_str(&authorization).expect("letters, digits and base64 make a header");
        authorization.set_sensitive(true);

        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(ACCEPT, JSON);
        if let Some(serial) = &self.wanted_serial {
            headers.insert("Wechatpay-Serial", serial.clone());
        }
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, JSON);
            *request.body_mut() = Some(Body::from(body.to_owned()));
        }
        self.transport.send(request).await
    }

    /// Verifies, and fetches certificates when the signature names one that we have not seen.
    async fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Distrust> {
        let verdict = self.platform_keys.verify(headers, body, self.clock.now());
        if verdict != Err(Distrust::UnknownSerial) {
            return verdict;
        }
        self.download_keys().await;
        self.platform_keys.verify(headers, body, self.clock.now())
    }

    async fn download_keys(&self) {
        let Some(_turn) = self.platform_keys.may_download(self.clock.now()).await else {
            return;
        };
        let answer = match self.send(Method::GET, "v3/certificates", "").await {
            Ok(answer) if answer.status == StatusCode::OK => answer,
            // 404 RESOURCE_NOT_EXISTS: this merchant signs with a public key, which only a person can fetch (T-11).
            Ok(answer) => return warn!("WeChat has no platform certificates for us: {}", answer.status),
            Err(error) => return warn!("platform certificates were not downloaded: {error}"),
        };
        let taken =
            self.platform_keys
                .take_over(&self.api_v3_key, &answer.headers, &answer.body, self.clock.now());
        match taken {
            Ok(n_keys) => debug!("WeChat signs with {n_keys} platform certificates"),
            Err(distrust) => warn!("the downloaded platform certificates are not believed: {distrust}"),
        }
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers are always JSON")
}

/// The message in the body is for people who read WeChat's console (1.7).
pub(super) fn reply_body(reception: Reception) -> &'static str {
    match reception {
        Reception::Done => r#"{"code":"SUCCESS","message":"成功"}"#,
        Reception::NotAuthentic => r#"{"code":"FAIL","message":"验签失败"}"#,
        Reception::Malformed => r#"{"code":"FAIL","message":"报文无法解析"}"#,
        Reception::TooLarge => r#"{"code":"FAIL","message":"报文过大"}"#,
        Reception::Failed => r#"{"code":"FAIL","message":"处理失败"}"#,
    }
}
