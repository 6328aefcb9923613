//! A merchant's program that retries with the same number and idempotency key until there is an answer.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::server::{API_KEY, client};

/// Twice what a dead server's claim may last, and the time to start it again on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Clone)]
pub struct Merchant {
    client: reqwest::Client,
    /// Addresses of the servers; a request goes to the next one when one does not answer.
    bases: Vec<String>,
}

impl Merchant {
    pub fn of(urls: &[&str]) -> Merchant {
        Merchant {
            client: client(),
            bases: urls.iter().map(|url| format!("{url}/api/billing")).collect(),
        }
    }

    /// Repeats a request until any server answers it with something other than *try again*.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let started = Instant::now();
        for n in 0.. {
            let request = self
                .client
                .post(format!("{}{path}", self.bases[n % self.bases.len()]))
                .bearer_auth(API_KEY)
                .header("Idempotency-Key", key)
                .json(body);
            if let Some(answer) = answer(request).await {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "no answer to {path} {body}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("time runs out first")
    }

    pub async fn get(&self, path: &str) -> Value {
        let started = Instant::now();
        for n in 0.. {
            let url = format!("{}{path}", self.bases[n % self.bases.len()]);
            let request = self.client.get(url).bearer_auth(API_KEY);
            if let Some((status, value)) = answer(request).await {
                assert_eq!(status, 200, "{path}: {value}");
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "no answer to {path}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("time runs out first")
    }

    /// Polls until the condition holds.
    pub async fn until(&self, path: &str, is_good: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let value = self.get(path).await;
            if is_good(&value) {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "never came right: {path} {value}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// `None`: the outcome is unknown.
async fn answer(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let text = response.text().await.ok()?;
    if status >= 500 || status == 429 {
        return None;
    }
    Some((status, serde_json::from_str(&text).unwrap()))
}
