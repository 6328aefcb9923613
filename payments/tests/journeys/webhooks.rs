//! Webhooks: every event reaches the endpoints that want it, signed, until it was heard or its time is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{EndpointId, EventId, EventType, Method};
use payments::console::{IncidentKind, list_open_incidents};
use payments::webhook::{
    Delivery, DeliveryQuery, EndpointPatch, EndpointStatus, EventFilter, NewEndpoint, ShownEndpoint,
    WebhookSecret, create_endpoint, find_endpoint, list_deliveries, ping_endpoint, redeliver_event,
    replay_events, rotate_secret, update_endpoint,
};
use payments::{Error, Services, deliver_webhooks, run_webhooks};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::events::read_all;
use crate::shop::{Shop, on_each_engine};

/// A merchant's program that keeps what it is told and answers as it is set.
#[derive(Clone, Default)]
struct Receiver {
    calls: Arc<Mutex<Vec<Call>>>,
    answer: Arc<Mutex<Option<StatusCode>>>,
}

#[derive(Clone)]
struct Call {
    headers: HashMap<String, String>,
    body: String,
}

impl Receiver {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = axum::Router::new()
            .route("/hook", post(receive))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    fn answer(&self, status: StatusCode) {
        *self.answer.lock().unwrap() = Some(status);
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn types(&self) -> Vec<String> {
        let kind = |call: &Call| call.json()["type"].as_str().unwrap().to_owned();
        self.calls().iter().map(kind).collect()
    }
}

impl Call {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        &self.headers[name]
    }

    /// Checks the signatures as Standard Webhooks says, with an implementation of its own.
    fn is_signed_with(&self, secret: &WebhookSecret) -> bool {
        let text = secret.to_text();
        let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!(
            "{}.{}.{}",
            self.header("webhook-id"),
            self.header("webhook-timestamp"),
            self.body
        );
        let wanted = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, signed.as_bytes())));
        self.header("webhook-signature")
            .split(' ')
            .any(|signature| signature == wanted)
    }
}

/// HMAC of RFC 2104; our secrets are no longer than a block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5C))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let call = Call {
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    receiver.calls.lock().unwrap().push(call);
    receiver.answer.lock().unwrap().unwrap_or(StatusCode::NO_CONTENT)
}

async fn register(services: &Services, url: &str, events: EventFilter) -> ShownEndpoint {
    let new = NewEndpoint {
        url: url.to_owned(),
        events,
        description: None,
    };
    create_endpoint(services, new, None)
        .await
        .unwrap()
        .into_value()
        .unwrap()
}

async fn deliveries(services: &Services, id: &EndpointId) -> Vec<Delivery> {
    let query = DeliveryQuery {
        limit: 100,
        ..DeliveryQuery::default()
    };
    list_deliveries(services, id, &query).await.unwrap().data
}

async fn has_incident(shop: &Shop, kind: IncidentKind) -> bool {
    let page = list_open_incidents(&shop.services, None, 100).await.unwrap();
    page.data.iter().any(|incident| incident.kind == Some(kind))
}

