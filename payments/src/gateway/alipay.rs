//! Alipay OpenAPI 2.0 in public-key mode: the calls, each signed by us and believed only when Alipay signed the answer.

mod notice;
pub mod sign;
mod wire;

use domain::{PaymentNo, Product, Report};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Body, Request};
use secrecy::SecretString;
use tracing::{debug, warn};
use url::Url;

use self::notice::Reader;
use self::sign::{read_answer, request_text};
use self::wire::{Answer, Named, Precreate, QR_PRODUCT, success};
use super::transport::{Transport, base_url, notify_url};
use super::{
    Ask, Closing, GatewayError, KeyError, Notice, NoticeError, SigningKey, VerifyingKey, is_address,
    shortened,
};
use crate::Clock;
use crate::calendar::beijing;

const PRECREATE: &str = "alipay.trade.precreate";
const QUERY: &str = "alipay.trade.query";
const CLOSE: &str = "alipay.trade.close";
/// The longest `subject` (protocols 2.5).
const MOST_SUBJECT: usize = 256;
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded;charset=utf-8");
/// Everything is escaped but what RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// An app at Alipay. The names are those of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    pub app_id: String,
    pub private_key: SecretString,
    /// Alipay's public key, not the app's.
    pub public_key: String,
    /// Compared with notices when it is known.
    pub seller_id: Option<String>,
    /// `https://openapi.alipay.com/gateway.do`
    pub gateway_url: String,
    pub notify_url: String,
}

#[derive(Debug)]
pub struct Alipay {
    app_id: String,
    seller_id: Option<String>,
    own_key: SigningKey,
    key: VerifyingKey,
    gateway: Url,
    notify_url: String,
    transport: Transport,
    clock: Clock,
}

impl Alipay {
    pub fn new(settings: Settings, clock: Clock) -> Result<Alipay, KeyError> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(&settings.app_id) {
            return Err(KeyError::new("ALIPAY_APP_ID", "wanted digits only"));
        }
        if settings.seller_id.as_deref().is_some_and(|id| !is_number(id)) {
            return Err(KeyError::new("ALIPAY_SELLER_ID", "wanted digits only, 2088…"));
        }
        let own_key = SigningKey::read("ALIPAY_PRIVATE_KEY", &settings.private_key)?;
        let gateway = base_url("ALIPAY_GATEWAY", &settings.gateway_url)?;
        Ok(Alipay {
            key: VerifyingKey::read("ALIPAY_PUBLIC_KEY", &settings.public_key, &own_key)?,
            transport: Transport::new("ALIPAY_GATEWAY", &gateway)?,
            notify_url: notify_url(&settings.notify_url)?,
            app_id: settings.app_id,
            seller_id: settings.seller_id,
            own_key,
            gateway,
            clock,
        })
    }

    pub(super) fn request(&self, ask: &Ask<'_>) -> String {
        json(&Precreate {
            out_trade_no: ask.payment_no.as_str(),
            total_amount: ask.amount.to_yuan(),
            subject: shortened(ask.subject, MOST_SUBJECT),
            product_code: QR_PRODUCT,
            time_expire: beijing(ask.expires_at),
        })
    }

    /// Makes a code. There is no trade before somebody scans it (T-39).
    pub(super) async fn create(&self, product: Product, request: &str) -> Result<String, GatewayError> {
        if product != Product::Qr {
            return Err(GatewayError::not_offered(product));
        }
        let named: Named = serde_json::from_str(request)
            .map_err(|_| GatewayError::unknown("the stored request names no trade"))?;
        let answer = self.call(PRECREATE, request, &named.out_trade_no).await?;
        match answer.qr_code {
            Some(code) if is_address(&code, &["https://"]) => Ok(code),
            _ => Err(GatewayError::unknown("an answer without a code to scan")),
        }
    }

    pub(super) async fn query(&self, payment_no: &PaymentNo) -> Result<Report, GatewayError> {
        match self.call_about(QUERY, payment_no).await {
            Ok(answer) => answer.report(self.clock.now()),
            Err(error) if is_not_exist(&error) => Ok(Report::Absent),
            Err(error) => Err(error),
        }
    }

    /// Not `alipay.trade.cancel`: that one gives a customer who has just paid the money back (T-40).
    pub(super) async fn close(&self, payment_no: &PaymentNo) -> Result<Closing, GatewayError> {
        match self.call_about(CLOSE, payment_no).await {
            Ok(_) => Ok(Closing::Closed),
            Err(error) if is_not_exist(&error) => Ok(Closing::Absent),
            Err(error) => Err(error),
        }
    }

    pub(super) fn read_notice(&self, body: &[u8]) -> Result<Notice, NoticeError> {
        let reader = Reader {
            app_id: &self.app_id,
            seller_id: self.seller_id.as_deref(),
            key: &self.key,
            now: self.clock.now(),
        };
        reader.read(body)
    }

    async fn call_about(&self, method: &str, payment_no: &PaymentNo) -> Result<Answer, GatewayError> {
        let named = Named {
            out_trade_no: payment_no.as_str().to_owned(),
        };
        self.call(method, &json(&named), payment_no.as_str()).await
    }

    /// One call. `Ok` is a success that Alipay signed, about this payment.
    async fn call(&self, method: &str, biz_content: &str, payment_no: &str) -> Result<Answer, GatewayError> {
        let answer = self.transport.send(self.signed(method, biz_content)).await?;
        let trace_id = answer.header("trace_id");
        debug!(
            status = answer.status.as_u16(),
            trace_id, "Alipay answered {}", answer.status
        );
        if answer.status != StatusCode::OK {
            return Err(GatewayError::unknown(format!(
                "status {}",
                answer.status.as_u16()
            )));
        }
        let node = read_answer(method, &answer.body, &self.key).map_err(|reason| {
            warn!(
                payment.no = payment_no,
                trace_id, "an answer of Alipay's is not believed: {reason}"
            );
            GatewayError::unknown(reason)
        })?;
        success(&node, payment_no)
    }

    /// The request with its common parameters in the query: the charset must be known before the body is read (2.1).
    fn signed(&self, method: &str, biz_content: &str) -> Request {
        let timestamp = beijing(self.clock.now());
        let mut params = vec![
            ("app_id", self.app_id.as_str()),
            ("charset", "utf-8"),
            ("format", "JSON"),
            ("method", method),
            ("sign_type", "RSA2"),
            ("timestamp", &timestamp),
            ("version", "1.0"),
        ];
        if method == PRECREATE {
            params.push(("notify_url", &self.notify_url));
        }
        let mut all = params.clone();
        all.push(("biz_content", biz_content));
        let sign = self.own_key.sign(&request_text(&all));
        params.push(("sign", &sign));

        let mut url = self.gateway.clone();
        url.set_query(Some(&form(&params)));
        let mut request = Request::new(Method::POST, url);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, FORM);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(Body::from(form(&[("biz_content", biz_content)])));
        request
    }
}

/// Alipay's signed word that there is no such trade.
fn is_not_exist(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Declined { code, is_authentic: true, .. } if code == "TRADE_NOT_EXIST")
}

fn form(params: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPED)))
        .collect();
    pairs.join("&")
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts are always JSON")
}
