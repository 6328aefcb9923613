//! `Idempotency-Key`: a repeated request takes effect once and gets the same answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::{Answer, Api, pay};
use super::database::new_database;
use super::server::Server;

#[tokio::test]
async fn a_repeated_order_gets_the_first_answer() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let body = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
    let first = api.post_with_key("/orders", "k-1", &body).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let second = api.post_with_key("/orders", "k-1", &body).await;
    assert_eq!((second.status, &second.text), (201, &first.text));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));

    let other = json!({"userId": "u1", "subject": "Team plan", "amount": 1});
    api.post_with_key("/orders", "k-1", &other)
        .await
        .refused(409, "idempotency_conflict");
    assert_ne!(
        api.post_with_key("/orders", "k-2", &body).await.ok(201)["id"],
        first.json()["id"]
    );
    assert_eq!(
        api.get("/orders").await.ok(200)["data"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_one_call() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let (one, two) = (api.order().await, api.order().await);
    let path = |order: &serde_json::Value| format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let first = api.post_with_key(&path(&one), "k", &json!({})).await;
    assert_eq!(first.ok(200)["status"], "cancelled");
    assert_eq!(
        api.post_with_key(&path(&one), "k", &json!({}))
            .await
            .header("idempotent-replayed"),
        Some("true")
    );
    api.post_with_key(&path(&two), "k", &json!({}))
        .await
        .refused(409, "idempotency_conflict");
    let payment = json!({"orderId": two["id"], "method": "wechat"});
    let started = api.post_with_key("/payments", "k", &payment).await;
    assert_eq!(started.status, 201, "{}", started.text);
    let again = api.post_with_key("/payments", "k", &payment).await;
    assert_eq!((again.status, again.text), (201, started.text));
}

#[tokio::test]
async fn twenty_concurrent_repeats_create_one_order() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let body = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
    let sends = (0..20).map(|_| api.post_with_key("/orders", "same", &body));
    let answers = futures_util::future::join_all(sends).await;
    let ids: std::collections::BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.ok(201)["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn an_invalid_idempotency_key_is_refused() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let body = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
    for key in ["", "two words", &"k".repeat(256)] {
        let refused = api
            .post_with_key("/orders", key, &body)
            .await
            .refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some("Idempotency-Key"));
    }
    assert_eq!(
        api.post_with_key("/orders", &"k".repeat(255), &body).await.status,
        201
    );
}

/// Every POST of a program, on objects made for it: path as in the OpenAPI document, path as it is called, and body.
async fn every_post(server: &Server, api: &Api) -> Vec<(&'static str, String, Value)> {
    let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
    let paid = api.payment(&api.order().await, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &paid["paymentUrl"]).await;
    api.wait_for(&paid, "success").await;
    let open = api.payment(&api.order().await, "alipay").await;
    let endpoint = json!({"url": "http://127.0.0.1:9/", "events": ["order.paid"]});
    let endpoint = id(&api.post("/webhook-endpoints", &endpoint).await.ok(201));
    let event = id(&api.get("/events?type=order.paid").await.ok(200)["data"][0]);
    let (to_pay, to_cancel) = (id(&api.order().await), id(&api.order().await));
    let order = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
    let all_time = json!({"from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"});
    vec![
        ("/orders", "/orders".to_owned(), order),
        (
            "/orders/{id}/cancel",
            format!("/orders/{to_cancel}/cancel"),
            json!({"reason": "no"}),
        ),
        (
            "/payments",
            "/payments".to_owned(),
            json!({"orderId": to_pay, "method": "wechat"}),
        ),
        (
            "/payments/query",
            "/payments/query".to_owned(),
            json!({"paymentNo": open["paymentNo"]}),
        ),
        (
            "/payments/{id}/refund",
            format!("/payments/{}/refund", id(&paid)),
            json!({"amount": 100, "reason": "one"}),
        ),
        (
            "/balance/{userId}/adjust",
            "/balance/u1/adjust".to_owned(),
            json!({"amount": 500, "adjustmentNo": "adj-1", "note": "gift"}),
        ),
        (
            "/balance/{userId}/topup",
            "/balance/u1/topup".to_owned(),
            json!({"amount": 700}),
        ),
        (
            "/events/{id}/redeliver",
            format!("/events/{event}/redeliver"),
            json!({}),
        ),
        (
            "/webhook-endpoints",
            "/webhook-endpoints".to_owned(),
            json!({"url": "http://127.0.0.1:9/other"}),
        ),
        (
            "/webhook-endpoints/{id}/rotate-secret",
            format!("/webhook-endpoints/{endpoint}/rotate-secret"),
            json!({"overlapHours": 1}),
        ),
        (
            "/webhook-endpoints/{id}/test",
            format!("/webhook-endpoints/{endpoint}/test"),
            json!({}),
        ),
        (
            "/webhook-endpoints/{id}/replay",
            format!("/webhook-endpoints/{endpoint}/replay"),
            all_time,
        ),
    ]
}

