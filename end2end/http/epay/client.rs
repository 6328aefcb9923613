//! A client of the protocol with a signer of its own, so that a mistake of the server cannot check itself.

use std::time::{Duration, Instant};

use md5::{Digest as _, Md5};
use serde_json::Value;

use crate::api::{Answer, client, pay, send};
use crate::server::Server;

pub const KEY: &str = "epay-test-key-0123456789-abcdefghij";
pub const PID: &str = "1001";
/// Where no test listens: a notification to it fails at once.
pub const NOWHERE: &str = "http://127.0.0.1:9/notify";

pub type Pairs = Vec<(String, String)>;

pub struct Client {
    pub url: String,
    pub wallet: String,
    pub pid: String,
    pub key: String,
}

pub fn start(settings: &[(&str, &str)]) -> (Server, Client) {
    let mut all = vec![("EPAY", "on"), ("EPAY_PID", PID), ("EPAY_KEY", KEY)];
    all.extend(settings);
    let server = Server::simulated(&all);
    let client = Client {
        url: server.url.clone(),
        wallet: server.wallet.clone().unwrap(),
        pid: PID.to_owned(),
        key: KEY.to_owned(),
    };
    (server, client)
}

pub fn owned(pairs: &[(&str, &str)]) -> Pairs {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The text that most clients sign: sorted, without empty values.
pub fn text_of(pairs: &Pairs) -> String {
    let mut signed: Vec<String> = pairs
        .iter()
        .filter(|(name, value)| {
            !value.is_empty() && name != "sign" && name != "sign_type" && !name.contains('[')
        })
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    signed.sort_by(|left, right| {
        let name = |pair: &str| pair.split('=').next().unwrap().to_owned();
        name(left).cmp(&name(right))
    });
    signed.join("&")
}

pub fn md5_of(text: &str) -> String {
    Md5::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Sets a field, or adds it.
pub fn with(pairs: &Pairs, name: &str, value: &str) -> Pairs {
    let mut pairs: Pairs = pairs.iter().filter(|(known, _)| known != name).cloned().collect();
    pairs.push((name.to_owned(), value.to_owned()));
    pairs
}

pub fn without(pairs: &Pairs, name: &str) -> Pairs {
    pairs.iter().filter(|(known, _)| known != name).cloned().collect()
}

/// An address with these fields in its query.
pub fn with_query(address: &str, pairs: &Pairs) -> reqwest::Url {
    reqwest::Url::parse_with_params(address, pairs).unwrap()
}

impl Client {
    pub fn sign(&self, pairs: &Pairs) -> Pairs {
        let sign = md5_of(&format!("{}{}", text_of(pairs), self.key));
        with(&with(pairs, "sign", &sign), "sign_type", "MD5")
    }

    /// An order over 9.90 that is to be paid by Alipay.
    pub fn order(&self, out_trade_no: &str) -> Pairs {
        owned(&[
            ("pid", &self.pid),
            ("type", "alipay"),
            ("out_trade_no", out_trade_no),
            ("notify_url", NOWHERE),
            ("name", "VIP会员"),
            ("money", "9.90"),
        ])
    }

    pub async fn post(&self, path: &str, pairs: &Pairs) -> Answer {
        send(client().post(format!("{}{path}", self.url)).form(pairs)).await
    }

    pub async fn get(&self, path: &str, pairs: &Pairs) -> Answer {
        send(client().get(with_query(&format!("{}{path}", self.url), pairs))).await
    }

    /// `mapi.php`, signed here; the answer's members.
    pub async fn mapi(&self, pairs: &Pairs) -> Value {
        self.post("/mapi.php", &self.sign(pairs)).await.ok(200)
    }

    /// Refused by `mapi.php` with this code.
    pub async fn refuses(&self, pairs: &Pairs, code: i64) {
        let said = self.mapi(pairs).await;
        assert_eq!(said["code"], code, "{pairs:?}: {said}");
        assert!(said["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{said}");
    }

    /// `api.php?act=order` by the key.
    pub async fn query(&self, out_trade_no: &str) -> Value {
        let pairs = owned(&[
            ("act", "order"),
            ("pid", &self.pid),
            ("key", &self.key),
            ("out_trade_no", out_trade_no),
        ]);
        self.get("/api.php", &pairs).await.ok(200)
    }

    /// Orders, pays with the simulated phone, and waits until the query says so.
    pub async fn paid_order(&self, pairs: &Pairs) -> Value {
        let made = self.mapi(pairs).await;
        assert_eq!(made["code"], 1, "{made}");
        pay(&self.wallet, &made["qrcode"]).await;
        let number = made["out_trade_no"].as_str().unwrap().to_owned();
        self.wait_for_status(&number, 1).await;
        made
    }

    pub async fn wait_for_status(&self, out_trade_no: &str, status: i64) -> Value {
        let started = Instant::now();
        loop {
            let found = self.query(out_trade_no).await;
            if found["status"] == status {
                return found;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "still {found}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn refund(&self, pairs: &[(&str, &str)]) -> Value {
        let mut all = vec![("act", "refund"), ("pid", &self.pid), ("key", &self.key)];
        all.extend(pairs);
        self.post("/api.php", &owned(&all)).await.ok(200)
    }
}
