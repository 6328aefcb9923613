//! A merchant with its own signing.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use rsa::sha2::Sha256;
use rsa::{PrivateKey, PublicKey};
use serde_json::{Value, json};
use simulator::{Clock, Credentials, Settings, Simulator, WechatKeys};

use crate::inbox::Inbox;

pub const NOW_MS: i64 = 1_800_000_000_000;

pub struct Merchant {
    pub sim: Simulator,
    pub inbox: Inbox,
    pub client: reqwest::Client,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub async fn read(response: reqwest::Response) -> Answer {
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }
}

impl Merchant {
    pub async fn open() -> Merchant {
        Merchant::with_keys(WechatKeys::PublicKey).await
    }

    pub async fn with_keys(wechat_keys: WechatKeys) -> Merchant {
        let clock = Clock::Fixed { now_ms: NOW_MS };
        Merchant::at(Settings {
            clock,
            wechat_keys,
            ..Settings::default()
        })
        .await
    }

    pub async fn at(settings: Settings) -> Merchant {
        let no_redirects = reqwest::redirect::Policy::none();
        Merchant {
            sim: Simulator::start(settings).await.unwrap(),
            inbox: Inbox::open().await,
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(no_redirects)
                .build()
                .unwrap(),
        }
    }

    pub fn credentials(&self) -> &Credentials {
        self.sim.credentials()
    }

    pub fn order(&self, out_trade_no: &str, total: i64) -> Value {
        json!({
            "appid": self.credentials().wechat_app_id,
            "mchid": self.credentials().wechat_mch_id,
            "description": "会员月卡",
            "out_trade_no": out_trade_no,
            "notify_url": self.inbox.url,
            "amount": {"total": total, "currency": "CNY"},
        })
    }

    /// The value of an Authorization header, members in any order.
    pub fn authorization(&self, method: &str, target: &str, body: &str, seconds: i64) -> [String; 5] {
        let nonce = "593BEC0C930BF1AFEB40B4A08C8FB242";
        let message = format!("{method}\n{target}\n{seconds}\n{nonce}\n{body}\n");
        let signature = sign(&self.credentials().wechat_private_key, message.as_bytes());
        [
            format!("mchid=\"{}\"", self.credentials().wechat_mch_id),
            format!("nonce_str=\"{nonce}\""),
            format!("timestamp=\"{seconds}\""),
            format!("serial_no=\"{}\"", self.credentials().wechat_serial_no),
            format!("signature=\"{signature}\""),
        ]
    }

    pub async fn send(&self, method: &str, target: &str, body: &str, authorization: &str) -> Answer {
        let url = format!("{}{target}", self.sim.wechat_url());
        let mut request = self
            .client
            .request(method.parse().unwrap(), url)
            .header("accept", "application/json")
            .header("user-agent", "merchant/1")
            .header("authorization", authorization);
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_owned());
        }
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn wechat(&self, method: &str, target: &str, body: &str) -> Answer {
        let members = self
            .authorization(method, target, body, self.sim.now_ms() / 1_000)
            .join(",");
        self.send(
            method,
            target,
            body,
            &format!("WECHATPAY2-SHA256-RSA2048 {members}"),
        )
        .await
    }

    pub async fn create(&self, order: &Value) -> Answer {
        self.wechat("POST", "/v3/pay/transactions/native", &order.to_string())
            .await
    }

    pub async fn code_url(&self, order: &Value) -> String {
        let answer = self.create(order).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["code_url"].as_str().unwrap().to_owned()
    }

    pub async fn query(&self, out_trade_no: &str) -> Answer {
        let mchid = &self.credentials().wechat_mch_id;
        let target = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={mchid}");
        self.wechat("GET", &target, "").await
    }

    pub async fn close(&self, out_trade_no: &str) -> Answer {
        let body = json!({"mchid": self.credentials().wechat_mch_id}).to_string();
        let target = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}/close");
        self.wechat("POST", &target, &body).await
    }

    pub fn wechat_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name: &str| {
            headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        let mut message = format!(
            "{}\n{}\n",
            header("wechatpay-timestamp"),
            header("wechatpay-nonce")
        )
        .into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        header("wechatpay-serial") == self.credentials().wechat_public_key_id.clone().unwrap()
            && verify(
                &self.credentials().wechat_public_key,
                &message,
                &header("wechatpay-signature"),
            )
    }

    /// Common parameters of an Alipay call, unsigned.
    pub fn alipay_params(&self, method: &str, biz: &Value) -> Vec<(String, String)> {
        [
            ("app_id", self.credentials().alipay_app_id.as_str()),
            ("method", method),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("timestamp", "2027-01-15 16:00:00"),
            ("version", "1.0"),
            ("notify_url", &self.inbox.url),
            ("biz_content", &biz.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub fn alipay_sign(&self, mut params: Vec<(String, String)>) -> Vec<(String, String)> {
        params.sort();
        let pairs: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let signature = sign(&self.credentials().alipay_private_key, pairs.join("&").as_bytes());
        params.push(("sign".to_owned(), signature));
        params
    }

    pub async fn alipay_send(&self, params: &[(String, String)]) -> Answer {
        let (biz, common): (Vec<_>, Vec<_>) = params.iter().partition(|(name, _)| name == "biz_content");
        let url = format!("{}?{}", self.sim.alipay_url(), form(&common));
        let request = self
            .client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded;charset=utf-8")
            .body(form(&biz));
        Answer::read(request.send().await.unwrap()).await
    }

    /// The node of a signed answer, once its signature over the exact characters is verified.
    pub async fn alipay(&self, method: &str, biz: &Value) -> Value {
        self.alipay_at(method, biz, "2027-01-15 16:00:00").await
    }

    pub async fn alipay_at(&self, method: &str, biz: &Value, timestamp: &str) -> Value {
        let mut params = self.alipay_params(method, biz);
        params.iter_mut().find(|(name, _)| name == "timestamp").unwrap().1 = timestamp.to_owned();
        let answer = self.alipay_send(&self.alipay_sign(params)).await;
        let text = String::from_utf8(answer.body).unwrap();
        let head = format!("{{\"{}_response\":", method.replace('.', "_"));
        let (node, sign) = text
            .strip_prefix(&head)
            .unwrap()
            .rsplit_once(",\"sign\":\"")
            .unwrap();
        let sign = sign.strip_suffix("\"}").unwrap();
        assert!(
            verify(&self.credentials().alipay_public_key, node.as_bytes(), sign),
            "{text}"
        );
        serde_json::from_str(node).unwrap()
    }
}

pub fn form(params: &[&(String, String)]) -> String {
    let escape = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    pairs.join("&")
}

pub fn sign(private_pem: &str, message: &[u8]) -> String {
    let key = PrivateKey::from_pkcs8_pem(private_pem).unwrap();
    STANDARD.encode(key.pkcs1v15_sign::<Sha256>(message).unwrap())
}

pub fn verify(public_pem: &str, message: &[u8], signature: &str) -> bool {
    let key = PublicKey::from_public_key_pem(public_pem).unwrap();
    STANDARD
        .decode(signature)
        .is_ok_and(|raw| key.pkcs1v15_verify::<Sha256>(message, &raw).is_ok())
}
