//! The same server on PostgreSQL, when one is available.

use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use super::api::{Api, client, pay, send};
use super::server::{Server, run};

/// Makes a database on the server of `TEST_DATABASE_URL`; without one there is nothing to test.
pub async fn new_database(name: &str) -> Option<String> {
    let server = test_server()?;
    let name = format!("{name}_{}", std::process::id());
    execute(&format!("drop database if exists {name}")).await;
    execute(&format!("create database {name}")).await;
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}"))
}

pub async fn execute(sql: &str) {
    let server = test_server().unwrap();
    let mut connection = sqlx::PgConnection::connect(&server)
        .await
        .expect("TEST_DATABASE_URL can be reached");
    connection
        .execute(sqlx::AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap();
}

fn test_server() -> Option<String> {
    std::env::vars()
        .find_map(|(name, value)| (name == "TEST_DATABASE_URL" && !value.is_empty()).then_some(value))
}

#[tokio::test]
async fn postgres_takes_orders_payments_and_repeats() {
    let Some(url) = new_database("http_money").await else {
        return;
    };
    let server = Server::simulated(&[("DATABASE_URL", &url)]);
    let api = Api::of(&server);
    for method in ["wechat", "alipay"] {
        let payment = api.payment(&api.order().await, method).await;
        pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
        api.wait_for(&payment, "success").await;
    }
    let body = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
    let sends = (0..20).map(|_| api.post_with_key("/orders", "same", &body));
    let answers = futures_util::future::join_all(sends).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 201 && answer.text == answers[0].text)
    );
    let audit = run(server.dir.path(), &[("DATABASE_URL", &url)], &["audit"], "");
    assert!(
        audit.status.success(),
        "{}",
        String::from_utf8_lossy(&audit.stdout)
    );
}

#[tokio::test]
async fn a_server_that_is_killed_finds_everything_again_on_postgres() {
    let Some(url) = new_database("http_kill").await else {
        return;
    };
    let server = Server::simulated(&[("DATABASE_URL", &url)]);
    let api = Api::of(&server);
    let order = api.order().await;
    let payment = api.payment(&order, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    let paid = api.wait_for(&payment, "success").await;
    drop(server.kill());
    let server = Server::simulated(&[("DATABASE_URL", &url)]);
    let path = format!("/payments/{}", payment["id"].as_str().unwrap());
    assert_eq!(Api::of(&server).get(&path).await.ok(200), paid);
}

#[tokio::test]
async fn without_its_database_the_server_is_unready_and_acknowledges_nothing() {
    let Some(url) = new_database("http_gone").await else {
        return;
    };
    let server = Server::simulated(&[("DATABASE_URL", &url)]);
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "alipay").await;
    let notification = json!({"outTradeNo": payment["paymentNo"]});
    let letter = send(
        client()
            .post(format!("{}/notice", server.control()))
            .json(&notification),
    )
    .await
    .ok(200);
    execute(&format!(
        "drop database {} with (force)",
        url.rsplit('/').next().unwrap()
    ))
    .await;

    let ready = send(client().get(format!("{}/health/ready", server.url))).await;
    assert_eq!(ready.ok(503)["failing"], "database");
    assert_eq!(
        send(client().get(format!("{}/health/live", server.url)))
            .await
            .status,
        200
    );
    let answer = api.get("/orders").await;
    answer.refused(503, "unavailable");
    assert!(
        answer.header("retry-after").is_some() && !answer.text.contains("postgres"),
        "{}",
        answer.text
    );
    let told = client()
        .post(format!("{}/api/billing/payments/notify/alipay", server.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(letter["body"].as_str().unwrap().to_owned());
    let told = send(told).await;
    assert!(
        told.status >= 500 && told.text == "failure",
        "{} {}",
        told.status,
        told.text
    );
}
