//! Events, webhook endpoints and lists of changes over HTTP.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, pay, send};
use super::server::{API_KEY, Server, program, run};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A merchant's program that keeps the events it is told.
async fn listen() -> (String, Arc<Mutex<Vec<Value>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let kept = Arc::clone(&told);
    let app = axum::Router::new().route(
        "/hook",
        post(move |axum::Json(event): axum::Json<Value>| async move {
            kept.lock().unwrap().push(event);
            axum::http::StatusCode::OK
        }),
    );
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, told)
}

async fn wait_until(mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn types(told: &Mutex<Vec<Value>>) -> Vec<String> {
    let told = told.lock().unwrap();
    told.iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_program_is_told_of_a_payment_and_reads_the_same_in_the_feed() {
    let (url, told) = listen().await;
    let server = Server::simulated(&[("WEBHOOK_URL", &url), ("WEBHOOK_SECRET", SECRET)]);
    let api = Api::of(&server);
    assert_eq!(
        api.get("/events").await.ok(200),
        json!({"data": [], "nextAfter": null})
    );
    let order = api.order().await;
    let payment = api.payment(&order, "alipay").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    wait_until(async || types(&told).len() == 4).await;
    let feed = api.get("/events?limit=100").await.ok(200);
    let mut ids: Vec<Value> = told
        .lock()
        .unwrap()
        .iter()
        .map(|event| event["id"].clone())
        .collect();
    ids.sort_by_key(|id| {
        feed["data"]
            .as_array()
            .unwrap()
            .iter()
            .position(|event| event["id"] == *id)
    });
    let listed: Vec<Value> = feed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["id"].clone())
        .collect();
    assert_eq!(ids, listed);
    assert_eq!(feed["nextAfter"], listed[3]);
    let paid = &feed["data"][3];
    assert_eq!(paid["type"], "order.paid");
    assert_eq!(
        paid["data"],
        api.get(&format!("/orders/{}", order["id"].as_str().unwrap()))
            .await
            .ok(200)
    );
    let alone = api
        .get(&format!("/events/{}", paid["id"].as_str().unwrap()))
        .await
        .ok(200);
    assert_eq!(alone, *paid);
    let only = api.get("/events?type=order.paid").await.ok(200);
    assert_eq!(only["data"].as_array().unwrap().len(), 1);
    let rest = api
        .get(&format!("/events?after={}&limit=1", listed[2].as_str().unwrap()))
        .await
        .ok(200);
    assert_eq!(rest["data"][0], *paid);
    // The endpoint of the settings is made once, whatever happens.
    let endpoints = api.get("/webhook-endpoints").await.ok(200);
    assert_eq!(endpoints["data"].as_array().unwrap().len(), 1);
    assert_eq!(endpoints["data"][0]["events"], json!(["*"]));
    assert!(endpoints["data"][0].get("secret").is_none());
}

#[tokio::test]
async fn a_malformed_place_or_type_is_refused_and_an_unknown_one_is_not_found() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for (query, field) in [
        ("after=evt_1", "after"),
        ("after=ord_01J00000000000000000000000", "after"),
        ("type=order.exploded", "type"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("before=x", "before"),
    ] {
        let answer = api.get(&format!("/events?{query}")).await;
        assert_eq!(answer.refused(422, "invalid").as_deref(), Some(field), "{query}");
    }
    let unknown = "evt_01J00000000000000000000000";
    api.get(&format!("/events?after={unknown}"))
        .await
        .refused(404, "not_found");
    api.get(&format!("/events/{unknown}"))
        .await
        .refused(404, "not_found");
    api.get("/events/x").await.refused(404, "not_found");
    api.post(&format!("/events/{unknown}/redeliver"), &json!({}))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn an_endpoint_is_made_changed_tested_and_removed() {
    let (url, told) = listen().await;
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let new = json!({"url": url, "events": ["order.created"], "description": "shop"});
    let made = api.post_with_key("/webhook-endpoints", "once", &new).await;
    let endpoint = made.ok(201);
    assert!(endpoint["secret"].as_str().unwrap().starts_with("whsec_"));
    let again = api.post_with_key("/webhook-endpoints", "once", &new).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        again.ok(201),
        endpoint,
        "the kept answer is sealed, and given again whole"
    );
    let id = endpoint["id"].as_str().unwrap();
    let path = format!("/webhook-endpoints/{id}");
    let shown = api.get(&path).await.ok(200);
    assert!(shown.get("secret").is_none());
    assert_eq!(shown["status"], "enabled");
    // A ping is delivered and in no feed.
    let ping = api.post(&format!("{path}/test"), &json!({})).await.ok(202);
    assert_eq!(ping["status"], "pending");
    wait_until(async || types(&told) == ["ping"]).await;
    assert_eq!(api.get("/events").await.ok(200)["data"], json!([]));
    let order = api.order().await;
    wait_until(async || types(&told) == ["ping", "order.created"]).await;
    let log = async |query: &str| api.get(&format!("{path}/deliveries{query}")).await.ok(200)["data"].clone();
    wait_until(async || log("?status=succeeded").await.as_array().unwrap().len() == 2).await;
    let delivery = log("?limit=1").await[0].clone();
    assert_eq!(delivery["responseStatus"], 200);
    assert_eq!(delivery["attempt"], 1);
    assert!(delivery["nextAttemptAt"].is_null() && delivery["error"].is_null());
    let event_id = delivery["eventId"].as_str().unwrap();
    let queued = api
        .post(
            &format!("/events/{event_id}/redeliver"),
            &json!({"endpointId": id}),
        )
        .await
        .ok(202);
    assert_eq!(queued["data"][0]["eventId"], event_id);
    wait_until(async || types(&told).len() == 3).await;
    let span = json!({"from": order["createdAt"], "to": "2999-01-01T00:00:00Z"});
    api.post(&format!("{path}/replay"), &span).await.ok(202);
    wait_until(async || types(&told).len() == 4).await;
    let rotated = api
        .post(&format!("{path}/rotate-secret"), &json!({"overlapHours": 1}))
        .await
        .ok(200);
    assert_ne!(rotated["secret"], endpoint["secret"]);
    let change = json!({"status": "disabled", "description": null, "events": ["*"]});
    let changed = send(api.request(Method::PATCH, &path).json(&change))
        .await
        .ok(200);
    assert_eq!(
        (changed["status"].as_str(), changed["description"].as_str()),
        (Some("disabled"), None)
    );
    assert_eq!(changed["events"], json!(["*"]));
    let gone = send(api.request(Method::DELETE, &path)).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    api.get(&path).await.refused(404, "not_found");
    send(api.request(Method::DELETE, &path))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn bad_endpoints_are_refused_with_their_field() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let url = "https://shop.example/hook";
    for (body, field) in [
        (json!({"url": "http://10.0.0.1/"}), "url"),
        (json!({"url": "http://169.254.169.254/latest"}), "url"),
        (json!({"url": "http://0x0a000001/"}), "url"),
        (json!({"url": "http://[fd00::1]/"}), "url"),
        (json!({"url": "https://user:pass@shop.example/"}), "url"),
        (json!({"url": "ftp://shop.example/"}), "url"),
        (json!({"url": url, "events": ["order.exploded"]}), "events"),
        (json!({"url": url, "events": []}), "events"),
        (json!({"url": url, "description": "a\nb"}), "description"),
        (json!({"url": url, "secret": SECRET}), "secret"),
        (json!({}), "url"),
    ] {
        let answer = api.post("/webhook-endpoints", &body).await;
        assert_eq!(answer.refused(422, "invalid").as_deref(), Some(field), "{body}");
    }
    let endpoint = api.post("/webhook-endpoints", &json!({"url": url})).await.ok(201);
    assert_eq!(endpoint["events"], json!(["*"]), "left out means all");
    let path = format!("/webhook-endpoints/{}", endpoint["id"].as_str().unwrap());
    for (call, body, field) in [
        ("rotate-secret", json!({"overlapHours": 169}), "overlapHours"),
        ("rotate-secret", json!({"overlapHours": -1}), "overlapHours"),
        (
            "replay",
            json!({"from": "yesterday", "to": "2026-01-01T00:00:00Z"}),
            "from",
        ),
        (
            "replay",
            json!({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
            "to",
        ),
    ] {
        let answer = api.post(&format!("{path}/{call}"), &body).await;
        assert_eq!(answer.refused(422, "invalid").as_deref(), Some(field), "{body}");
    }
    let answer = send(
        api.request(Method::PATCH, &path)
            .json(&json!({"status": "paused"})),
    )
    .await;
    assert_eq!(answer.refused(422, "invalid").as_deref(), Some("status"));
    let answer = api.get(&format!("{path}/deliveries?status=lost")).await;
    assert_eq!(answer.refused(422, "invalid").as_deref(), Some("status"));
}

#[tokio::test]
async fn a_key_that_may_only_read_sees_no_endpoint_and_no_checkout_link() {
    let server = Server::simulated(&[]);
    let owner = Api::of(&server);
    let body = json!({"userId": "ann", "subject": "Team plan", "amount": 9990, "allowBalance": true});
    let order = owner.post("/orders", &body).await.ok(201);
    let token = order["checkoutUrl"].as_str().unwrap().rsplit('/').next().unwrap();
    owner
        .post(
            "/payments",
            &json!({"orderId": order["id"], "method": "alipay", "product": "page"}),
        )
        .await
        .ok(201);
    let made = run(
        server.dir.path(),
        &[],
        &["key", "create", "--name", "till", "--scope", "read"],
        "",
    );
    let reader = Api::with_key(&server, String::from_utf8_lossy(&made.stdout).trim());
    let feed = reader.get("/events").await;
    // The third is the incident that a new key is.
    assert_eq!(feed.ok(200)["data"].as_array().unwrap().len(), 3);
    assert!(!feed.text.contains(token), "{}", feed.text);
    assert!(owner.get("/events").await.text.contains(token));
    reader.get("/webhook-endpoints").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_program_follows_changes_by_lists() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let (first, second) = (api.order().await, api.order().await);
    let payment = api.payment(&first, "alipay").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await;
    let refund = json!({"amount": 100, "reason": "defect"});
    let path = format!("/payments/{}/refund", payment["id"].as_str().unwrap());
    let refund = api.post(&path, &refund).await.ok(202);
    let refund_path = format!("/refunds/{}", refund["id"].as_str().unwrap());
    wait_until(async || api.get(&refund_path).await.ok(200)["status"] == "success").await;
    let changed = api.get("/orders?sort=updated&limit=1").await.ok(200);
    assert_eq!(changed["data"][0]["id"], second["id"], "the oldest change first");
    let cursor = changed["nextCursor"].as_str().unwrap();
    let next = api
        .get(&format!("/orders?sort=updated&limit=1&cursor={cursor}"))
        .await
        .ok(200);
    assert_eq!(next["data"][0]["id"], first["id"]);
    assert_eq!(next["data"][0]["status"], "partially_refunded");
    assert!(next["nextCursor"].is_null());
    let at = next["data"][0]["updatedAt"].as_str().unwrap();
    let since = api.get(&format!("/orders?updatedFrom={at}")).await.ok(200);
    assert_eq!(since["data"].as_array().unwrap().len(), 1, "inclusive");
    let before = api.get(&format!("/orders?updatedTo={at}")).await.ok(200);
    assert_eq!(before["data"][0]["id"], second["id"], "exclusive");
    let payments = api.get("/payments?sort=updated&status=success").await.ok(200);
    assert_eq!(payments["data"][0]["id"], payment["id"]);
    let refunds = api.get("/refunds?status=success&sort=updated").await.ok(200);
    assert_eq!(refunds["data"][0]["id"], refund["id"]);
    assert_eq!(refunds["data"][0]["orderId"], first["id"]);
    assert!(refunds["data"][0]["updatedAt"].is_string());
    let none = api.get("/refunds?status=failed").await.ok(200);
    assert_eq!(none, json!({"data": [], "nextCursor": null}));
    for (query, field) in [
        ("/orders?sort=newest", "sort"),
        ("/payments?updatedFrom=now", "updatedFrom"),
        ("/refunds?status=lost", "status"),
        ("/orders?sort=updated&cursor=ord_1", "cursor"),
    ] {
        let answer = api.get(query).await;
        assert_eq!(answer.refused(422, "invalid").as_deref(), Some(field), "{query}");
    }
}

#[tokio::test]
async fn settings_of_webhooks_are_checked_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    for (settings, name) in [
        (vec![("WEBHOOK_URL", "https://shop.example/")], "WEBHOOK_SECRET"),
        (vec![("WEBHOOK_SECRET", SECRET)], "WEBHOOK_URL"),
        (
            vec![("WEBHOOK_URL", "http://10.0.0.1/"), ("WEBHOOK_SECRET", SECRET)],
            "WEBHOOK_URL",
        ),
        (
            vec![
                ("WEBHOOK_URL", "https://shop.example/"),
                ("WEBHOOK_SECRET", "whsec_c2hvcnQ="),
            ],
            "WEBHOOK_SECRET",
        ),
        (
            vec![("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/33")],
            "WEBHOOK_ALLOWED_NETWORKS",
        ),
    ] {
        let ended = run(directory.path(), &settings, &["audit"], "");
        assert_eq!(ended.status.code(), Some(2), "{settings:?}");
        assert!(
            String::from_utf8_lossy(&ended.stderr).contains(name),
            "{settings:?}"
        );
    }
}

#[tokio::test]
async fn a_developer_listens_from_now_on_and_goes_on_after_the_program_was_away() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    api.order().await;
    let (url, told) = listen().await;
    let directory = tempfile::tempdir().unwrap();
    let args = [
        "listen",
        "--forward-to",
        &url,
        "--server",
        &server.url,
        "--api-key",
        API_KEY,
        "--events",
        "order.created",
    ];
    let mut child = program(directory.path())
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("secret: whsec_"));
    assert!(lines.next().unwrap().unwrap().contains(&url));
    let order = api.order().await;
    wait_until(async || types(&told).len() == 1).await;
    assert_eq!(
        told.lock().unwrap()[0]["orderId"],
        order["id"],
        "not what was before"
    );
    let line = lines.next().unwrap().unwrap();
    assert!(
        line.starts_with("order.created evt_") && line.contains(" 200 "),
        "{line}"
    );
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn listening_needs_a_server_and_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let forward = ["listen", "--forward-to", "http://127.0.0.1:9/"];
    for (args, settings, name) in [
        (&forward[..], vec![("API_KEY", API_KEY)], "--server"),
        (
            &forward[..],
            vec![("PUBLIC_URL", "http://127.0.0.1:9")],
            "--api-key",
        ),
        (&["listen"][..], vec![], "--forward-to"),
    ] {
        let ended = run(directory.path(), &settings, args, "");
        assert_eq!(ended.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains(name), "{args:?}");
    }
}
