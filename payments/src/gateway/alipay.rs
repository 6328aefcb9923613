//! Alipay OpenAPI 2.0: signed calls, whose answers count only with Alipay's signature.
//!
//! No code calls [`Alipay::cancel`] by itself: it refunds a payer who has just paid (T-40). Payments normally end by a
//! query, a close and another query.

mod bill;
mod call;
mod cancel;
pub mod certificate;
mod checkup;
pub mod form;
mod keys;
mod notification;
mod refund;
pub mod sign;
mod table;
mod wire;

use domain::{PaymentNo, Product, Report, Timestamp};
use secrecy::SecretString;
use url::Url;

pub(super) use self::bill::{detect_bill, read_funds, read_trades};
pub use self::cancel::CancelEffect;
pub(super) use self::checkup::check_settings;
pub use self::keys::Verify;
use self::keys::{Certified, KeySource, Keys};
use self::notification::{Reader, named_certificate, parse_form};
use self::wire::{APP_PRODUCT, MINI_PRODUCT, Named, NewTrade, PAGE_PRODUCT, WAP_PRODUCT};
use super::breaker::Breaker;
use super::calls::{About, CallLog, Operation};
use super::describe::{Description, fingerprint};
use super::health::Health;
use super::text::GatewayText;
use super::transport::{Transport, base_url, notify_url};
use super::{
    Ask, Closing, Creation, GatewayError, KeyError, Notification, NotificationError, SigningKey, is_address,
    is_plain,
};
use crate::calendar::beijing;
use crate::{Clock, Metrics};

const PRECREATE: &str = "alipay.trade.precreate";
const WAP_PAY: &str = "alipay.trade.wap.pay";
const PAGE_PAY: &str = "alipay.trade.page.pay";
const APP_PAY: &str = "alipay.trade.app.pay";
const TRADE_CREATE: &str = "alipay.trade.create";
const QUERY: &str = "alipay.trade.query";
const CLOSE: &str = "alipay.trade.close";
/// Maximum length of `subject` in bytes (docs/gateway-facts.md 2.5).
const MOST_SUBJECT: usize = 256;

/// Settings of an app at Alipay, named as in the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    pub app_id: String,
    pub private_key: SecretString,
    pub verify: Verify,
    /// Compared with notifications when it is set.
    pub seller_id: Option<String>,
    pub qr_product: QrProduct,
    /// Id of the merchant's mini program, for which the app of the settings signs.
    pub mini_app_id: Option<String>,
    /// `https://openapi.alipay.com/gateway.do`
    pub gateway_url: String,
    pub notify_url: String,
}

/// Contract under which codes to scan are made (docs/gateway-facts.md 2.5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QrProduct {
    /// 订单码支付, for online shops.
    #[default]
    Online,
    /// 当面付, for shops with a counter: on a website it draws Alipay's risk control.
    FaceToFace,
}

impl QrProduct {
    pub const ALL: [QrProduct; 2] = [QrProduct::Online, QrProduct::FaceToFace];

    pub const fn code(self) -> &'static str {
        match self {
            QrProduct::Online => "QR_CODE_OFFLINE",
            QrProduct::FaceToFace => "FACE_TO_FACE_PAYMENT",
        }
    }
}

#[derive(Debug)]
pub struct Alipay {
    app_id: String,
    qr_product: QrProduct,
    mini_app_id: Option<String>,
    seller_id: Option<String>,
    own_key: SigningKey,
    keys: Keys,
    gateway: Url,
    notify_url: String,
    pub(super) transport: Transport,
    pub(super) health: Health,
    pub(super) breaker: Breaker,
    pub(super) calls: CallLog,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
}

impl Alipay {
    pub(super) fn ends(&self) -> Vec<(String, Timestamp)> {
        self.keys.certified().map(Certified::ends).unwrap_or_default()
    }

    pub(super) fn describe(&self, now: Timestamp) -> Description {
        let ends = self.ends();
        let expired = ends.iter().filter(|(_, end)| *end < now);
        Description {
            app_id: self.app_id.clone(),
            merchant: self.seller_id.clone(),
            serial_no: None,
            gateway_url: self.gateway.to_string(),
            notify_url: self.notify_url.clone(),
            own_fingerprint: fingerprint(&self.own_key.public()),
            expired: expired.map(|(name, _)| name.clone()).collect(),
            ends,
        }
    }