/// Checks that fifty equal calls had one effect: one answer is new, and every other is a repetition of it, or says that the
/// effect existed already.
fn check_equal_answers(name: &str, answers: &[Answer]) {
    let replayed = |answer: &&Answer| answer.header("idempotent-replayed") == Some("true");
    let first: Vec<&Answer> = answers
        .iter()
        .filter(|answer| !replayed(answer) && answer.status != 200)
        .collect();
    assert!(
        first.len() <= 1,
        "{name}: {} answers say that they were the first: {:?}",
        first.len(),
        first
            .iter()
            .map(|answer| (answer.status, &answer.text))
            .collect::<Vec<_>>()
    );
    let told: BTreeSet<(u16, &str)> = answers
        .iter()
        .filter(replayed)
        .map(|answer| (answer.status, answer.text.as_str()))
        .collect();
    assert!(told.len() <= 1, "{name}: {told:?}");
    for answer in answers {
        assert!(
            (200..300).contains(&answer.status),
            "{name}: {} {}",
            answer.status,
            answer.text
        );
    }
    let effects: BTreeSet<String> = answers
        .iter()
        .map(|answer| {
            let value = answer.json();
            format!("{} {} {}", value["id"], value["secret"], value["data"])
        })
        .collect();
    assert_eq!(effects.len(), 1, "{name}: {effects:?}");
}

async fn send_fifty_of_every_post(settings: &[(&str, &str)]) {
    let server = Server::simulated(settings);
    let api = Api::of(&server);
    let calls = every_post(&server, &api).await;

    let described = api.get("/openapi.json").await.ok(200);
    let posts: BTreeSet<&str> = described["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, verbs)| verbs["post"].is_object() && !path.contains("/notify/"))
        .map(|(path, _)| path.strip_prefix("/api/billing").unwrap())
        .collect();
    assert_eq!(posts, calls.iter().map(|(name, ..)| *name).collect());

    for (name, path, body) in &calls {
        let sends = (0..50).map(|_| api.post_with_key(path, "same", body));
        check_equal_answers(name, &futures_util::future::join_all(sends).await);
    }
    let count = async |path: &str| api.get(path).await.ok(200)["data"].as_array().unwrap().len();
    assert_eq!(count("/refunds").await, 1);
    assert_eq!(count("/balance/u1/entries").await, 1);
    assert_eq!(count("/webhook-endpoints").await, 2);
    // The four made by hand, one more, and the top-up.
    assert_eq!(count("/orders").await, 6);
}

#[tokio::test]
async fn fifty_equal_calls_of_every_post_take_effect_once() {
    send_fifty_of_every_post(&[]).await;
}

#[tokio::test]
async fn fifty_equal_calls_of_every_post_take_effect_once_on_postgres() {
    let Some(url) = new_database("http_repeats").await else {
        return;
    };
    send_fifty_of_every_post(&[("DATABASE_URL", &url)]).await;
}
