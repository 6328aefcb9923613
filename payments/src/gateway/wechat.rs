//! WeChat Pay APIv3, direct merchant: signed calls, whose answers count only with WeChat's signature.

mod apps;
mod bill;
mod call;
mod certificates;
mod checkup;
mod invoke;
mod keys;
mod notification;
mod oauth;
mod refund;
mod refusal;
mod sealed;
mod settings;
mod shipping;
pub mod sign;
mod table;
mod wire;

use std::sync::Arc;

use domain::{PaymentNo, Product, Report, Timestamp};
use http::{HeaderMap, HeaderValue, Method};
use tracing::warn;
use url::form_urlencoded::byte_serialize;
use url::{Origin, Url};

use self::apps::Apps;
pub(super) use self::bill::{detect_bill, read_funds, read_trades};
use self::call::WechatAnswer;
pub use self::certificates::{Certificate, read_certificates};
pub use self::checkup::check_merchant_certificate;
pub(super) use self::checkup::check_settings;
pub use self::keys::PlatformKeys;
use self::notification::Reader;
pub use self::oauth::{Oauth, OauthSettings};
pub(super) use self::refusal::{Refusal, is_not_permitted, is_payer_paying};
pub use self::sealed::{ApiV3Key, Sealed};
pub use self::settings::{Settings, Verify};
pub use self::shipping::MiniApiSettings;
pub(crate) use self::shipping::{Shipment, ShippingApi, ShippingError};
use self::sign::SignatureError;
use self::wire::{CloseTrade, H5Info, NewAmount, NewTrade, NoReport, Openid, Prompt, Scene, Trade};
use super::breaker::Breaker;
use super::calls::{CallLog, Operation};
use super::describe::{Description, fingerprint};
use super::health::Health;
use super::text::GatewayText;
use super::transport::{Transport, backup_url, base_url, notify_url};
use super::{
    Ask, Closing, Creation, GatewayError, KeyError, Notification, NotificationError, Reception, SigningKey,
    is_address, is_plain,
};
use crate::calendar::rfc3339_beijing;
use crate::{Clock, Metrics};

/// Maximum length of `description` in bytes (docs/gateway-facts.md 1.6).
const MOST_DESCRIPTION: usize = 127;
/// Maximum length of `prepay_id` (docs/gateway-facts.md 1.6.1).
const MOST_PREPAY_ID: usize = 64;

#[derive(Debug)]
pub struct Wechat {
    apps: Apps,
    mch_id: String,
    serial_no: String,
    /// Serial of the key that WeChat should sign with: without this header it may choose another (docs/gateway-facts.md
    /// 1.1).
    wanted_serial: Option<HeaderValue>,
    own_key: SigningKey,
    platform_keys: PlatformKeys,
    api_v3_key: ApiV3Key,
    base: Url,
    /// Allowed hosts of WeChat's files: the gateway and its backup.
    hosts: Vec<Origin>,
    notify_url: String,
    oauth: Option<Oauth>,
    shipping: Option<ShippingApi>,
    pub(super) transport: Transport,
    pub(super) health: Health,
    pub(super) breaker: Breaker,
    pub(super) calls: Arc<CallLog>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
}

impl Wechat {
    /// Builds the client without network access: a new merchant has no certificate to download (T-11), and WeChat may be
    /// down.
    pub fn new(settings: Settings, clock: Clock) -> Result<Wechat, KeyError> {
        settings.check()?;
        let wanted_serial = settings.wanted_serial()?;
        let own_key = SigningKey::read("WECHAT_PRIVATE_KEY", &settings.private_key)?;
        let platform_keys = PlatformKeys::new(&settings.verify, &own_key)?;
        platform_keys.refuse_serial(&settings.serial_no.to_ascii_uppercase())?;
        for serial in platform_keys.expired(clock.now()) {
            warn!("the platform certificate {serial} in WECHAT_PUBLIC_KEY has expired");
        }
        let base = base_url("WECHAT_GATEWAY", &settings.gateway_url)?;
        let backup = settings
            .backup_url
            .as_deref()
            .map(|text| backup_url("WECHAT_BACKUP_GATEWAY", text, &base))
            .transpose()?;
        let hosts = std::iter::once(&base).chain(&backup).map(Url::origin).collect();
        let calls = Arc::<CallLog>::default();
        let shipping = settings.shipping_api(&calls, &clock)?;
        let oauth = settings
            .oauth
            .map(|oauth| Oauth::new(&settings.app_id, oauth, clock.clone()))
            .transpose()?;
        Ok(Wechat {
            hosts,
            oauth,
            shipping,
            platform_keys,
            api_v3_key: ApiV3Key::read(&settings.api_v3_key)?,
            transport: Transport::with_backup("WECHAT_GATEWAY", &base, backup, clock.clone())?,
            notify_url: notify_url(&settings.notify_url)?,
            apps: Apps {
                account: settings.app_id,
                mini: settings.mini_app_id,
                mobile: settings.mobile_app_id,
            },
            mch_id: settings.mch_id,
            // WeChat writes the serial in upper case and compares it case-sensitively; openssl and some consoles show lower
            // case.
            serial_no: settings.serial_no.to_ascii_uppercase(),
            wanted_serial,
            own_key,
            health: Health::default(),
            breaker: Breaker::default(),
            calls,
            metrics: Metrics::default(),
            base,
            clock,
        })
    }

