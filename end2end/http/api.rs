//! A merchant's program: JSON over HTTP with a key.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::server::{API_KEY, Server};

/// Bound of a wait for a change. A refund is asked about after 5, 15 and 60 s, and a busy machine may miss the second time.
const LONGEST_WAIT: Duration = Duration::from_secs(90);

pub struct Api {
    pub client: Client,
    pub base: String,
    pub key: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

/// Follows no redirect, so that a test sees every step.
pub fn client() -> Client {
    Client::builder()
        .timeout(Duration::from_secs(30))
        // The server closes idle connections after ten seconds, and a request on its way at that moment would fail.
        .pool_idle_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .cookie_store(true)
        .build()
        .unwrap()
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text))
    }

    /// The value, after checking the status.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// Checks an error's status, code and shape; returns its field.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Option<String> {
        let error = self.ok(status)["error"].clone();
        assert_eq!(error["code"], code, "{}", self.text);
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
        assert_eq!(error["requestId"].as_str(), self.header("x-request-id"));
        error["field"].as_str().map(str::to_owned)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Api {
    pub fn of(server: &Server) -> Api {
        Api::with_key(server, API_KEY)
    }

    pub fn with_key(server: &Server, key: &str) -> Api {
        Api {
            client: client(),
            base: format!("{}/api/billing", server.url),
            key: key.to_owned(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        send(
            self.request(Method::POST, path)
                .header("Idempotency-Key", key)
                .json(body),
        )
        .await
    }

    /// A new order over 99.90.
    pub async fn order(&self) -> Value {
        let body = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
        self.post("/orders", &body).await.ok(201)
    }

    pub async fn payment(&self, order: &Value, method: &str) -> Value {
        self.post("/payments", &json!({"orderId": order["id"], "method": method}))
            .await
            .ok(201)
    }

    /// Waits until the payment has this status.
    pub async fn wait_for(&self, payment: &Value, status: &str) -> Value {
        let started = Instant::now();
        let path = format!("/payments/{}", payment["id"].as_str().unwrap());
        loop {
            let found = self.get(&path).await.ok(200);
            if found["status"] == status {
                return found;
            }
            assert!(
                started.elapsed() < LONGEST_WAIT,
                "still {} instead of {status}",
                found["status"]
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Pays as a person with a phone: by the form of the wallet.
pub async fn pay(wallet: &str, code: &Value) -> Answer {
    send(
        client()
            .post(wallet)
            .form(&[("code", code.as_str().unwrap()), ("act", "pay")]),
    )
    .await
}
