//! A database and the merchant accounts that it has served.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{Api, pay};
use super::database::new_database;
use super::server::{API_KEY, Gateways, Server, run};

/// Settings of the gateways, with these in the place of what they say.
fn settings<'a>(gateways: &'a Gateways, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("API_KEY", API_KEY),
        ("GATEWAYS", "live"),
        ("LISTEN", "127.0.0.1:0"),
    ];
    all.extend(
        gateways
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    all.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    all.extend(changes);
    all
}

fn refusal(dir: &TempDir, settings: &[(&str, &str)], args: &[&str]) -> String {
    let output = run(dir.path(), settings, args, "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    said
}

async fn another_merchant_is_refused_and_harms_nothing_when_it_is_accepted(database: &str) {
    let simulator_dir = TempDir::new().unwrap();
    let gateways = Gateways::start(simulator_dir.path());
    let wallet = format!("{}/wallet", gateways.base);
    let database = ("DATABASE_URL", database);
    let of_merchant = settings(&gateways, &[database, ("PAYMENT_TTL_MINUTES", "0.1")]);
    let server = Server::start_in(TempDir::new().unwrap(), &of_merchant);
    let api = Api::of(&server);
    let paid = api.payment(&api.order().await, "wechat").await;
    pay(&wallet, &paid["paymentUrl"]).await;
    api.wait_for(&paid, "success").await;
    let open = api.payment(&api.order().await, "wechat").await;
    // The payment is made while no server runs.
    let dir = server.kill();
    pay(&wallet, &open["paymentUrl"]).await;

    let other = settings(&gateways, &[database, ("WECHAT_MCH_ID", "1900000999")]);
    let without: Vec<(&str, &str)> = of_merchant
        .iter()
        .copied()
        .filter(|(name, _)| !name.starts_with("WECHAT_"))
        .collect();
    for (settings, name) in [
        (&other, "WECHAT_MCH_ID"),
        (&without, "WECHAT_MCH_ID"),
        (&vec![database, ("LISTEN", "127.0.0.1:0")], "GATEWAYS"),
    ] {
        for args in [&[][..], &["run-due"]] {
            let said = refusal(&dir, settings, args);
            assert!(
                said.contains(&format!("tongqian: {name}: ")) && said.contains("ACCEPT_OTHER_MERCHANT=yes"),
                "{said}"
            );
            assert!(
                said.contains(open["paymentNo"].as_str().unwrap()) || name == "GATEWAYS",
                "{said}"
            );
        }
        // Commands that move no money work with any settings.
        let audit = run(dir.path(), settings, &["audit"], "");
        assert!(
            audit.status.success(),
            "{}",
            String::from_utf8_lossy(&audit.stderr)
        );
        let key = run(dir.path(), settings, &["key", "create", "--name", "x"], "");
        assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
    }

    let mut accepted = other.clone();
    accepted.extend([
        ("ACCEPT_OTHER_MERCHANT", "yes"),
        ("EXPIRY_CRON", "* * * * * *"),
        ("RECONCILE_CRON", "* * * * * *"),
    ]);
    let server = Server::start_in(dir, &accepted);
    let api = Api::of(&server);
    let asked = api
        .post("/payments/query", &json!({"paymentNo": open["paymentNo"]}))
        .await;
    // The job may have queried within the same second: then the known state is the answer.
    if asked.status == 200 {
        assert_eq!(asked.ok(200)["status"], "processing");
    } else {
        asked.refused(503, "gateway_unreachable");
    }
    let refund = format!("/payments/{}/refund", paid["id"].as_str().unwrap());
    api.post(&refund, &json!({"reason": "x"}))
        .await
        .refused(409, "payment_not_refundable");
    // Its time is over, and the jobs have looked at it more than once.
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    let path = format!("/payments/{}", open["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.ok(200)["status"], "processing");

    // Back at its merchant, the money is found and nothing has to be accepted.
    let dir = server.kill();
    let server = Server::start_in(dir, &of_merchant);
    let api = Api::of(&server);
    let found: Value = api.wait_for(&open, "success").await;
    assert_eq!(found["amount"], 9990);
    api.post(&refund, &json!({"reason": "x"})).await.ok(202);
    api.wait_for(&paid, "refunded").await;
}

#[tokio::test]
async fn another_merchant_is_refused_on_a_live_sqlite_file() {
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite://{}/shop.db", dir.path().display());
    another_merchant_is_refused_and_harms_nothing_when_it_is_accepted(&url).await;
}

#[tokio::test]
async fn another_merchant_is_refused_on_a_live_postgres_database() {
    if let Some(url) = new_database("http_merchants").await {
        another_merchant_is_refused_and_harms_nothing_when_it_is_accepted(&url).await;
    }
}
