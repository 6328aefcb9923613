//! Clients of the payment gateways, WeChat Pay and Alipay, behind six operations.
//!
//! Only this module knows a gateway's wire format. It returns a [`Report`], a prompt, or a [`GatewayError`].

pub mod alipay;
pub mod bill;
mod breaker;
mod calls;
mod checkup;
mod client;
mod configured;
mod describe;
mod drift;
mod health;
pub(crate) mod masked;
mod pem;
mod probe;
mod rsa_key;
mod scalar;
mod stuck;
mod text;
mod timed;
mod transport;
mod urlencoded;
pub mod wechat;

use std::net::IpAddr;

use domain::{Channel, Money, PaymentNo, Product, RefundNo, RefundReport, Report, Timestamp};
use futures_util::FutureExt as _;
use http::HeaderMap;

use crate::model::sentence::Sentence;
use crate::{Clock, GatewayOperation};

use self::breaker::Breaker;
use self::calls::CallLog;
pub use self::calls::{About, Call, Operation, Verdict};
pub use self::checkup::{Level, Note, check_settings};
pub use self::configured::Gateways;
pub use self::describe::Description;
use self::drift::Drift;
use self::health::Health;
pub use self::stuck::StuckCause;
#[cfg(feature = "faults")]
pub use self::transport::{InProcess, Silence};

pub use self::rsa_key::{KeyError, SigningKey, VerifyingKey};

/// Payment data for a create call.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub payment_no: &'a PaymentNo,
    pub product: Product,
    pub amount: Money,
    pub subject: &'a str,
    pub expires_at: Timestamp,
    /// Return address of the browser that leaves the gateway without having paid.
    pub return_url: Option<&'a str>,
    pub payer: Payer<'a>,
}

/// Payer data that some products need.
#[derive(Debug, Clone, Copy, Default)]
pub struct Payer<'a> {
    /// WeChat H5 compares it with the address of the phone that opens the payment.
    pub ip: Option<IpAddr>,
    /// The wallet's id of the payer in our app, where [`Product::names_payer`].
    pub openid: Option<&'a str>,
}

/// Recorded create call; every retry sends the same bytes.
#[derive(Debug, Clone, Copy)]
pub struct Creation<'a> {
    pub payment_no: &'a PaymentNo,
    pub product: Product,
    /// Body returned by [`Gateway::request`].
    pub request: &'a str,
    pub return_url: Option<&'a str>,
}

/// Recorded refund call; every retry sends the same number and texts (T-32).
#[derive(Debug, Clone, Copy)]
pub struct RefundAsk<'a> {
    pub refund_no: &'a RefundNo,
    pub payment_no: &'a PaymentNo,
    pub transaction_id: &'a str,
    pub amount: Money,
    /// Amount paid, before any refund.
    pub total: Money,
    pub reason: &'a str,
}

/// Signed parameters with which a page inside WeChat opens the payment (`getBrandWCPayRequest`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    pub app_id: String,
    pub time_stamp: String,
    pub nonce_str: String,
    pub package: String,
    pub sign_type: &'static str,
    pub pay_sign: String,
}

#[derive(Debug)]
pub enum Gateway {
    Wechat(Box<wechat::Wechat>),
    Alipay(Box<alipay::Alipay>),
}

/// Reason why a gateway call gave no report.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Refused. Only an authentic refusal may end a payment; the others are hints.
    #[error("{code}: {message}")]
    Declined {
        code: String,
        message: String,
        is_authentic: bool,
    },
    /// The trade is paid already: query the receipt.
    #[error("the trade is paid already")]
    AlreadyPaid,
    /// The trade is over, closed or paid: query its state.
    #[error("the trade is closed already")]
    AlreadyClosed,
    /// Retry with the same bytes.
    #[error("try again: {reason}")]
    RetrySame { reason: String },
    /// A timeout, a 5xx, an answer that cannot be verified or read: the call may have taken effect or not.
    #[error("unknown outcome: {reason}")]
    Unknown { reason: String },
}

/// Outcome of a close call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    Closed,
    /// Authentic answer that no such trade exists (Alipay: before the code is scanned; it may still be scanned).
    Absent,
}

/// Authentic notification of a gateway.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Unique per event at this gateway: resends carry it again.
    pub id: String,
    /// `out_trade_no` as received; empty when the notification is about no payment.
    pub payment_no: String,
    pub content: NotificationContent,
}

