//! A notification as it is sent, signed anew at every attempt.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::keys::{ALIPAY_APP_ID, Keys, SELLER_ID};
use crate::outbox::{Content, Notification};
use crate::rng::Rng;
use crate::time::{beijing_text, rfc3339};
use crate::wire::{Forgery, form_escape, wechat_headers};

const CERT_SN: &str = "alipay_cert_sn";

/// One attempt: everything but the signature is decided.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) notification: Notification,
    pub(crate) now_ms: i64,
    pub(crate) style: Style,
    pub(crate) forgery: Forgery,
    /// Random numbers are drawn early, so that sealing needs no state.
    pub(crate) header_nonce: String,
    pub(crate) resource_nonce: String,
    pub(crate) request_id: String,
    pub(crate) id_first: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) gbk: bool,
    pub(crate) percent_spaces: bool,
}

/// A notification as the merchant receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNotification {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Draft {
    pub(crate) fn new(notification: Notification, now_ms: i64, rng: &mut Rng, forgery: Forgery) -> Draft {
        Draft {
            notification,
            now_ms,
            style: Style::default(),
            forgery,
            header_nonce: rng.alphanumeric(32),
            resource_nonce: rng.alphanumeric(12),
            request_id: request_id(rng, 0),
            id_first: rng.below(2) == 0,
        }
    }

    pub(crate) fn seal(&self, keys: &Keys) -> SignedNotification {
        let (headers, body) = match &self.notification.content {
            Content::Wechat(plain) => self.seal_wechat(keys, plain),
            Content::Alipay(fields) => self.seal_alipay(keys, fields),
        };
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        SignedNotification {
            url: self.notification.url.clone(),
            headers,
            body,
        }
    }

    fn seal_wechat(&self, keys: &Keys, plain: &Value) -> (Vec<(&'static str, String)>, Vec<u8>) {
        let key = keys.credentials().wechat_api_v3_key.as_bytes();
        let kind = if plain.get("out_refund_no").is_some() {
            "refund"
        } else {
            "transaction"
        };
        let resource = encrypt(key, &self.resource_nonce, kind, plain.to_string().as_bytes());
        let summary = match self.notification.about.as_str() {
            "REFUND.SUCCESS" => "退款成功",
            "REFUND.ABNORMAL" => "退款异常",
            "REFUND.CLOSED" => "退款关闭",
            _ => "支付成功",
        };
        let id = format!("\"id\":\"{}\"", self.notification.id);
        let time = format!("\"create_time\":\"{}\"", rfc3339(self.notification.created_ms));
        // The order of members differs between real notifications (wechatpay-go#230).
        let (first, second) = if self.id_first { (id, time) } else { (time, id) };
        let resource = json!({
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": resource,
            "associated_data": kind,
            "nonce": self.resource_nonce,
        });
        let body = format!(
            "{{{first},{second},\"resource_type\":\"encrypt-resource\",\"event_type\":\"{}\",\
             \"summary\":\"{summary}\",\"resource\":{resource}}}",
            self.notification.about
        )
        .into_bytes();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "*/*".to_owned()),
            ("user-agent", "Mozilla/4.0".to_owned()),
            ("pragma", "no-cache".to_owned()),
            ("request-id", self.request_id.clone()),
        ];
        headers.extend(wechat_headers(
            keys,
            &self.forgery,
            None,
            self.now_ms,
            self.header_nonce.clone(),
            &body,
        ));
        (headers, body)
    }

    fn seal_alipay(
        &self,
        keys: &Keys,
        fields: &[(String, String)],
    ) -> (Vec<(&'static str, String)>, Vec<u8>) {
        let charset = if self.style.gbk { "GBK" } else { "utf-8" };
        let mut fields = fields.to_vec();
        fields.push(("notify_time".to_owned(), beijing_text(self.now_ms)));
        fields.push(("charset".to_owned(), charset.to_owned()));
        let mut fields: Vec<(String, Vec<u8>)> = fields
            .into_iter()
            .map(|(name, value)| (name, self.encode(&value)))
            .collect();
        let mut sorted = fields.clone();
        sorted.retain(|(name, _)| !self.notification.unsigned.contains(name));
        sorted.sort();
        let mut message = Vec::new();
        for (name, value) in &sorted {
            if !message.is_empty() {
                message.push(b'&');
            }
            message.extend_from_slice(name.as_bytes());
            message.push(b'=');
            message.extend_from_slice(value);
        }
        fields.push(("sign_type".to_owned(), b"RSA2".to_vec()));
        let cert_sn = fields.iter().find(|(name, _)| name == CERT_SN);
        let cert_sn = cert_sn.and_then(|(_, sn)| String::from_utf8(sn.clone()).ok());
        match &self.forgery {
            Forgery::By(signer) => {
                fields.push((
                    "sign".to_owned(),
                    keys.sign_as_alipay(*signer, cert_sn.as_deref(), &message)
                        .into_bytes(),
                ));
            }
            Forgery::Probe(text) => fields.push(("sign".to_owned(), text.clone().into_bytes())),
            Forgery::Missing => {}
        }
        let space = if self.style.percent_spaces { "%20" } else { "+" };
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", form_escape(value, space)))
            .collect();
        let content_type = format!("application/x-www-form-urlencoded; charset={charset}");
        let headers = vec![
            ("content-type", content_type),
            ("user-agent", "Mozilla/4.0".to_owned()),
        ];
        (headers, pairs.join("&").into_bytes())
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        if self.style.gbk {
            encoding_rs::GBK.encode(text).0.into_owned()
        } else {
            text.as_bytes().to_vec()
        }
    }
}

/// AES-256-GCM under the ASCII bytes of the APIv3 key, in base64.
pub(crate) fn encrypt(key: &[u8], nonce: &str, associated_data: &str, plain: &[u8]) -> String {
    let cipher = Aes256Gcm::new_from_slice(key).expect("an APIv3 key has 32 bytes");
    let nonce = Nonce::try_from(nonce.as_bytes()).expect("our nonces have 12 bytes");
    let payload = Payload {
        msg: plain,
        aad: associated_data.as_bytes(),
    };
    STANDARD.encode(
        cipher
            .encrypt(&nonce, payload)
            .expect("a short text can be encrypted"),
    )
}

/// `<hex>-<n>`: the number after the last dash is WeChat's internal error code.
pub(crate) fn request_id(rng: &mut Rng, internal_code: u32) -> String {
    format!("08{}-{internal_code}", rng.hex(40).to_uppercase())
}

/// Fields that every Alipay notification has.
pub(crate) fn alipay_frame(notify_id: &str) -> Vec<(String, String)> {
    [
        ("notify_type", "trade_status_sync"),
        ("notify_id", notify_id),
        ("version", "1.0"),
        ("app_id", ALIPAY_APP_ID),
        ("auth_app_id", ALIPAY_APP_ID),
        ("seller_id", SELLER_ID),
        ("seller_email", "seller@sandbox.example"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
