//! The demo shop's own program: a person buys, pays, and sees the webhook that told of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api::{Answer, Api, client, pay, send};
use super::epay::{code_on, unix_seconds};
use super::server::{API_KEY, Gateways, Server};

const PATIENCE: Duration = Duration::from_secs(30);

async fn page(server: &Server, path: &str) -> Answer {
    let url = format!("{}{path}", server.url);
    send(client().get(url).header("accept", "text/html")).await
}

async fn press(server: &Server, action: &str, fields: &[(&str, &str)]) -> Answer {
    let url = format!("{}/ui/{action}", server.url);
    send(client().post(url).form(fields)).await
}

/// Buys the team plan without JavaScript; returns the address of the checkout page.
async fn buy(server: &Server) -> String {
    let bought = press(server, "buy_plan", &[("plan", "team"), ("lang", "en")]).await;
    let checkout = bought.header("location").unwrap();
    assert!(checkout.starts_with("/checkout/"), "{checkout}");
    checkout.to_owned()
}

async fn buy_and_pay(server: &Server) {
    let checkout = buy(server).await;
    let path = checkout.split('?').next().unwrap();
    let token = path.rsplit('/').next().unwrap();
    press(server, "start_payment", &[("token", token), ("method", "alipay")]).await;
    let shown = page(server, &checkout).await;
    let wallet = server.wallet.as_deref().unwrap();
    pay(wallet, &code_on(&shown.text, wallet)).await;
}

/// Waits until the shop shows this many messages of both kinds that a payment makes.
async fn wait_for_messages(server: &Server, n: usize) -> String {
    let started = Instant::now();
    loop {
        let shown = page(server, "/?lang=en").await.text;
        let count = |word: &str| shown.matches(word).count();
        if count("<code>payment.succeeded</code>") == n && count("<code>order.paid</code>") == n {
            return shown;
        }
        assert!(started.elapsed() < PATIENCE, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn endpoints(api: &Api) -> Vec<Value> {
    let listed = api.get("/webhook-endpoints").await.ok(200);
    listed["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_buyer_sees_the_webhook_that_told_the_shop() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    assert!(endpoints(&api).await.is_empty(), "nothing before the first order");
    let empty = page(&server, "/?lang=en").await.text;
    assert!(empty.contains("Nothing yet"), "{empty}");
    // An order of another program is none of the shop's.
    let payment = api.payment(&api.order().await, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    buy_and_pay(&server).await;
    let shown = wait_for_messages(&server, 1).await;
    assert!(shown.contains("Payment succeeded") && shown.contains("Order paid"));
    assert_eq!(shown.matches("signature right").count(), 2);
    assert!(shown.contains("99.90") && !shown.contains("Nothing yet"));
    let chinese = page(&server, "/?lang=zh").await.text;
    assert!(chinese.contains("付款成功") && chinese.contains("签名正确"));
    let registered = endpoints(&api).await;
    assert_eq!(registered.len(), 1);
    assert!(
        registered[0]["url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    let id = registered[0]["id"].as_str().unwrap();
    let delivered = api
        .get(&format!("/webhook-endpoints/{id}/deliveries"))
        .await
        .ok(200);
    for delivery in delivered["data"].as_array().unwrap() {
        assert_eq!(delivery["responseStatus"], 204, "{delivery}");
    }
}

#[tokio::test]
async fn the_shop_believes_no_message_without_its_signature() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    buy(&server).await;
    let registered = endpoints(&api).await;
    let url = registered[0]["url"].as_str().unwrap();
    let forged = json!({"id": "evt_1", "type": "order.paid",
        "data": {"userId": "demo", "orderNo": "O1", "amount": 1}});
    let unsigned = send(client().post(url).json(&forged)).await;
    assert_eq!(unsigned.status, 401);
    let wrong = client()
        .post(url)
        .header("webhook-id", "evt_1")
        .header("webhook-timestamp", unix_seconds().to_string())
        .header(
            "webhook-signature",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        )
        .json(&forged);
    assert_eq!(send(wrong).await.status, 401);
    let shown = page(&server, "/?lang=en").await.text;
    assert!(
        shown.contains("2 with a wrong signature were not believed"),
        "{shown}"
    );
    assert!(!shown.contains("<code>order.paid</code>"), "{shown}");
}

#[tokio::test]
async fn the_endpoint_follows_the_shop_to_its_next_start() {
    let server = Server::simulated(&[]);
    buy_and_pay(&server).await;
    wait_for_messages(&server, 1).await;
    let before = endpoints(&Api::of(&server)).await;
    let server = Server::start_in(server.kill(), &[("API_KEY", API_KEY)]);
    let after = endpoints(&Api::of(&server)).await;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(after[0]["id"], before[0]["id"]);
    assert_ne!(after[0]["url"], before[0]["url"]);
    buy_and_pay(&server).await;
    wait_for_messages(&server, 1).await;
    assert_eq!(endpoints(&Api::of(&server)).await.len(), 1);
}

#[tokio::test]
async fn there_is_no_demo_shop_in_live_mode() {
    let dir = tempfile::tempdir().unwrap();
    let gateways = Gateways::start(dir.path());
    let server = Server::live(tempfile::tempdir().unwrap(), &gateways, &[]);
    assert_eq!(page(&server, "/").await.status, 404);
    let bought = press(&server, "buy_plan", &[("plan", "team")]).await;
    assert!(!bought.header("location").unwrap().starts_with("/checkout/"));
    assert!(endpoints(&Api::of(&server)).await.is_empty());
}
