//! Rate limits of the API, set low enough to be reached.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::api::{Answer, Api, client, send};
use crate::server::Server;

/// Returns whether an answer is a 429 with its code and `Retry-After`.
fn is_told_to_wait(answer: &Answer) -> bool {
    if answer.status != 429 {
        return false;
    }
    answer.refused(429, "rate_limited");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    (1..=5).contains(&wait)
}

#[tokio::test]
async fn a_program_over_its_rate_limit_gets_retry_after() {
    let server = Server::simulated(&[("API_RATE_PER_SECOND", "2")]);
    let api = Api::of(&server);
    let answers = join_all((0..60).map(|_| api.get("/orders"))).await;
    let n_served = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((10..30).contains(&n_served), "{n_served}");
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(refused.iter().all(|answer| is_told_to_wait(answer)));

    // A limited call changes nothing, and notifications are never limited.
    let order = json!({"userId": "u", "subject": "s", "amount": 1});
    let mut n_orders = 0;
    for _ in 0..5 {
        n_orders += usize::from(api.post("/orders", &order).await.status == 201);
    }
    for _ in 0..40 {
        let notification = client()
            .post(format!("{}/payments/notify/wechat", api.base))
            .body("{}");
        assert_eq!(send(notification).await.status, 401);
    }
    // As often as the answer says, and everything is as before.
    let listed = loop {
        let answer = api.get("/orders").await;
        if answer.status == 200 {
            break answer.json();
        }
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        tokio::time::sleep(Duration::from_secs(wait)).await;
    };
    assert_eq!(listed["data"].as_array().unwrap().len(), n_orders);
}

#[tokio::test]
async fn guessing_api_keys_is_rate_limited_and_valid_keys_are_not() {
    let settings = [
        ("API_STRANGERS_PER_SECOND", "1"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let server = Server::simulated(&settings);
    let url = format!("{}/api/billing/orders", server.url);
    let guess = async |n: u32, address: &str| {
        let request = client()
            .get(&url)
            .bearer_auth(format!("tq_live_{n}"))
            .header("x-forwarded-for", address);
        send(request).await
    };
    let mut answers = Vec::new();
    for n in 0..40 {
        // Entries left of the proxy's own may be forged.
        answers.push(guess(n, &format!("192.0.2.{n}, 203.0.113.7")).await);
    }
    assert!(answers[..5].iter().all(|answer| answer.status == 401));
    assert!(answers.iter().filter(|answer| is_told_to_wait(answer)).count() >= 10);
    assert_eq!(
        guess(99, "198.51.100.1").await.status,
        401,
        "others are not meant"
    );
    let api = Api::of(&server);
    for _ in 0..20 {
        let request = api
            .request(reqwest::Method::GET, "/orders")
            .header("x-forwarded-for", "203.0.113.7");
        assert_eq!(send(request).await.status, 200, "the right key is not a guess");
    }
}

#[tokio::test]
async fn by_default_a_merchant_on_this_machine_has_no_rate_limit() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for _ in 0..40 {
        let answers = join_all((0..100).map(|_| api.get("/orders?limit=1"))).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }
}
