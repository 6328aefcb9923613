//! Scopes and limits of API keys over HTTP.

use serde_json::json;

use super::api::{Api, pay};
use super::server::{Server, run};

fn key(server: &Server, options: &[&str]) -> String {
    let args = [&["key", "create", "--name", "till"], options].concat();
    let made = run(server.dir.path(), &[], &args, "");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8_lossy(&made.stdout).trim().to_owned()
}

#[tokio::test]
async fn a_key_that_may_only_read_reads_no_address_that_pays() {
    let server = Server::simulated(&[]);
    let owner = Api::of(&server);
    let body = json!({"userId": "ann", "subject": "Team plan", "amount": 9990, "allowBalance": true});
    let order = owner.post("/orders", &body).await.ok(201);
    let link = order["checkoutUrl"].as_str().unwrap();
    let token = link.rsplit('/').next().unwrap();
    let start = json!({"orderId": order["id"], "method": "alipay", "product": "page"});
    owner.post("/payments", &start).await.ok(201);
    let reader = Api::with_key(&server, &key(&server, &["--scope", "read"]));
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    assert_eq!(owner.get(&path).await.ok(200)["checkoutUrl"], link);
    let seen = reader.get(&path).await.ok(200);
    assert!(seen["checkoutUrl"].is_null(), "{seen}");
    for path in [path.as_str(), "/orders", "/payments"] {
        let answer = reader.get(path).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text.contains(token), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_key_keeps_to_its_own_limits() {
    let server = Server::simulated(&[]);
    let owner = Api::of(&server);
    let body = json!({"userId": "ann", "subject": "Team plan", "amount": 9990});
    let order = owner.post("/orders", &body).await.ok(201);
    let payment = owner.payment(&order, "alipay").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    owner.wait_for(&payment, "success").await;
    let limits = ["--most-per-refund", "500", "--most-per-day", "800"];
    let till = Api::with_key(&server, &key(&server, &limits));
    let path = format!("/payments/{}/refund", payment["id"].as_str().unwrap());
    let ask = async |amount: i64| {
        till.post(&path, &json!({"amount": amount, "reason": "defect"}))
            .await
    };
    ask(501).await.refused(403, "forbidden");
    ask(500).await.ok(202);
    ask(301).await.refused(403, "forbidden");
    ask(300).await.ok(202);
    let gift = json!({"amount": 1, "adjustmentNo": "A-1", "note": "gift"});
    till.post("/balance/ann/adjust", &gift)
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn texts_with_invisible_or_direction_characters_are_refused() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for hidden in [
        "\u{2028}",
        "\u{2029}",
        "\u{E0041}",
        "\u{E007F}",
        "\u{061C}",
        "\u{202E}",
    ] {
        let subject = format!("Team{hidden}plan");
        let body = json!({"userId": "ann", "subject": subject, "amount": 9990});
        let field = api.post("/orders", &body).await.refused(422, "invalid");
        assert_eq!(field.as_deref(), Some("subject"), "{hidden:?}");
    }
}
