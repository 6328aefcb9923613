//! Alipay calls and signed browser addresses: the same parameters, signed the same way.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Channel;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Body, Request};
use tracing::{debug, info, warn};
use url::Url;

use super::super::calls::{About, Call};
use super::super::timed::outcome_of;
use super::super::transport::Answer as Sent;
use super::super::{GatewayError, VerifyingKey};
use super::keys::{Certified, KeySource};
use super::sign::{Node, Sealed, request_text};
use super::wire::{Answer, CertificateQuery, success, success_of};
use super::{APP_PAY, Alipay, PAGE_PAY, PRECREATE, TRADE_CREATE, WAP_PAY, to_json};
use crate::GatewayOperation;
use crate::calendar::beijing;

const CERTIFICATE: &str = "alipay.open.app.alipaycert.download";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded;charset=utf-8");
/// Escapes everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

impl Alipay {
    /// Calls a method. `Ok` is a success signed by Alipay, about this payment.
    pub(super) async fn call_about(
        &self,
        about: About<'_>,
        method: &str,
        biz_content: &str,
    ) -> Result<Answer, GatewayError> {
        let node = self.ask(about, method, biz_content).await?;
        success(&node, about.payment_no.as_str())
    }

    /// Like [`Self::call_about`] for answers that need not name the payment; one that does must name this payment.
    pub(super) async fn call(
        &self,
        about: About<'_>,
        method: &str,
        biz_content: &str,
    ) -> Result<Answer, GatewayError> {
        let node = self.ask(about, method, biz_content).await?;
        success_of(&node, Some(about.payment_no.as_str()))
    }

    /// Sends a call about a payment and records it in the gateway log.
    async fn ask(&self, about: About<'_>, method: &str, biz_content: &str) -> Result<Node, GatewayError> {
        let mut call = Call::begin(
            Channel::Alipay,
            about,
            method.to_owned(),
            biz_content,
            self.clock.now(),
        );
        let sent = self.send(method, biz_content).await;
        call.returned(&sent, self.clock.now());
        let node = match sent {
            Ok(sent) => {
                let node = self.verified(method, &sent).await;
                call.judged(node.as_ref().map(|node| node.is_signed));
                node
            }
            Err(error) => Err(error),
        };
        self.calls.note(call);
        node
    }

    /// Verifies the signature of an answer; an unsigned one is returned as such.
    pub(super) async fn verified(&self, method: &str, sent: &Sent) -> Result<Node, GatewayError> {
        self.open(method, &sent.body).await.map_err(|reason| {
            let trace_id = sent.header("trace_id");
            warn!(trace_id, "rejected Alipay's answer to {method}: {reason}");
            GatewayError::unknown(reason)
        })
    }

    pub(super) async fn send(&self, method: &str, biz_content: &str) -> Result<Sent, GatewayError> {
        let answer = self.transport.send(self.signed(method, biz_content)).await?;
        let trace_id = answer.header("trace_id");
        debug!(trace_id, "Alipay answered {} to {method}", answer.status);
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        Err(GatewayError::unknown(format!(
            "status {}",
            answer.status.as_u16()
        )))
    }