    /// Builds the client without network access: Alipay may be down.
    pub fn new(settings: Settings, clock: Clock) -> Result<Alipay, KeyError> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(&settings.app_id) {
            return Err(KeyError::new("ALIPAY_APP_ID", "wanted digits only"));
        }
        if settings.seller_id.as_deref().is_some_and(|id| !is_number(id)) {
            return Err(KeyError::new("ALIPAY_SELLER_ID", "wanted digits only, 2088…"));
        }
        if settings.mini_app_id.as_deref().is_some_and(|id| !is_number(id)) {
            return Err(KeyError::new("ALIPAY_MINI_APP_ID", "wanted digits only"));
        }
        let own_key = SigningKey::read("ALIPAY_PRIVATE_KEY", &settings.private_key)?;
        let gateway = base_url("ALIPAY_GATEWAY", &settings.gateway_url)?;
        Ok(Alipay {
            keys: Keys::read(&settings.verify, &own_key)?,
            transport: Transport::new("ALIPAY_GATEWAY", &gateway, clock.clone())?,
            notify_url: notify_url(&settings.notify_url)?,
            app_id: settings.app_id,
            seller_id: settings.seller_id,
            qr_product: settings.qr_product,
            mini_app_id: settings.mini_app_id,
            own_key,
            health: Health::default(),
            breaker: Breaker::default(),
            calls: CallLog::default(),
            metrics: Metrics::default(),
            gateway,
            clock,
        })
    }

    pub(super) fn origin(&self) -> String {
        self.gateway.origin().ascii_serialization()
    }

    pub(super) fn account(&self) -> &str {
        &self.app_id
    }

    /// The account that is paid, when the settings name it.
    pub(super) fn seller_id(&self) -> Option<&str> {
        self.seller_id.as_deref()
    }

    pub(super) fn offers(&self, product: Product) -> bool {
        match product {
            Product::Qr | Product::Wap | Product::Page | Product::AlipayApp => true,
            Product::AlipayMini => self.mini_app_id.is_some(),
            Product::Native
            | Product::H5
            | Product::Jsapi
            | Product::WechatApp
            | Product::WechatMini
            | Product::Balance => false,
        }
    }

    pub(super) fn request(&self, ask: &Ask<'_>) -> String {
        let product_code = match ask.product {
            Product::Wap => WAP_PRODUCT,
            Product::Page => PAGE_PRODUCT,
            Product::AlipayApp => APP_PRODUCT,
            Product::AlipayMini => MINI_PRODUCT,
            _ => self.qr_product.code(),
        };
        let is_mini = ask.product == Product::AlipayMini;
        let (buyer_id, buyer_open_id) = match ask.payer.openid.filter(|_| is_mini) {
            Some(id) if is_user_id(id) => (Some(id), None),
            other => (None, other),
        };
        to_json(&NewTrade {
            op_app_id: self.mini_app_id.as_deref().filter(|_| is_mini),
            buyer_id,
            buyer_open_id,
            out_trade_no: ask.payment_no.as_str(),
            total_amount: ask.amount.to_yuan(),
            subject: GatewayText::for_alipay(ask.subject, MOST_SUBJECT),
            product_code,
            quit_url: ask.return_url.filter(|_| ask.product == Product::Wap),
            time_expire: beijing(ask.expires_at),
        })
    }

    /// Creates a QR code by a call, or signs the text for the browser or the app without one. In these cases no trade exists
    /// before the payer scans or opens it (T-39). For a mini program the call creates the trade, for the payer that it names.
    pub(super) async fn create(&self, creation: &Creation<'_>) -> Result<String, GatewayError> {
        let method = match creation.product {
            Product::Qr => PRECREATE,
            Product::Wap => WAP_PAY,
            Product::Page => PAGE_PAY,
            Product::AlipayApp => return Ok(self.order_string(creation.request)),
            Product::AlipayMini => TRADE_CREATE,
            Product::Native
            | Product::H5
            | Product::Jsapi
            | Product::WechatApp
            | Product::WechatMini
            | Product::Balance => {
                return Err(GatewayError::not_offered(creation.product));
            }
        };
        if matches!(creation.product, Product::Wap | Product::Page) {
            return Ok(self.address(method, creation.request, creation.return_url).into());
        }
        let about = Operation::Create.about(creation.payment_no);
        let answer = self.call_about(about, method, creation.request).await?;
        let prompt = if method == TRADE_CREATE {
            answer.trade_no.0.filter(|number| is_plain(number))
        } else {
            answer.qr_code.0.filter(|code| is_address(code, &["https://"]))
        };
        prompt.ok_or_else(|| GatewayError::unknown("an answer without anything that a payer could use"))
    }

    pub(super) async fn query(&self, payment_no: &PaymentNo) -> Result<Report, GatewayError> {
        match self.call_named(Operation::Query.about(payment_no), QUERY).await {
            Ok(answer) => answer.report(self.clock.now()),
            Err(error) if is_not_exist(&error) => Ok(Report::Absent),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn close(&self, payment_no: &PaymentNo) -> Result<Closing, GatewayError> {
        match self.call_named(Operation::Close.about(payment_no), CLOSE).await {
            Ok(_) => Ok(Closing::Closed),
            Err(error) if is_not_exist(&error) => Ok(Closing::Absent),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn read_notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        self.read_notification_of(body, self.clock.now()).await
    }

    pub(super) async fn read_notification_of(
        &self,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        let raw = parse_form(body)?;
        let key = self
            .key_of(named_certificate(&raw)?, KeySource::Notification)
            .await;
        let key = key.ok_or(NotificationError::NotAuthentic(
            "signed with a certificate we do not know",
        ))?;
        let reader = Reader {
            app_id: &self.app_id,
            seller_id: self.seller_id.as_deref(),
            key: &key,
            is_certified: self.keys.certified().is_some(),
            now: received_at,
        };
        reader.read(&raw)
    }

    async fn call_named(&self, about: About<'_>, method: &str) -> Result<wire::Answer, GatewayError> {
        let named = Named {
            out_trade_no: about.payment_no.as_str().to_owned(),
        };
        self.call_about(about, method, &to_json(&named)).await
    }
}

/// Whether an id of a payer is Alipay's older one, which has a member of its own.
fn is_user_id(id: &str) -> bool {
    id.len() == 16 && id.starts_with("2088") && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a code says that the merchant may not use a product (docs/gateway-facts.md 2.2).
pub(super) fn is_not_permitted(code: &str) -> bool {
    matches!(
        code,
        "ACCESS_FORBIDDEN" | "insufficient-isv-permissions" | "40006"
    )
}

/// Whether Alipay's signed answer says that no such trade exists.
fn is_not_exist(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Declined { code, is_authentic: true, .. } if code == "TRADE_NOT_EXIST")
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts are always JSON")
}