    pub(super) fn describe(&self, now: Timestamp) -> Description {
        Description {
            app_id: self.apps.account.clone(),
            merchant: Some(self.mch_id.clone()),
            serial_no: Some(self.serial_no.clone()),
            gateway_url: self.base.to_string(),
            notify_url: self.notify_url.clone(),
            own_fingerprint: fingerprint(&self.own_key.public()),
            expired: self.platform_keys.expired(now).map(str::to_owned).collect(),
            ends: self.ends(),
        }
    }

    pub(super) fn ends(&self) -> Vec<(String, Timestamp)> {
        self.platform_keys.ends()
    }

    /// App in which JSAPI payments are opened.
    pub(super) fn app_id(&self) -> &str {
        &self.apps.account
    }

    pub(super) fn offers(&self, product: Product) -> bool {
        self.apps.of(product).is_some()
    }

    /// Authorisation that names payers inside WeChat; `None` without an app secret.
    pub(super) fn oauth(&self) -> Option<&Oauth> {
        self.oauth.as_ref()
    }

    /// Uploads of shipping information of the mini program; `None` without its secret.
    pub(super) fn shipping(&self) -> Option<&ShippingApi> {
        self.shipping.as_ref()
    }

    /// Openid in the recorded request of a JSAPI payment or of one in the mini program.
    pub(crate) fn openid_of(request: &str) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Recorded {
            payer: RecordedPayer,
        }
        #[derive(serde::Deserialize)]
        struct RecordedPayer {
            openid: String,
        }
        let recorded: Recorded = serde_json::from_str(request).ok()?;
        Some(recorded.payer.openid)
    }

    pub(super) fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    pub(super) fn account(&self) -> &str {
        &self.mch_id
    }

    pub(super) fn request(&self, ask: &Ask<'_>) -> String {
        // `start_payment` has checked that the product is offered and that its payer data is there.
        let openid = ask.payer.openid.filter(|_| ask.product.names_payer());
        let ip = ask.payer.ip.filter(|_| ask.product == Product::H5);
        to_json(&NewTrade {
            appid: self.apps.of(ask.product).unwrap_or(&self.apps.account),
            mchid: &self.mch_id,
            description: GatewayText::for_wechat(ask.subject, MOST_DESCRIPTION),
            out_trade_no: ask.payment_no.as_str(),
            time_expire: rfc3339_beijing(ask.expires_at),
            notify_url: &self.notify_url,
            amount: NewAmount {
                total: ask.amount.fen(),
                currency: "CNY",
            },
            payer: openid.map(|openid| Openid { openid }),
            scene_info: ip.map(|payer_client_ip| Scene {
                payer_client_ip,
                h5_info: H5Info { kind: "Wap" },
            }),
        })
    }

    pub(super) async fn create(&self, creation: &Creation<'_>) -> Result<String, GatewayError> {
        let path = match creation.product {
            Product::Native => "v3/pay/transactions/native",
            Product::H5 => "v3/pay/transactions/h5",
            Product::Jsapi | Product::WechatMini => "v3/pay/transactions/jsapi",
            Product::WechatApp => "v3/pay/transactions/app",
            Product::Qr
            | Product::Wap
            | Product::Page
            | Product::AlipayApp
            | Product::AlipayMini
            | Product::Balance => {
                return Err(GatewayError::not_offered(creation.product));
            }
        };
        let about = Operation::Create.about(creation.payment_no);
        let body = match self.ask(about, Method::POST, path, creation.request).await? {
            WechatAnswer::Yes(body) => body,
            WechatAnswer::No(refusal) => return Err(refusal.meaning()),
        };
        let prompt: Prompt = serde_json::from_slice(&body)
            .map_err(|_| GatewayError::unknown("the answer to an order is not readable"))?;
        let usable = match creation.product {
            Product::H5 => prompt
                .h5_url
                .filter(|url| is_address(url, &["https://", "http://"]))
                .map(|url| with_return(url, creation.return_url)),
            Product::Jsapi | Product::WechatMini | Product::WechatApp => prompt
                .prepay_id
                .filter(|id| is_plain(id) && id.len() <= MOST_PREPAY_ID),
            _ => prompt
                .code_url
                .filter(|url| is_address(url, &["weixin://", "https://"])),
        };
        usable.ok_or_else(|| GatewayError::unknown("an answer without anything that a payer could use"))
    }

    /// Queries a payment. A 404 counts only when it is signed, as WeChat's business systems do; one from an edge server
    /// does not.
    pub(super) async fn query(&self, payment_no: &PaymentNo) -> Result<Report, GatewayError> {
        let path = format!(
            "v3/pay/transactions/out-trade-no/{payment_no}?mchid={}",
            self.mch_id
        );
        let about = Operation::Query.about(payment_no);
        let body = match self.ask(about, Method::GET, &path, "").await? {
            WechatAnswer::Yes(body) => body,
            WechatAnswer::No(refusal) if refusal.is_not_exist() => return Ok(Report::Absent),
            WechatAnswer::No(refusal) => return Err(refusal.meaning()),
        };
        let trade: Trade = serde_json::from_slice(&body)
            .map_err(|_| GatewayError::unknown("the description of the trade is not readable"))?;
        if trade.out_trade_no != payment_no.as_str() {
            return Err(GatewayError::unknown("an answer about another trade"));
        }
        let report = trade.report(&self.apps, &self.mch_id, self.clock.now());
        report.map_err(|why| {
            let reason = match why {
                NoReport::Foreign(whose) => whose.as_str(),
                NoReport::Unreadable(reason) => reason,
                NoReport::UnknownState => "an unknown trade state",
            };
            warn!(payment.no = %payment_no, "WeChat's description of {payment_no} is not usable: {reason}");
            GatewayError::unknown(reason)
        })
    }

    pub(super) async fn close(&self, payment_no: &PaymentNo) -> Result<Closing, GatewayError> {
        let path = format!("v3/pay/transactions/out-trade-no/{payment_no}/close");
        let body = to_json(&CloseTrade { mchid: &self.mch_id });
        let about = Operation::Close.about(payment_no);
        match self.ask(about, Method::POST, &path, &body).await? {
            WechatAnswer::Yes(_) => Ok(Closing::Closed),
            WechatAnswer::No(refusal) if refusal.is_not_exist() => Ok(Closing::Absent),
            WechatAnswer::No(refusal) => Err(refusal.meaning()),
        }
    }

    pub(super) async fn read_notification(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, NotificationError> {
        self.read_notification_of(headers, body, self.clock.now()).await
    }

    pub(super) async fn read_notification_of(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        self.verify(headers, body, received_at)
            .await
            .map_err(|distrust| match distrust {
                SignatureError::Probe => NotificationError::Probe,
                SignatureError::UnknownSerial => {
                    NotificationError::NotAuthentic("signed with a key we do not know")
                }
                SignatureError::Because(reason) => NotificationError::NotAuthentic(reason),
            })?;
        let reader = Reader {
            apps: &self.apps,
            mch_id: &self.mch_id,
            api_v3_key: &self.api_v3_key,
            now: received_at,
        };
        reader.read(body)
    }

    pub(super) fn unsealed(&self, body: &[u8]) -> Option<Vec<u8>> {
        notification::unsealed(&self.api_v3_key, body).ok()
    }
}

/// Adds the return address that the browser goes to after the app.
fn with_return(h5_url: String, return_url: Option<&str>) -> String {
    match return_url {
        None => h5_url,
        Some(url) => {
            let escaped: String = byte_serialize(url.as_bytes()).collect();
            format!("{h5_url}&redirect_url={escaped}")
        }
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers are always JSON")
}

/// Body of the answer to a notification, read by people in WeChat's console (1.7).
pub(super) fn reply_body(reception: Reception) -> &'static str {
    match reception {
        Reception::Done => r#"{"code":"SUCCESS","message":"成功"}"#,
        Reception::NotAuthentic => r#"{"code":"FAIL","message":"验签失败"}"#,
        Reception::Malformed => r#"{"code":"FAIL","message":"报文无法解析"}"#,
        Reception::TooLarge => r#"{"code":"FAIL","message":"报文过大"}"#,
        Reception::Failed => r#"{"code":"FAIL","message":"处理失败"}"#,
    }
}
