//! WeChat calls: signed by us, answers accepted only with WeChat's signature.

use domain::{Channel, Timestamp};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Body, Request};
use tracing::{debug, info, warn};
use url::Url;

use super::super::GatewayError;
use super::super::calls::{About, Call};
use super::super::transport::Answer;
use super::Wechat;
use super::certificates::read_certificates;
use super::keys::PUBLIC_KEY_PREFIX;
use super::refusal::Refusal;
use super::sign::{SignatureError, authorization, request_message};
use crate::{CallOutcome, GatewayOperation};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Classified answer of WeChat.
#[derive(Debug)]
pub(super) enum WechatAnswer {
    /// Signed success.
    Yes(Vec<u8>),
    No(Refusal),
}

impl WechatAnswer {
    fn is_signed(&self) -> bool {
        match self {
            WechatAnswer::Yes(_) => true,
            WechatAnswer::No(refusal) => refusal.is_authentic(),
        }
    }
}

impl Wechat {
    /// Sends a call about a payment and records it in the gateway log.
    pub(super) async fn ask(
        &self,
        about: About<'_>,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<WechatAnswer, GatewayError> {
        let is_question = method == Method::GET;
        let line = format!("{method} /{path}");
        let mut call = Call::begin(Channel::Wechat, about, line, body, self.clock.now());
        let sent = self.send(method, path, body).await;
        call.returned(&sent, self.clock.now());
        let said = match sent {
            Ok(answer) => {
                let said = self.judge(answer, is_question).await;
                call.judged(said.as_ref().map(WechatAnswer::is_signed));
                said
            }
            Err(error) => Err(error),
        };
        self.calls.note(call);
        said
    }

    /// Verifies and classifies an answer.
    pub(super) async fn judge(
        &self,
        answer: Answer,
        is_question: bool,
    ) -> Result<WechatAnswer, GatewayError> {
        let verdict = self.verify(&answer.headers, &answer.body, self.clock.now()).await;
        if is_question {
            // Certificates are refreshed with queries, which jobs send all the time and no payer waits for.
            self.refresh_keys().await;
        }
        let request_id = answer.header("Request-ID");
        if answer.status == StatusCode::OK || answer.status == StatusCode::NO_CONTENT {
            debug!(request_id, "WeChat answered {}", answer.status);
            return match verdict {
                Ok(()) => Ok(WechatAnswer::Yes(answer.body)),
                Err(SignatureError::Probe) => Err(GatewayError::RetrySame {
                    reason: SignatureError::Probe.to_string(),
                }),
                Err(distrust) => {
                    warn!(request_id, "rejected WeChat's answer: {distrust}");
                    Err(GatewayError::unknown(distrust.to_string()))
                }
            };
        }
        let mut refusal = Refusal::read(answer.status, &answer.body, verdict.is_ok());
        refusal.is_repeated = answer.is_repeated;
        info!(
            request_id,
            internal_code = internal_code(request_id),
            code = refusal.code,
            is_signed = verdict.is_ok(),
            "WeChat answered {} {}",
            answer.status,
            refusal.code
        );
        Ok(WechatAnswer::No(refusal))
    }

    pub(in super::super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<Answer, GatewayError> {
        let url = Url::parse(&format!("{}/{path}", self.base.as_str().trim_end_matches('/')))
            .expect("a path of ours behind a good base is a good address");
        let mut request = self.signed(method, url, body);
        request.headers_mut().insert(ACCEPT, JSON);
        self.transport.send(request).await
    }

    /// Builds a signed request. Path and query are signed as sent: from the called address, not from a second text.
    pub(super) fn signed(&self, method: Method, url: Url, body: &str) -> Request {
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
        if let Some(serial) = &self.wanted_serial {
            headers.insert("Wechatpay-Serial", serial.clone());
        }
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, JSON);
            *request.body_mut() = Some(Body::from(body.to_owned()));
        }
        request
    }

    /// Verifies a signature; downloads certificates when it names an unknown one.
    pub(super) async fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<(), SignatureError> {
        let verdict = self.platform_keys.verify(headers, body, received_at);
        let is_public_key = headers
            .get("Wechatpay-Serial")
            .is_some_and(|serial| serial.as_bytes().starts_with(PUBLIC_KEY_PREFIX.as_bytes()));
        // A public key is in no list: only a person can download it.
        if verdict != Err(SignatureError::UnknownSerial) || is_public_key {
            return verdict;
        }
        self.download_keys().await;
        self.platform_keys.verify(headers, body, received_at)
    }

    async fn refresh_keys(&self) {
        if self.platform_keys.is_stale(self.clock.now()) {
            self.download_keys().await;
        }
    }

    /// Counts the platform certificates of a downloaded list, when the APIv3 key opens it.
    pub(in super::super) fn open_certificates(&self, body: &[u8]) -> Result<usize, &'static str> {
        read_certificates(&self.api_v3_key, body).map(|certificates| certificates.len())
    }

    async fn download_keys(&self) {
        let Some(_turn) = self.platform_keys.may_download(self.clock.now()).await else {
            return;
        };
        let begun_at = self.clock.monotonic();
        let sent = self.send(Method::GET, "v3/certificates", "").await;
        let outcome = match &sent {
            Ok(answer) if answer.status == StatusCode::OK => CallOutcome::Ok,
            Ok(answer) if answer.status.is_client_error() => CallOutcome::Declined,
            _ => CallOutcome::Unknown,
        };
        let took = self.clock.monotonic().saturating_sub(begun_at);
        self.metrics
            .count_gateway_call(Channel::Wechat, GatewayOperation::Certificates, outcome, took);
        let answer = match sent {
            Ok(answer) if answer.status == StatusCode::OK => answer,
            // 404 RESOURCE_NOT_EXISTS: this merchant has a public key and no certificates (T-11).
            Ok(answer) => return warn!("WeChat has no platform certificates for us: {}", answer.status),
            Err(error) => return warn!("platform certificates were not downloaded: {error}"),
        };
        let taken =
            self.platform_keys
                .take_over(&self.api_v3_key, &answer.headers, &answer.body, self.clock.now());
        match taken {
            Ok(n_keys) => debug!("WeChat signs with {n_keys} platform certificates"),
            Err(distrust) => warn!("rejected the downloaded platform certificates: {distrust}"),
        }
    }
}

/// Extracts WeChat's internal error number, which its support asks for: `08E68E97…-268578704`, after the last dash.
fn internal_code(request_id: &str) -> Option<&str> {
    let (_, code) = request_id.rsplit_once('-')?;
    (!code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::internal_code;

    #[test]
    fn the_number_of_an_error_follows_the_last_dash() {
        let id = "08E68E97CC0610DF0618AC86BCA80120082880CF05-268578704";
        assert_eq!(internal_code(id), Some("268578704"));
        assert_eq!(internal_code("a-b-0"), Some("0"));
        for id in ["", "08E68E97", "08E68E97-", "08E6-8E97"] {
            assert_eq!(internal_code(id), None, "{id}");
        }
    }
}
