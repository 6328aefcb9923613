//! Way back to the merchant's page: what it tells of the order, and whose secret signs it.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Answer, Api, client, pay, send};
use super::server::Server;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Nothing listens there: the endpoint matters by its secret alone.
const ENDPOINT: &str = "http://127.0.0.1:9/";

fn with_endpoint(more: &[(&str, &str)]) -> Server {
    let mut settings = vec![("WEBHOOK_URL", ENDPOINT), ("WEBHOOK_SECRET", SECRET)];
    settings.extend(more);
    Server::simulated(&settings)
}

async fn order_returning_to(api: &Api, address: Option<&str>) -> Value {
    let body = json!({"userId": "u1", "subject": "Team plan", "amount": 9990, "returnUrl": address});
    api.post("/orders", &body).await.ok(201)
}

async fn go_back(order: &Value) -> Answer {
    send(client().get(format!("{}/return", order["checkoutUrl"].as_str().unwrap()))).await
}

async fn address_after(order: &Value) -> url::Url {
    let back = go_back(order).await;
    assert_eq!(back.status, 303, "{}", back.text);
    assert_eq!(back.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(back.header("cache-control"), Some("private, no-store"));
    url::Url::parse(back.header("location").unwrap()).unwrap()
}

fn field(address: &url::Url, name: &str) -> String {
    let found: Vec<String> = address
        .query_pairs()
        .filter(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .collect();
    assert_eq!(found.len(), 1, "{name} in {address}");
    found[0].clone()
}

/// As the guide tells a merchant to verify it.
fn is_signed_with(secret: &str, address: &url::Url) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let [number, seconds, status] = ["orderNo", "timestamp", "status"].map(|name| field(address, name));
    let tag = hmac::sign(&key, format!("{number}.{seconds}.{status}").as_bytes());
    let wanted = format!("v1,{}", STANDARD.encode(tag));
    field(address, "signature")
        .split(' ')
        .any(|given| given == wanted)
}

#[tokio::test]
async fn the_way_back_tells_the_status_of_the_moment_signed_with_the_webhook_secret() {
    let server = with_endpoint(&[]);
    let api = Api::of(&server);
    let order = order_returning_to(&api, Some("https://shop.example/thanks?step=2&status=mine#top")).await;
    let before = address_after(&order).await;
    assert!(
        before.as_str().starts_with("https://shop.example/thanks?step=2&"),
        "{before}"
    );
    assert_eq!(before.fragment(), Some("top"));
    assert_eq!(field(&before, "status"), "pending");
    assert_eq!(
        Some(field(&before, "orderNo").as_str()),
        order["orderNo"].as_str()
    );
    assert!(is_signed_with(SECRET, &before), "{before}");

    let payment = api.payment(&order, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await;
    let after = address_after(&order).await;
    assert_eq!(field(&after, "status"), "paid");
    assert!(is_signed_with(SECRET, &after), "{after}");
    let forged = after.as_str().replace("status=paid", "status=refunded");
    assert!(!is_signed_with(SECRET, &url::Url::parse(&forged).unwrap()));

    // The page holds no signature: it may stay open for hours.
    let page = send(client().get(order["checkoutUrl"].as_str().unwrap())).await;
    let token = order["checkoutUrl"].as_str().unwrap().rsplit('/').next().unwrap();
    assert!(
        page.text.contains(&format!("href=\"/checkout/{token}/return\"")),
        "{}",
        page.text
    );
    assert!(!page.text.contains("signature="));
}

#[tokio::test]
async fn each_enabled_endpoint_has_its_own_signature_and_a_disabled_one_none() {
    let server = with_endpoint(&[]);
    let api = Api::of(&server);
    let made = api
        .post("/webhook-endpoints", &json!({"url": "http://127.0.0.1:9/two"}))
        .await
        .ok(201);
    let second = made["secret"].as_str().unwrap();
    let order = order_returning_to(&api, Some("https://shop.example/thanks")).await;
    let both = address_after(&order).await;
    assert!(is_signed_with(SECRET, &both) && is_signed_with(second, &both));

    let path = format!("/webhook-endpoints/{}", made["id"].as_str().unwrap());
    let request = api
        .request(Method::PATCH, &path)
        .json(&json!({"status": "disabled"}));
    send(request).await.ok(200);
    let one = address_after(&order).await;
    assert!(is_signed_with(SECRET, &one) && !is_signed_with(second, &one));
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_appended_and_without_an_address_there_is_no_way_back() {
    let server = Server::simulated(&[("RETURN_URL_HOSTS", "shop.example")]);
    let api = Api::of(&server);
    let order = order_returning_to(&api, Some("https://shop.example/thanks?step=2")).await;
    assert_eq!(
        address_after(&order).await.as_str(),
        "https://shop.example/thanks?step=2"
    );
    let without = order_returning_to(&api, None).await;
    assert_eq!(go_back(&without).await.status, 404);
    assert_eq!(
        send(client().get(format!("{}/checkout/unknown/return", server.url)))
            .await
            .status,
        404
    );
}