#[derive(Debug, Clone)]
pub enum NotificationContent {
    Payment(Report),
    /// Refund notification: never about the payment itself, even when it looks like it (T-35).
    Refund(RefundNews),
    /// Notification of a kind that we do not handle.
    Other,
    /// Authentic, but its signed text is ambiguous (T-53): none of it is used, the gateway is queried instead.
    Ambiguous,
    /// Authentic, but not to be acted on: another merchant, app, seller or currency, or it contradicts itself.
    Foreign(Sentence),
}

/// Contents of a refund notification. Every amount in it must match ours before the report is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefundNews {
    /// Our number; Alipay does not always name it.
    pub refund_no: Option<String>,
    pub transaction_id: Option<String>,
    /// This refund, not the sum of all.
    pub amount: Option<Money>,
    /// All refunds of the trade together, where the gateway counts them so (T-36).
    pub refunded: Option<Money>,
    /// Amount paid, before any refund.
    pub total: Option<Money>,
    /// `None`: only a hint, the gateway must be queried (Alipay).
    pub report: Option<RefundReport>,
}

/// Reason why a notification is rejected. Rejected ones are not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// A deliberately wrong signature, sent to test whether we verify.
    #[error("a signature probe")]
    Probe,
    /// Names the part that is wrong: header, clock, key, signature, body.
    #[error("{0}")]
    NotAuthentic(&'static str),
    /// Signed, but not readable: bad base64, a wrong tag, not JSON.
    #[error("{0}")]
    Malformed(&'static str),
}

/// HTTP answer to a notification, in the gateway's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: &'static str,
}

/// Outcome of receiving a notification, before it is written in the gateway's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// The effect is committed.
    Done,
    NotAuthentic,
    Malformed,
    TooLarge,
    /// An error of ours: the gateway should send it again.
    Failed,
}

impl From<wechat::Wechat> for Gateway {
    fn from(wechat: wechat::Wechat) -> Gateway {
        Gateway::Wechat(Box::new(wechat))
    }
}

impl From<alipay::Alipay> for Gateway {
    fn from(alipay: alipay::Alipay) -> Gateway {
        Gateway::Alipay(Box::new(alipay))
    }
}

