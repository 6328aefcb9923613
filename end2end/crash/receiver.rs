//! A merchant's program that is told of events by webhook, and outlives the servers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::routing::post;
use serde_json::Value;

use super::merchant::Merchant;

const PATIENCE: Duration = Duration::from_mins(1);
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Events that it was told, by id, with how often each came.
#[derive(Clone, Default)]
pub struct Receiver {
    told: Arc<Mutex<HashMap<String, (Value, usize)>>>,
}

impl Receiver {
    /// Listens, and returns the address of its hook.
    pub async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let told = Arc::clone(&self.told);
        let hook = post(move |Json(event): Json<Value>| async move {
            let id = event["id"].as_str().unwrap().to_owned();
            let mut told = told.lock().unwrap();
            let (known, n_times) = told.entry(id).or_insert((event.clone(), 0));
            assert_eq!(*known, event, "a repetition says the same");
            *n_times += 1;
        });
        let app = axum::Router::new().route("/hook", hook);
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// Returns how many events came more than once, which *at least once* allows.
    pub fn n_repetitions(&self) -> usize {
        let told = self.told.lock().unwrap();
        told.values().filter(|(_, n_times)| *n_times > 1).count()
    }

    /// Waits until it was told every event of the feed, and returns them. The feed holds each once, as it was told.
    pub async fn check(&self, merchant: &Merchant) -> Vec<Value> {
        let mut listed: Vec<Value> = Vec::new();
        let mut query = "limit=100".to_owned();
        loop {
            let page = merchant.get(&format!("/events?{query}")).await;
            let events = page["data"].as_array().unwrap();
            if events.is_empty() {
                break;
            }
            listed.extend(events.iter().cloned());
            query = format!("limit=100&after={}", page["nextAfter"].as_str().unwrap());
        }
        let ids = listed
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned());
        let distinct: HashSet<String> = ids.collect();
        assert_eq!(distinct.len(), listed.len(), "an event is in the feed once");
        let started = Instant::now();
        while !self.was_told(&distinct) {
            assert!(started.elapsed() < PATIENCE, "an event was never delivered");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let told = self.told.lock().unwrap();
        for event in &listed {
            assert_eq!(told[event["id"].as_str().unwrap()].0, *event);
        }
        listed
    }

    fn was_told(&self, ids: &HashSet<String>) -> bool {
        let told = self.told.lock().unwrap();
        ids.iter().all(|id| told.contains_key(id))
    }
}
