//! Endpoints that never answer: a living one beside them does not wait for them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::api::Api;
use super::database::new_database;
use super::server::Server;

const N_DEAD: usize = 10;
const N_ORDERS: usize = 20;
const PATIENCE: Duration = Duration::from_mins(1);

/// Observations of all endpoints, in the order in which they were made.
#[derive(Default)]
struct Seen {
    /// Dead endpoints that were called.
    called: HashSet<usize>,
    /// Events of which an attempt at a dead endpoint was given up.
    given_up: HashSet<String>,
    /// Events that the living endpoint was told, and those of them that a dead endpoint had been waited for.
    told: HashSet<String>,
    late: Vec<String>,
}

type Watch = Arc<Mutex<Seen>>;

/// Listens, takes every connection and says nothing until the caller gives up.
async fn listen_dead(place: usize, watch: &Watch) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let watch = Arc::clone(watch);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            watch.lock().unwrap().called.insert(place);
            tokio::spawn(hold(connection, Arc::clone(&watch)));
        }
    });
    url
}

async fn hold(mut connection: TcpStream, watch: Watch) {
    let mut request = Vec::new();
    while connection
        .read_buf(&mut request)
        .await
        .is_ok_and(|n_bytes| n_bytes > 0)
    {}
    let request = String::from_utf8(request).unwrap();
    let id = request
        .lines()
        .find_map(|line| line.strip_prefix("webhook-id: "))
        .expect("a request of a webhook");
    watch.lock().unwrap().given_up.insert(id.trim().to_owned());
}

async fn listen_alive(watch: &Watch) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let watch = Arc::clone(watch);
    let hook = post(move |Json(event): Json<Value>| async move {
        let id = event["id"].as_str().unwrap().to_owned();
        let mut seen = watch.lock().unwrap();
        if seen.given_up.contains(&id) {
            seen.late.push(id.clone());
        }
        seen.told.insert(id);
    });
    let app = axum::Router::new().route("/hook", hook);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// The dead endpoints are registered first, and are more than the requests that one lane has under way. With a lane for all,
/// the living one would be told an event only after attempts at dead ones were given up.
#[tokio::test]
async fn a_living_endpoint_is_told_before_any_attempt_at_ten_dead_ones_is_given_up() {
    let postgres = new_database("http_dead_endpoints").await;
    let mut rounds: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    rounds.extend(postgres.as_deref().map(|url| vec![("DATABASE_URL", url)]));
    for settings in rounds {
        tell_beside_dead_endpoints(&settings).await;
    }
}

async fn tell_beside_dead_endpoints(settings: &[(&str, &str)]) {
    let server = Server::simulated(settings);
    let api = Api::of(&server);
    let register = async |url: &str| {
        let body = json!({"url": url, "events": ["order.created"]});
        let endpoint = api.post("/webhook-endpoints", &body).await.ok(201);
        endpoint["id"].as_str().unwrap().to_owned()
    };
    let watch = Watch::default();
    let mut dead = Vec::new();
    for place in 0..N_DEAD {
        dead.push(register(&listen_dead(place, &watch).await).await);
    }
    let alive = register(&listen_alive(&watch).await).await;
    for _ in 0..N_ORDERS {
        api.order().await;
    }
    let started = Instant::now();
    loop {
        let (n_told, n_called) = {
            let seen = watch.lock().unwrap();
            (seen.told.len(), seen.called.len())
        };
        if n_told == N_ORDERS && n_called == N_DEAD {
            break;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{n_told} events told, {n_called} dead endpoints called"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let late = std::mem::take(&mut watch.lock().unwrap().late);
    assert!(late.is_empty(), "waited for dead endpoints: {late:?}");
    for id in dead {
        let path = format!("/webhook-endpoints/{id}/deliveries?status=succeeded");
        let page = api.get(&path).await.ok(200);
        assert_eq!(page["data"], json!([]), "a dead endpoint was told");
    }
    let path = format!("/webhook-endpoints/{alive}/deliveries?status=failed");
    assert_eq!(api.get(&path).await.ok(200)["data"], json!([]));
}
