//! A merchant's program that is told of events by webhook, and outlives the servers.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::routing::post;
use serde_json::Value;

use super::merchant::Merchant;

const PATIENCE: Duration = Duration::from_secs(60);
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Ids of the events that it was told.
#[derive(Clone, Default)]
pub struct Receiver {
    told: Arc<Mutex<HashSet<String>>>,
}

impl Receiver {
    /// Listens, and returns the address of its hook.
    pub async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let told = Arc::clone(&self.told);
        let hook = post(move |Json(event): Json<Value>| async move {
            told.lock()
                .unwrap()
                .insert(event["id"].as_str().unwrap().to_owned());
        });
        let app = axum::Router::new().route("/hook", hook);
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// Waits until it was told every event of the feed. The feed holds each once.
    pub async fn check(&self, merchant: &Merchant) {
        let mut listed = Vec::new();
        let mut query = "limit=100".to_owned();
        loop {
            let page = merchant.get(&format!("/events?{query}")).await;
            let events = page["data"].as_array().unwrap();
            if events.is_empty() {
                break;
            }
            listed.extend(
                events
                    .iter()
                    .map(|event| event["id"].as_str().unwrap().to_owned()),
            );
            query = format!("limit=100&after={}", page["nextAfter"].as_str().unwrap());
        }
        let distinct: HashSet<String> = listed.iter().cloned().collect();
        assert_eq!(distinct.len(), listed.len(), "an event is in the feed once");
        let started = Instant::now();
        while !distinct.is_subset(&self.told.lock().unwrap()) {
            assert!(started.elapsed() < PATIENCE, "an event was never delivered");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
