//! The stop of a server: what is under way ends first, also what no request and no job waits for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;

use super::api::{Api, client, send};
use super::database::new_database;
use super::server::{API_KEY, Server};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A merchant's program that keeps the numbers of the orders it is told of, and answers late.
struct Program {
    url: String,
    told: Arc<Mutex<Vec<Value>>>,
    answers_after_ms: Arc<AtomicU64>,
}

impl Program {
    async fn start() -> Program {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let told = Arc::<Mutex<Vec<Value>>>::default();
        let answers_after_ms = Arc::new(AtomicU64::new(1_500));
        let (kept, wait) = (Arc::clone(&told), Arc::clone(&answers_after_ms));
        let hook = move |axum::Json(event): axum::Json<Value>| async move {
            kept.lock().unwrap().push(event["data"]["orderNo"].clone());
            tokio::time::sleep(Duration::from_millis(wait.load(Ordering::Relaxed))).await;
        };
        let app = axum::Router::new().route("/hook", post(hook));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Program {
            url,
            told,
            answers_after_ms,
        }
    }

    fn count(&self, order: &Value) -> usize {
        let told = self.told.lock().unwrap();
        told.iter().filter(|number| **number == order["orderNo"]).count()
    }

    async fn wait_for(&self, order: &Value) {
        let began = Instant::now();
        while self.count(order) == 0 {
            assert!(began.elapsed() < Duration::from_mins(1), "it is not told");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_on_its_way_at_the_stop_is_sent_once() {
    let postgres = new_database("http_stopping").await;
    for database in std::iter::once(None).chain(postgres.map(Some)) {
        let program = Program::start().await;
        let mut settings = vec![
            ("API_KEY", API_KEY),
            ("WEBHOOK_URL", &program.url),
            ("WEBHOOK_SECRET", SECRET),
        ];
        settings.extend(database.as_ref().map(|url| ("DATABASE_URL", url.as_str())));
        let mut server = Server::simulated(&settings[1..]);
        let order = Api::of(&server).order().await;
        program.wait_for(&order).await;
        assert_eq!(server.terminate().0, Some(0));

        program.answers_after_ms.store(0, Ordering::Relaxed);
        let dir = std::mem::replace(&mut server.dir, TempDir::new().unwrap());
        let server = Server::start_in(dir, &settings);
        let api = Api::of(&server);
        let endpoints = api.get("/webhook-endpoints").await.ok(200);
        let log = format!(
            "/webhook-endpoints/{}/deliveries",
            endpoints["data"][0]["id"].as_str().unwrap()
        );
        let delivery = &api.get(&log).await.ok(200)["data"][0];
        assert_eq!(
            (&delivery["status"], &delivery["attempt"]),
            (&json!("succeeded"), &json!(1)),
            "{delivery}"
        );
        program.wait_for(&api.order().await).await;
        assert_eq!(program.count(&order), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_client_has_left_ends_before_the_server() {
    let mut server = Server::simulated(&[]);
    let faults = client().post(format!("{}/faults", server.control()));
    send(faults.json(&json!({"kind": "hangBefore", "endpoint": "create"})))
        .await
        .ok(200);
    let api = Api::of(&server);
    let body = json!({"orderId": api.order().await["id"], "method": "wechat"});
    let request = api.request(Method::POST, "/payments").json(&body);
    // Time enough for the call to begin; it is given up after eight seconds.
    let impatient = request.timeout(Duration::from_secs(3)).send().await;
    assert!(impatient.unwrap_err().is_timeout());
    assert_eq!(server.terminate().0, Some(0));

    let url = format!(
        "sqlite://{}",
        server.dir.path().join("data/tongqian.db").display()
    );
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let (n_calls,): (i64,) = sqlx::query_as("select count(*) from gateway_calls where operation = 'create'")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(n_calls, 1, "the end of the call is known");
}