impl Gateway {
    /// Sends every call to a function instead of a host, for tests.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn in_process(mut self, gateway: InProcess) -> Gateway {
        match &mut self {
            Gateway::Wechat(wechat) => wechat.transport.reroute(gateway),
            Gateway::Alipay(alipay) => alipay.transport.reroute(gateway),
        }
        self
    }

    /// WeChat's merchant number or Alipay's app id: the account that is queried and that is paid.
    pub fn account(&self) -> &str {
        match self {
            Gateway::Wechat(wechat) => wechat.account(),
            Gateway::Alipay(alipay) => alipay.account(),
        }
    }

    pub fn channel(&self) -> Channel {
        match self {
            Gateway::Wechat(_) => Channel::Wechat,
            Gateway::Alipay(_) => Channel::Alipay,
        }
    }

    /// Origin of the gateway, to which browsers are sent.
    pub fn origin(&self) -> String {
        match self {
            Gateway::Wechat(wechat) => wechat.origin(),
            Gateway::Alipay(alipay) => alipay.origin(),
        }
    }

    /// Whether a payer can be sent through this product.
    pub fn offers(&self, product: Product) -> bool {
        match self {
            Gateway::Wechat(wechat) => wechat.offers(product),
            Gateway::Alipay(alipay) => alipay.offers(product),
        }
    }

    /// Body of the create call. It is stored before the call, and every retry sends the same bytes: a deadline computed
    /// anew would make it another order (T-43).
    pub fn request(&self, ask: &Ask<'_>) -> String {
        match self {
            Gateway::Wechat(wechat) => wechat.request(ask),
            Gateway::Alipay(alipay) => alipay.request(ask),
        }
    }

    /// Sends the create call. Returns the prompt: the content of the QR code, the URL to open, or the number that
    /// [`Gateway::invocation`] or [`Gateways::client_parameters`] signs.
    pub async fn create(&self, creation: &Creation<'_>) -> Result<String, GatewayError> {
        match (self, creation.product) {
            // A signed text: the payer's browser or app makes the call.
            (Gateway::Alipay(alipay), Product::Wap | Product::Page | Product::AlipayApp) => {
                alipay.create(creation).await
            }
            (Gateway::Alipay(alipay), _) => {
                self.timed(
                    GatewayOperation::Create,
                    creation.payment_no,
                    alipay.create(creation).boxed(),
                )
                .await
            }
            (Gateway::Wechat(wechat), _) => {
                self.timed(
                    GatewayOperation::Create,
                    creation.payment_no,
                    wechat.create(creation).boxed(),
                )
                .await
            }
        }
    }

    /// Signs the parameters that a page inside WeChat needs to open the payment; `None` without JSAPI.
    pub fn invocation(&self, prepay_id: &str) -> Option<Invocation> {
        match self {
            Gateway::Wechat(wechat) => Some(wechat.invocation(prepay_id)),
            Gateway::Alipay(_) => None,
        }
    }

    /// Authorisation that names payers inside WeChat; `None` without an app secret.
    pub(crate) fn oauth(&self) -> Option<&wechat::Oauth> {
        match self {
            Gateway::Wechat(wechat) => wechat.oauth(),
            Gateway::Alipay(_) => None,
        }
    }

    /// Uploads of shipping information; `None` where nothing is uploaded.
    pub(crate) fn shipping(&self) -> Option<&wechat::ShippingApi> {
        match self {
            Gateway::Wechat(wechat) => wechat.shipping(),
            Gateway::Alipay(_) => None,
        }
    }

    /// Whether a recorded create call names this payer, where the product names any.
    pub(crate) fn is_for_payer(&self, product: Product, request: &str, openid: Option<&str>) -> bool {
        match (self, product, openid) {
            (Gateway::Wechat(_), Product::Jsapi, Some(openid)) => {
                wechat::Wechat::openid_of(request).is_none_or(|named| named == openid)
            }
            _ => true,
        }
    }

    pub async fn query(&self, payment_no: &PaymentNo) -> Result<Report, GatewayError> {
        let said = self
            .timed(
                GatewayOperation::Query,
                payment_no,
                async {
                    match self {
                        Gateway::Wechat(wechat) => wechat.query(payment_no).await,
                        Gateway::Alipay(alipay) => alipay.query(payment_no).await,
                    }
                }
                .boxed(),
            )
            .await;
        self.record_health(said)
    }

    /// Records gateway health. Only queries count: they are the most frequent calls.
    fn record_health<T>(&self, said: Result<T, GatewayError>) -> Result<T, GatewayError> {
        match said {
            Err(GatewayError::Unknown { .. }) => self.health().lost(self.now()),
            _ => self.health().answered(),
        }
        said
    }

    pub(crate) fn health(&self) -> &Health {
        match self {
            Gateway::Wechat(wechat) => &wechat.health,
            Gateway::Alipay(alipay) => &alipay.health,
        }
    }

    pub(crate) fn calls(&self) -> &CallLog {
        match self {
            Gateway::Wechat(wechat) => &wechat.calls,
            Gateway::Alipay(alipay) => &alipay.calls,
        }
    }

    /// Clock drift against the `Date` header of the last answer.
    pub(crate) fn drift(&self) -> Drift {
        match self {
            Gateway::Wechat(wechat) => wechat.transport.drift(),
            Gateway::Alipay(alipay) => alipay.transport.drift(),
        }
    }

    fn breaker(&self) -> &Breaker {
        match self {
            Gateway::Wechat(wechat) => &wechat.breaker,
            Gateway::Alipay(alipay) => &alipay.breaker,
        }
    }

    fn clock(&self) -> &Clock {
        match self {
            Gateway::Wechat(wechat) => &wechat.clock,
            Gateway::Alipay(alipay) => &alipay.clock,
        }
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Certificates that a person must replace, by name, with their expiry.
    pub(crate) fn ends(&self) -> Vec<(String, Timestamp)> {
        match self {
            Gateway::Wechat(wechat) => wechat.ends(),
            Gateway::Alipay(alipay) => alipay.ends(),
        }
    }

    /// Sends a close call. Even a success proves little (T-28, T-29): query once more afterwards.
    pub async fn close(&self, payment_no: &PaymentNo) -> Result<Closing, GatewayError> {
        self.timed(
            GatewayOperation::Close,
            payment_no,
            async {
                match self {
                    Gateway::Wechat(wechat) => wechat.close(payment_no).await,
                    Gateway::Alipay(alipay) => alipay.close(payment_no).await,
                }
            }
            .boxed(),
        )
        .await
    }

    /// Like [`Gateway::close`], but accepts a trade that is paid or closed already: the next query brings the proof.
    pub(crate) async fn ensure_closed(&self, payment_no: &PaymentNo) -> Result<(), GatewayError> {
        match self.close(payment_no).await {
            Ok(_) | Err(GatewayError::AlreadyPaid | GatewayError::AlreadyClosed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends a refund call; repeating it is safe, because the number identifies the refund (T-32, T-33).
    pub async fn refund(&self, ask: &RefundAsk<'_>) -> Result<RefundReport, GatewayError> {
        self.timed(
            GatewayOperation::Refund,
            ask.payment_no,
            async {
                match self {
                    Gateway::Wechat(wechat) => wechat.refund(ask).await,
                    Gateway::Alipay(alipay) => alipay.refund(ask).await,
                }
            }
            .boxed(),
        )
        .await
    }

    pub async fn query_refund(&self, ask: &RefundAsk<'_>) -> Result<RefundReport, GatewayError> {
        let said = self
            .timed(
                GatewayOperation::RefundQuery,
                ask.payment_no,
                async {
                    match self {
                        Gateway::Wechat(wechat) => wechat.query_refund(ask).await,
                        Gateway::Alipay(alipay) => alipay.query_refund(ask).await,
                    }
                }
                .boxed(),
            )
            .await;
        self.record_health(said)
    }

    /// Verifies and parses a notification. `body` must be the bytes as received (T-01).
    pub async fn read_notification(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, NotificationError> {
        let read = match self {
            Gateway::Wechat(wechat) => wechat.read_notification(headers, body).await,
            Gateway::Alipay(alipay) => alipay.read_notification(body).await,
        };
        if let Err(NotificationError::NotAuthentic(_)) = read {
            self.health().forged();
        }
        read
    }

    /// Verifies and parses a stored notification again; its age is measured at `received_at`, which must be our own
    /// record and never come from the notification.
    pub(crate) async fn reread_notification(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Notification, NotificationError> {
        match self {
            Gateway::Wechat(wechat) => wechat.read_notification_of(headers, body, received_at).await,
            Gateway::Alipay(alipay) => alipay.read_notification_of(body, received_at).await,
        }
    }

    /// Decrypts a stored notification; `None` when nothing is encrypted, or not with the current key.
    pub(crate) fn unsealed(&self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Gateway::Wechat(wechat) => wechat.unsealed(body),
            Gateway::Alipay(_) => None,
        }
    }
}

impl GatewayError {
    /// Whether the gateway refused because the merchant has no permission for the product: not signed, or taken away.
    pub fn is_not_permitted(&self) -> bool {
        let GatewayError::Declined { code, .. } = self else {
            return false;
        };
        wechat::is_not_permitted(code) || alipay::is_not_permitted(code)
    }

    /// Whether the gateway closed nothing because the payer is entering the password at this moment.
    pub fn is_payer_paying(&self) -> bool {
        matches!(self, GatewayError::RetrySame { reason } if wechat::is_payer_paying(reason))
    }

    pub(crate) fn unknown(reason: impl Into<String>) -> GatewayError {
        GatewayError::Unknown {
            reason: reason.into(),
        }
    }

    fn not_offered(product: Product) -> GatewayError {
        GatewayError::Declined {
            code: "NOT_OFFERED".to_owned(),
            message: format!("the product {} is not offered", product.as_str()),
            is_authentic: false,
        }
    }
}

/// Whether a gateway's text, which is stored, shown and logged, is one word of visible ASCII.
fn is_plain(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text is an address that a payer's phone can open: it goes into a QR code and onto a page.
fn is_address(text: &str, schemes: &[&str]) -> bool {
    text.len() <= 1024
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && schemes.iter().any(|scheme| begins_with_scheme(text, scheme))
}

/// Compares schemes case-insensitively (RFC 3986).
fn begins_with_scheme(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len())
        .is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme))
}

/// Answer to a notification. WeChat reads the status, Alipay the body (T-45), so both are set.
pub fn reply(channel: Channel, reception: Reception) -> Reply {
    let status = match reception {
        Reception::Done => 200,
        Reception::NotAuthentic => 401,
        Reception::Malformed => 400,
        Reception::TooLarge => 413,
        Reception::Failed => 500,
    };
    let (content_type, body) = match channel {
        Channel::Wechat => ("application/json; charset=utf-8", wechat::reply_body(reception)),
        // Exactly seven bytes; `failure` is the customary refusal (2.6).
        Channel::Alipay if reception == Reception::Done => ("text/plain; charset=utf-8", "success"),
        Channel::Alipay => ("text/plain; charset=utf-8", "failure"),
    };
    Reply {
        status,
        content_type,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_case_insensitive() {
        let schemes = ["weixin://", "https://"];
        for text in ["weixin://wxpay/a", "WEIXIN://wxpay/a", "Https://a"] {
            assert!(is_address(text, &schemes), "{text}");
        }
        for text in ["javascript:alert(1)", "http://a", "weixin:/", "", "长长长长"] {
            assert!(!is_address(text, &schemes), "{text}");
        }
    }
}
