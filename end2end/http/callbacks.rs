//! Notifications of the gateways: only signed ones change anything, and an acknowledged one is never lost.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{Answer, Api, client, pay, send};
use super::server::{Gateways, Server};

/// Without polling: only a notification can make a payment paid.
pub const ONLY_CALLBACKS: [(&str, &str); 2] =
    [("RECONCILE_CRON", "0 0 0 1 1 *"), ("EXPIRY_CRON", "0 0 0 1 1 *")];

/// A notification of the simulated gateway about this payment, altered before it was signed.
pub async fn letter(server: &Server, payment: &Value, alteration: &Value) -> Value {
    let mut body = alteration.clone();
    body["outTradeNo"] = payment["paymentNo"].clone();
    send(client().post(format!("{}/notice", server.control())).json(&body))
        .await
        .ok(200)
}

pub async fn deliver(server: &Server, method: &str, headers: HeaderMap, body: Vec<u8>) -> Answer {
    let url = format!("{}/api/billing/payments/notify/{method}", server.url);
    send(client().post(url).headers(headers).body(body)).await
}

pub fn headers_of(letter: &Value) -> HeaderMap {
    let pairs = letter["headers"].as_object().unwrap().iter();
    pairs
        .map(|(name, value)| {
            (
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
            )
        })
        .collect()
}

#[track_caller]
fn is_refusal(method: &str, answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{method}: {}", answer.text);
    match method {
        "wechat" => assert_eq!(answer.json()["code"], "FAIL"),
        _ => assert_eq!(answer.text, "failure"),
    }
}

#[tokio::test]
async fn unsigned_notifications_change_nothing() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    for method in ["wechat", "alipay"] {
        let order = api.order().await;
        let payment = api.payment(&order, method).await;
        for signed_by in ["stranger", "nobody"] {
            let forged = letter(&server, &payment, &json!({"signedBy": signed_by})).await;
            let body = forged["body"].as_str().unwrap().as_bytes().to_vec();
            is_refusal(
                method,
                &deliver(&server, method, headers_of(&forged), body).await,
                401,
            );
        }
        let genuine = letter(&server, &payment, &json!({})).await;
        let mut bent = genuine["body"].as_str().unwrap().as_bytes().to_vec();
        let middle = bent.len() / 2;
        bent[middle] = if bent[middle] == b'x' { b'y' } else { b'x' };
        let answer = deliver(&server, method, headers_of(&genuine), bent).await;
        assert!(
            matches!(answer.status, 400 | 401),
            "{} {}",
            answer.status,
            answer.text
        );
        assert_eq!(
            api.get(&format!("/payments/{}", payment["id"].as_str().unwrap()))
                .await
                .ok(200),
            payment
        );
        assert_eq!(
            api.get(&format!("/orders/{}", order["id"].as_str().unwrap()))
                .await
                .ok(200),
            order
        );
    }
    for method in ["wechat", "alipay"] {
        is_refusal(
            method,
            &deliver(&server, method, HeaderMap::new(), b"{}".to_vec()).await,
            401,
        );
        is_refusal(
            method,
            &deliver(&server, method, HeaderMap::new(), vec![b'x'; 70_000]).await,
            413,
        );
    }
}

#[tokio::test]
async fn a_repeated_notification_is_acknowledged_again() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    for method in ["wechat", "alipay"] {
        let payment = api.payment(&api.order().await, method).await;
        let genuine = letter(&server, &payment, &json!({})).await;
        for _ in 0..3 {
            let body = genuine["body"].as_str().unwrap().as_bytes().to_vec();
            let answer = deliver(&server, method, headers_of(&genuine), body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            if method == "alipay" {
                assert_eq!(answer.text, "success");
            }
            let paid = api
                .get(&format!("/payments/{}", payment["id"].as_str().unwrap()))
                .await
                .ok(200);
            assert_eq!(paid["status"], "success");
        }
    }
}

#[tokio::test]
async fn a_payment_of_another_amount_pays_nothing() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    for (method, set) in [
        ("wechat", json!({"total": 1})),
        ("alipay", json!({"total_amount": "0.01"})),
    ] {
        let payment = api.payment(&api.order().await, method).await;
        let wrong = letter(&server, &payment, &json!({"set": set, "newId": true})).await;
        let body = wrong["body"].as_str().unwrap().as_bytes().to_vec();
        deliver(&server, method, headers_of(&wrong), body).await;
        let found = api
            .get(&format!("/payments/{}", payment["id"].as_str().unwrap()))
            .await
            .ok(200);
        assert_eq!(found["status"], "processing");
    }
}

#[tokio::test]
async fn t_46_an_acknowledged_payment_survives_a_kill() {
    let simulator_dir = TempDir::new().unwrap();
    let gateways = Gateways::start(simulator_dir.path());
    let wallet = format!("{}/wallet", gateways.base);
    let mut dir = TempDir::new().unwrap();
    let mut paid = Vec::new();
    for method in ["wechat", "alipay", "wechat"] {
        let server = Server::live(dir, &gateways, &ONLY_CALLBACKS);
        assert_eq!(server.wallet, None);
        let api = Api::of(&server);
        let payment = api.payment(&api.order().await, method).await;
        pay(&wallet, &payment["paymentUrl"]).await;
        paid.push(api.wait_for(&payment, "success").await);
        dir = server.kill();
    }
    let server = Server::live(dir, &gateways, &ONLY_CALLBACKS);
    for payment in &paid {
        let found = Api::of(&server)
            .get(&format!("/payments/{}", payment["id"].as_str().unwrap()))
            .await
            .ok(200);
        assert_eq!(found, *payment);
    }
    let audit = super::server::run(server.dir.path(), &[], &["audit"], "");
    assert!(
        audit.status.success(),
        "{}",
        String::from_utf8_lossy(&audit.stdout)
    );
}

#[tokio::test]
async fn a_payment_without_a_notification_is_found_by_run_due() {
    let simulator_dir = TempDir::new().unwrap();
    let gateways = Gateways::start(simulator_dir.path());
    let mute = client()
        .post(format!("{}/_control/faults", gateways.base))
        .json(&json!({"kind": "mute"}));
    send(mute).await.ok(200);
    let mut settings: Vec<(&str, &str)> = ONLY_CALLBACKS.to_vec();
    settings.push(("GATEWAYS", "live"));
    settings.extend(
        gateways
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let server = Server::live(TempDir::new().unwrap(), &gateways, &ONLY_CALLBACKS);
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "alipay").await;
    pay(&format!("{}/wallet", gateways.base), &payment["paymentUrl"]).await;
    for _ in 0..20 {
        let done = super::server::run(server.dir.path(), &settings, &["run-due"], "");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let found = api
            .get(&format!("/payments/{}", payment["id"].as_str().unwrap()))
            .await
            .ok(200);
        if found["status"] == "success" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("the payment was never found");
}

#[tokio::test]
async fn the_simulator_prints_a_valid_settings_file() {
    let simulator_dir = TempDir::new().unwrap();
    let gateways = Gateways::start(simulator_dir.path());
    let lines: Vec<String> = gateways
        .settings
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join(".env"), lines.concat()).unwrap();
    let server = Server::start_in(dir, &[("API_KEY", super::server::API_KEY), ("GATEWAYS", "live")]);
    let api = Api::of(&server);
    for method in ["wechat", "alipay"] {
        let payment = api.payment(&api.order().await, method).await;
        assert_eq!(payment["status"], "processing");
    }
}
