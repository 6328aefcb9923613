//! `Idempotency-Key`: a repeated request takes effect once and gets the same answer.

use serde_json::json;

use super::api::Api;
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