    async fn open(&self, method: &str, body: &[u8]) -> Result<Node, &'static str> {
        let sealed = Sealed::find(method, body)?;
        let key = if sealed.is_signed() {
            self.key_of(sealed.cert_sn.as_deref(), KeySource::Answer).await
        } else {
            None
        };
        sealed.open(key.as_deref())
    }

    /// Returns the key of the certificate that a message names. An unknown certificate is fetched, and trusted when its
    /// chain leads to the pinned root.
    pub(super) async fn key_of(&self, sn: Option<&str>, source: KeySource) -> Option<Arc<VerifyingKey>> {
        if let Some(key) = self.keys.find(sn) {
            return Some(key);
        }
        let (certified, sn) = (self.keys.certified()?, sn?);
        let turn = certified.may_fetch(source, self.clock.now()).await;
        // A caller that waited finds the certificate that another one has fetched.
        if let Some(key) = self.keys.find(Some(sn)) {
            return Some(key);
        }
        let _turn = turn?;
        match self.fetch(certified, sn).await {
            Ok(()) => info!("Alipay signs with another certificate now: {sn}"),
            Err(reason) => warn!("rejected the certificate {sn}: {reason}"),
        }
        self.keys.find(Some(sn))
    }

    /// Fetches a certificate. The answer is signed with that very certificate; only the chain proves it.
    async fn fetch(&self, certified: &Certified, sn: &str) -> Result<(), String> {
        let query = to_json(&CertificateQuery { alipay_cert_sn: sn });
        let begun_at = self.clock.monotonic();
        let sent = self.send(CERTIFICATE, &query).await;
        let took = self.clock.monotonic().saturating_sub(begun_at);
        self.metrics.count_gateway_call(
            Channel::Alipay,
            GatewayOperation::Certificates,
            outcome_of(&sent),
            took,
        );
        let answer = sent.map_err(|error| error.to_string())?;
        let node = Sealed::find(CERTIFICATE, &answer.body)?;
        let answer: Answer =
            serde_json::from_str(&node.unproven()).map_err(|_| "the answer is not readable")?;
        let content = answer
            .alipay_cert_content
            .0
            .ok_or("an answer without a certificate")?;
        let chain = STANDARD
            .decode(content.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or("a certificate that is not base64 of a text")?;
        certified.trust(sn, &chain, self.clock.now())?;
        Ok(())
    }

    /// Builds the request with its common parameters in the query: the charset must be known before the body is read
    /// (2.1).
    fn signed(&self, method: &str, biz_content: &str) -> Request {
        let url = self.with_query(&self.common(method, biz_content, None));
        let mut request = Request::new(Method::POST, url);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, FORM);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(Body::from(encode_form(&[(
            "biz_content",
            biz_content.to_owned(),
        )])));
        request
    }

    /// Builds the payment address of the browser: all parameters in the query, about a kilobyte, which every browser
    /// accepts.
    pub(super) fn address(&self, method: &str, biz_content: &str, return_url: Option<&str>) -> Url {
        let mut params = self.common(method, biz_content, return_url);
        params.push(("biz_content", biz_content.to_owned()));
        self.with_query(&params)
    }

    /// Builds the text that an app hands to Alipay's SDK: the parameters of an address without the address.
    pub(super) fn order_string(&self, biz_content: &str) -> String {
        let mut params = self.common(APP_PAY, biz_content, None);
        params.push(("biz_content", biz_content.to_owned()));
        encode_form(&params)
    }

    fn with_query(&self, params: &[(&'static str, String)]) -> Url {
        let mut url = self.gateway.clone();
        url.set_query(Some(&encode_form(params)));
        url
    }

    /// Builds the common parameters and the signature over them and the content.
    fn common(
        &self,
        method: &str,
        biz_content: &str,
        return_url: Option<&str>,
    ) -> Vec<(&'static str, String)> {
        let mut params = vec![
            ("app_id", self.app_id.clone()),
            ("charset", "utf-8".to_owned()),
            ("format", "JSON".to_owned()),
            ("method", method.to_owned()),
            ("sign_type", "RSA2".to_owned()),
            ("timestamp", beijing(self.clock.now())),
            ("version", "1.0".to_owned()),
        ];
        for (name, value) in self.keys.params() {
            params.push((name, value.to_owned()));
        }
        if [PRECREATE, WAP_PAY, PAGE_PAY, APP_PAY, TRADE_CREATE].contains(&method) {
            params.push(("notify_url", self.notify_url.clone()));
        }
        if let Some(url) = return_url {
            params.push(("return_url", url.to_owned()));
        }
        let mut all: Vec<(&str, &str)> = params
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        all.push(("biz_content", biz_content));
        let sign = self.own_key.sign(&request_text(&all));
        params.push(("sign", sign));
        params
    }
}

fn encode_form(params: &[(&'static str, String)]) -> String {
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPED)))
        .collect();
    pairs.join("&")
}
