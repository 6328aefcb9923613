//! Where notifications arrive.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use tokio::sync::Notify;

const NOTIFY_PATH: &str = "/notify";

/// Keeps every notification and answers as told, then with a good answer for both gateways.
#[derive(Clone)]
pub struct Inbox {
    pub url: String,
    state: Arc<Mutex<InboxState>>,
    arrived: Arc<Notify>,
}

#[derive(Default)]
struct InboxState {
    received: Vec<(HeaderMap, Vec<u8>)>,
    answers: VecDeque<(u16, &'static str)>,
    refuses_all: bool,
}

impl Inbox {
    pub async fn open() -> Inbox {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{NOTIFY_PATH}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(InboxState::default()));
        let inbox = Inbox {
            url,
            state,
            arrived: Arc::new(Notify::new()),
        };
        let router = Router::new().fallback(receive).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        inbox
    }

    pub fn received(&self) -> Vec<(HeaderMap, Vec<u8>)> {
        self.state.lock().unwrap().received.clone()
    }

    pub fn count(&self) -> usize {
        self.state.lock().unwrap().received.len()
    }

    /// Until so many have arrived.
    pub async fn wait_for(&self, n_notifications: usize) {
        while self.count() < n_notifications {
            self.arrived.notified().await;
        }
    }

    pub fn answer_next(&self, status: u16, body: &'static str) {
        self.state.lock().unwrap().answers.push_back((status, body));
    }

    pub fn refuse_all(&self) {
        self.state.lock().unwrap().refuses_all = true;
    }

    pub fn forms(&self) -> Vec<Vec<(String, Vec<u8>)>> {
        self.received().iter().map(|(_, body)| parse_form(body)).collect()
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    let mut state = inbox.state.lock().unwrap();
    state.received.push((headers, body.to_vec()));
    inbox.arrived.notify_one();
    let usual = if state.refuses_all {
        (500, "fail")
    } else {
        (200, "success")
    };
    let (status, body) = state.answers.pop_front().unwrap_or(usual);
    let status = StatusCode::from_u16(status).unwrap();
    // A redirect that is followed comes back here and is counted.
    (status, [("location", NOTIFY_PATH)], body).into_response()
}

pub fn parse_form(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = std::str::from_utf8(body).unwrap();
    text.split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            let value = value.replace('+', " ");
            (
                name.to_owned(),
                percent_encoding::percent_decode_str(&value).collect(),
            )
        })
        .collect()
}