#[tokio::test]
async fn an_event_is_posted_as_the_feed_shows_it_and_signed() {
    on_each_engine(async |shop| {
        let receiver = Receiver::default();
        let url = receiver.listen().await;
        let endpoint = register(&shop.services, &url, EventFilter::All).await;
        let order = shop.order("10").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&payment).await;
        shop.pass(Duration::from_secs(10)).await;
        deliver_webhooks(&shop.services).await.unwrap();
        let feed = read_all(&shop.services).await;
        let mut told: Vec<Value> = receiver.calls().iter().map(Call::json).collect();
        told.sort_by_key(|event| feed.iter().position(|known| known == event));
        assert_eq!(told, feed);
        for call in receiver.calls() {
            assert!(call.is_signed_with(&endpoint.secret));
            assert_eq!(call.header("webhook-id"), call.json()["id"].as_str().unwrap());
            assert_eq!(call.header("content-type"), "application/json");
            let seconds: i64 = call.header("webhook-timestamp").parse().unwrap();
            assert_eq!(seconds, shop.services.clock.now().seconds());
        }
        let log = deliveries(&shop.services, &endpoint.endpoint.id).await;
        assert_eq!(log.len(), feed.len());
        for delivery in log {
            assert_eq!((delivery.status.as_str(), delivery.attempt), ("succeeded", 1));
            assert_eq!(delivery.response_status, Some(204));
            assert_eq!(delivery.next_attempt_at, None);
            assert!(delivery.request.unwrap().contains("webhook-signature: v1,"));
        }
        assert_eq!(deliver_webhooks(&shop.services).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_failing_endpoint_is_tried_at_the_times_of_the_contract_and_then_given_up() {
    on_each_engine(async |shop| {
        let receiver = Receiver::default();
        receiver.answer(StatusCode::INTERNAL_SERVER_ERROR);
        let url = receiver.listen().await;
        let only = EventFilter::Only(vec![EventType::OrderCreated]);
        let endpoint = register(&shop.services, &url, only).await;
        shop.order("10").await;
        deliver_webhooks(&shop.services).await.unwrap();
        for (n, wait) in [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
            .into_iter()
            .enumerate()
        {
            assert_eq!(receiver.calls().len(), n + 1);
            shop.services.clock.advance(Duration::from_secs(wait - 1));
            deliver_webhooks(&shop.services).await.unwrap();
            assert_eq!(receiver.calls().len(), n + 1, "not before {wait} s");
            shop.services.clock.advance(Duration::from_secs(1));
            deliver_webhooks(&shop.services).await.unwrap();
        }
        let calls = receiver.calls();
        assert_eq!(calls.len(), 10);
        assert!(
            calls
                .iter()
                .all(|call| call.header("webhook-id") == calls[0].header("webhook-id"))
        );
        let log = deliveries(&shop.services, &endpoint.endpoint.id).await;
        assert_eq!((log[0].status.as_str(), log[0].attempt), ("failed", 10));
        assert_eq!(log[0].error.as_deref(), Some("the answer was 500"));
        assert_eq!(log[0].next_attempt_at, None);
        assert!(has_incident(shop, IncidentKind::WebhookFailed).await);
        // A person mends the program and sends it again.
        receiver.answer(StatusCode::OK);
        let event_id = EventId::parse(&log[0].event_id).unwrap();
        redeliver_event(&shop.services, &event_id, None, None)
            .await
            .unwrap();
        deliver_webhooks(&shop.services).await.unwrap();
        let log = deliveries(&shop.services, &endpoint.endpoint.id).await;
        assert_eq!((log[0].status.as_str(), log[0].attempt), ("succeeded", 11));
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_fails_for_five_days_is_disabled() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let (gone, failing) = (Receiver::default(), Receiver::default());
        gone.answer(StatusCode::GONE);
        failing.answer(StatusCode::BAD_GATEWAY);
        let gone_id = register(services, &gone.listen().await, EventFilter::All)
            .await
            .endpoint
            .id;
        let failing_id = register(services, &failing.listen().await, EventFilter::All)
            .await
            .endpoint
            .id;
        let status = async |id: &EndpointId| find_endpoint(services, id).await.unwrap().status;
        shop.order("10").await;
        deliver_webhooks(services).await.unwrap();
        assert_eq!(status(&gone_id).await, EndpointStatus::Disabled);
        assert_eq!(deliveries(services, &gone_id).await[0].status, "failed");
        for _ in 0..5 {
            assert_eq!(status(&failing_id).await, EndpointStatus::Enabled);
            services.clock.advance(Duration::from_hours(24));
            shop.order("10").await;
            deliver_webhooks(services).await.unwrap();
        }
        assert_eq!(status(&failing_id).await, EndpointStatus::Disabled);
        assert!(has_incident(shop, IncidentKind::WebhookDisabled).await);
        // Nothing more is sent, until somebody enables it: then what has waited comes.
        let n_calls = failing.calls().len();
        services.clock.advance(Duration::from_hours(24));
        deliver_webhooks(services).await.unwrap();
        assert_eq!(failing.calls().len(), n_calls);
        failing.answer(StatusCode::OK);
        let patch = EndpointPatch {
            status: Some(EndpointStatus::Enabled),
            ..EndpointPatch::default()
        };
        update_endpoint(services, &failing_id, patch).await.unwrap();
        deliver_webhooks(services).await.unwrap();
        assert!(failing.calls().len() > n_calls);
        let waiting = deliveries(services, &failing_id).await;
        assert!(waiting.iter().all(|delivery| delivery.status != "pending"));
    })
    .await;
}

#[tokio::test]
async fn both_secrets_sign_during_a_rotation() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let receiver = Receiver::default();
        let old = register(services, &receiver.listen().await, EventFilter::All).await;
        let id = &old.endpoint.id;
        let new = rotate_secret(services, id, 24, None)
            .await
            .unwrap()
            .into_value()
            .unwrap();
        assert_ne!(new.secret, old.secret);
        ping_endpoint(services, id, None).await.unwrap();
        deliver_webhooks(services).await.unwrap();
        services.clock.advance(Duration::from_hours(24));
        ping_endpoint(services, id, None).await.unwrap();
        deliver_webhooks(services).await.unwrap();
        let calls = receiver.calls();
        assert!(calls[0].is_signed_with(&old.secret) && calls[0].is_signed_with(&new.secret));
        assert!(!calls[1].is_signed_with(&old.secret) && calls[1].is_signed_with(&new.secret));
        assert_eq!(calls[0].json()["data"]["endpointId"], id.as_str());
        assert_eq!(receiver.types(), ["ping", "ping"]);
        assert!(read_all(services).await.is_empty(), "a ping is in no feed");
        let last = rotate_secret(services, id, 0, None)
            .await
            .unwrap()
            .into_value()
            .unwrap();
        ping_endpoint(services, id, None).await.unwrap();
        deliver_webhooks(services).await.unwrap();
        let call = &receiver.calls()[2];
        assert!(call.is_signed_with(&last.secret) && !call.is_signed_with(&new.secret));
    })
    .await;
}

#[tokio::test]
async fn a_span_of_time_is_sent_again() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        for _ in 0..3 {
            shop.order("10").await;
            services.clock.advance(Duration::from_mins(1));
        }
        let receiver = Receiver::default();
        let only = EventFilter::Only(vec![EventType::OrderCreated]);
        let id = register(services, &receiver.listen().await, only)
            .await
            .endpoint
            .id;
        deliver_webhooks(services).await.unwrap();
        let before = receiver.calls().len();
        let now = services.clock.now();
        let (from, to) = (now - Duration::from_mins(3), now - Duration::from_mins(1));
        replay_events(services, &id, from, to, None).await.unwrap();
        deliver_webhooks(services).await.unwrap();
        assert_eq!(receiver.calls().len() - before, 2, "from inclusive, to exclusive");
        let backwards = replay_events(services, &id, to, from, None).await;
        assert!(matches!(backwards, Err(Error::Invalid { field: "to", .. })));
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_on_a_private_address_is_refused_or_not_called() {
    on_each_engine(async |shop| {
        for url in [
            "http://10.0.0.1/",
            "http://169.254.169.254/",
            "http://[::ffff:127.0.0.1]/",
            "ftp://a.example/",
        ] {
            let new = NewEndpoint {
                url: url.to_owned(),
                events: EventFilter::All,
                description: None,
            };
            let refused = create_endpoint(&shop.services, new, None).await;
            assert!(
                matches!(refused, Err(Error::Invalid { field: "url", .. })),
                "{url}"
            );
        }
    })
    .await;
}

/// Accepts connections and never answers.
async fn listen_dead() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_dead_endpoints_delay_a_living_one_by_nothing() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        for _ in 0..10 {
            register(services, &listen_dead().await, EventFilter::All).await;
        }
        let living = Receiver::default();
        register(services, &living.listen().await, EventFilter::All).await;
        let begun = Instant::now();
        for n in 1..=5 {
            shop.order("10").await;
            run_webhooks(services).await.unwrap();
            while living.calls().len() < n {
                assert!(
                    begun.elapsed() < Duration::from_secs(10),
                    "the dead ones take 15 s each"
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    })
    .await;
}
