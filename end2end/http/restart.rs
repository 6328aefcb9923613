//! The built-in simulator over a restart: trades and refunds under way continue.

use serde_json::json;
use tempfile::TempDir;

use super::api::{Api, client, pay, send};
use super::database::new_database;
use super::server::{API_KEY, Server};

/// Refunds take this long at WeChat from now on.
async fn set_refund_delay(server: &Server, ms: u64) {
    let merchant = client().post(format!("{}/merchant", server.control()));
    send(merchant.json(&json!({"wechatRefundMs": ms}))).await.ok(200);
}

async fn refunds_and_questions_go_on_after_a_restart(settings: &[(&str, &str)]) {
    let mut server = Server::simulated(settings);
    let api = Api::of(&server);
    set_refund_delay(&server, 6_000).await;
    let mut paid = Vec::new();
    for method in ["wechat", "alipay"] {
        let payment = api.payment(&api.order().await, method).await;
        pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
        paid.push(api.wait_for(&payment, "success").await);
    }
    let open = api.payment(&api.order().await, "wechat").await;
    let refund_path =
        |payment: &serde_json::Value| format!("/payments/{}/refund", payment["id"].as_str().unwrap());
    let refund = api
        .post(&refund_path(&paid[0]), &json!({"reason": "before"}))
        .await
        .ok(202);
    let refund_path_of = format!("/refunds/{}", refund["id"].as_str().unwrap());
    for _ in 0..100 {
        if api.get(&refund_path_of).await.ok(200)["status"] == "processing" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(api.get(&refund_path_of).await.ok(200)["status"], "processing");
    assert_eq!(server.terminate().0, Some(0));

    let dir = std::mem::replace(&mut server.dir, TempDir::new().unwrap());
    let mut all = vec![("API_KEY", API_KEY)];
    all.extend(settings);
    let server = Server::start_in(dir, &all);
    let api = Api::of(&server);
    // A refund from before the restart ends at its own time.
    api.wait_for(&paid[0], "refunded").await;
    assert_eq!(api.get(&refund_path_of).await.ok(200)["status"], "success");
    // A payment from before can be refunded after.
    api.post(&refund_path(&paid[1]), &json!({"reason": "after"}))
        .await
        .ok(202);
    api.wait_for(&paid[1], "refunded").await;
    // An open payment from before is known, and can be paid with its old code.
    let asked = api
        .post("/payments/query", &json!({"paymentNo": open["paymentNo"]}))
        .await
        .ok(200);
    assert_eq!(asked["status"], "processing");
    pay(server.wallet.as_deref().unwrap(), &open["paymentUrl"]).await;
    api.wait_for(&open, "success").await;
}

#[tokio::test]
async fn the_simulator_keeps_its_books_beside_a_sqlite_file() {
    refunds_and_questions_go_on_after_a_restart(&[]).await;
}

#[tokio::test]
async fn the_simulator_keeps_its_books_for_a_postgres_database() {
    if let Some(url) = new_database("http_restart").await {
        refunds_and_questions_go_on_after_a_restart(&[("DATABASE_URL", &url)]).await;
    }
}
