//! Reconciliations over HTTP, their event, and several servers that reconcile one day.

use std::time::Duration;

use chrono::Days;
use domain::{Channel, Method};
use payments::gateway::bill::BillKind;
use serde_json::{Value, json};
use simulator::{Plant, PlantKind};
use sqlx::Connection as _;

use crate::api::{Api, client, send};
use crate::past::Past;
use crate::server::Server;
use crate::shop::{Engine, engines};

const SUMS: [&str; 4] = ["payments", "refunds", "fees", "net"];

#[track_caller]
fn has_exactly(value: &Value, wanted: &[&str]) {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted = wanted.to_vec();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}

/// A shop that sold at both gateways, and whose days were reconciled by the command: one of them differs at WeChat.
async fn reconciled_past(engine: Engine) -> (Past, String) {
    let mut past = Past::open(engine).await;
    let mut numbers = Vec::new();
    for method in [Method::Wechat, Method::Alipay] {
        let payment = past.paid(method, "49.90").await;
        past.paid(method, "100.00").await;
        past.refunded(&payment, "9.90").await;
        numbers.push(payment.payment_no.to_string());
    }
    past.end().await;
    past.shop
        .sim
        .plant(Plant::of_trade(PlantKind::Amount, &numbers[0]))
        .unwrap();
    for (days_before, code) in [(0, 1), (1, 0)] {
        let day = (past.day - Days::new(days_before)).to_string();
        let output = past.command(&["reconcile", "--day", &day], "").await;
        assert_eq!(output.status.code(), Some(code));
    }
    (past, numbers.swap_remove(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconciliation_is_read_as_the_contract_says() {
    for engine in engines() {
        let (past, number) = reconciled_past(engine).await;
        let server = past.server(&[]).await;
        let api = Api::of(&server);
        let found = api
            .get(&format!("/reconciliations/{}/wechat", past.day))
            .await
            .ok(200);
        has_exactly(
            &found,
            &["day", "gateway", "status", "statement", "books", "differences"],
        );
        assert_eq!(
            (&found["day"], &found["gateway"], &found["status"]),
            (
                &json!(past.day.to_string()),
                &json!("wechat"),
                &json!("differences")
            )
        );
        for side in ["statement", "books"] {
            has_exactly(&found[side], &SUMS);
            let [payments, refunds, fees, net] = SUMS.map(|name| found[side][name].as_i64().unwrap());
            assert_eq!(net, payments - refunds - fees, "{found}");
            assert_eq!(refunds, 990);
        }
        assert_eq!(found["statement"]["payments"], 14_991);
        assert_eq!(found["books"]["payments"], 14_990);
        let difference = &found["differences"][0];
        has_exactly(
            difference,
            &[
                "kind",
                "paymentNo",
                "refundNo",
                "transactionId",
                "statementAmount",
                "bookAmount",
                "state",
                "evidence",
            ],
        );
        assert_eq!(
            [
                &difference["kind"],
                &difference["paymentNo"],
                &difference["refundNo"]
            ],
            [&json!("amount"), &json!(number), &Value::Null]
        );
        assert_eq!(
            [
                &difference["statementAmount"],
                &difference["bookAmount"],
                &difference["state"]
            ],
            [&json!(4_991), &json!(4_990), &json!("open")]
        );
        assert!(difference["transactionId"].as_str().unwrap().len() >= 28);
        assert!(difference["evidence"].as_str().unwrap().contains("49.91"));
        assert_eq!(found["differences"].as_array().unwrap().len(), 1);

        let other = api
            .get(&format!("/reconciliations/{}/alipay", past.day))
            .await
            .ok(200);
        assert_eq!(
            (&other["status"], &other["differences"]),
            (&json!("matched"), &json!([]))
        );
        assert_eq!(other["statement"], other["books"]);
        read_wrongly(&past, &api).await;
        read_in_pages(&api).await;
        read_with_other_keys(&server, &past).await;
        follow_events(&past, &api, &found).await;
    }
}

async fn read_wrongly(past: &Past, api: &Api) {
    let day = past.day;
    for path in [
        format!("/reconciliations/{day}/balance"),
        format!("/reconciliations/{day}"),
        format!("/reconciliations/{}/wechat", day + Days::new(1)),
        "/reconciliations/yesterday/wechat".to_owned(),
        "/reconciliations/2026-1-1/wechat".to_owned(),
        "/reconciliations/2026-02-30/wechat".to_owned(),
        format!("/reconciliations/{day}%20/wechat"),
    ] {
        api.get(&path).await.refused(404, "not_found");
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=2026-11-27", "cursor"),
        ("cursor=2026-11-27+balance", "cursor"),
        ("day=2026-11-27", "day"),
        ("limit=1&limit=1", "limit"),
    ] {
        let refused = api.get(&format!("/reconciliations?{query}")).await;
        assert_eq!(refused.refused(422, "invalid").as_deref(), Some(field), "{query}");
    }
    let posted = api.post("/reconciliations", &json!({})).await;
    assert!([404, 405].contains(&posted.status), "{}", posted.text);
}

/// Every day and gateway once, newest day first, whatever the size of a page.
async fn read_in_pages(api: &Api) {
    let whole = api.get("/reconciliations").await.ok(200);
    has_exactly(&whole, &["data", "nextCursor"]);
    assert_eq!(whole["nextCursor"], Value::Null);
    let all = whole["data"].as_array().unwrap();
    assert_eq!(all.len(), 4);
    let days: Vec<&str> = all.iter().map(|found| found["day"].as_str().unwrap()).collect();
    assert!(days.is_sorted_by(|a, b| a >= b), "{days:?}");
    for limit in [1, 3] {
        let (mut pages, mut next) = (Vec::new(), String::new());
        loop {
            let page = api
                .get(&format!("/reconciliations?limit={limit}{next}"))
                .await
                .ok(200);
            pages.extend(page["data"].as_array().unwrap().clone());
            let Some(cursor) = page["nextCursor"].as_str() else {
                break;
            };
            let encoded: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            next = format!("&cursor={encoded}");
        }
        assert_eq!(&pages, all, "{limit}");
    }
}

async fn read_with_other_keys(server: &Server, past: &Past) {
    let path = format!("{}/api/billing/reconciliations", server.url);
    assert_eq!(send(client().get(&path)).await.status, 401);
    assert_eq!(
        send(client().get(&path).bearer_auth("tq_wrong")).await.status,
        401
    );
    for (scope, status) in [("read", 200), ("pay", 403), ("refund", 403)] {
        let args = ["key", "create", "--name", scope, "--scope", scope];
        let made = past.command(&args, "").await;
        let said = String::from_utf8(made.stdout).unwrap();
        let key = said.split_whitespace().find(|word| word.starts_with("tq_"));
        let api = Api::with_key(server, key.unwrap_or_else(|| panic!("{said}")));
        for path in [
            "/reconciliations".to_owned(),
            format!("/reconciliations/{}/alipay", past.day),
        ] {
            assert_eq!(api.get(&path).await.status, status, "{scope} {path}");
        }
    }
}

/// One event for each result, with the reconciliation as the API shows it.
async fn follow_events(past: &Past, api: &Api, of_wechat: &Value) {
    let events = async || {
        let page = api
            .get("/events?type=reconciliation.finished&limit=100")
            .await
            .ok(200);
        page["data"].as_array().unwrap().clone()
    };
    let mut found = events().await;
    for _ in 0..100 {
        if found.len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        found = events().await;
    }
    assert_eq!(found.len(), 4, "{found:#?}");
    let told = found.iter().filter(|event| &event["data"] == of_wechat).count();
    assert_eq!(told, 1, "{found:#?}");
    for event in &found {
        has_exactly(event, &["id", "type", "createdAt", "data"]);
    }
    past.shop.sim.clear_plants();
    let day = past.day.to_string();
    let again = past.command(&["reconcile", "--day", &day], "").await;
    assert_eq!(again.status.code(), Some(0));
    let mut changed = events().await;
    for _ in 0..100 {
        if changed.len() == 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        changed = events().await;
    }
    assert_eq!(changed.len(), 5, "alipay's result is the same");
    assert_eq!(changed[4]["data"]["status"], "matched");
    assert_eq!(changed[4]["data"]["differences"][0]["state"], "repaired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_reconcile_a_day_once() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let mut past = Past::open(Engine::Postgres).await;
    for method in [Method::Wechat, Method::Alipay] {
        past.paid(method, "49.90").await;
    }
    past.end().await;
    // As if the statements of yesterday had been due a moment ago: both servers look at the same seconds.
    let planned = [("STATEMENTS_CRON", "* * * * * *")];
    let servers = [past.server(&planned).await, past.server(&planned).await];
    let api = Api::of(&servers[0]);
    let path = |channel: &str| format!("/reconciliations/{}/{channel}", past.day);
    for channel in ["wechat", "alipay"] {
        let mut found = api.get(&path(channel)).await;
        for _ in 0..600 {
            past.keep_time().await;
            if found.status == 200 && found.json()["status"] == "matched" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            found = api.get(&path(channel)).await;
        }
        assert_eq!(found.ok(200)["status"], "matched");
    }
    // Longer than the time between two looks of the job.
    for _ in 0..25 {
        past.keep_time().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let events = Api::of(&servers[1])
        .get("/events?type=reconciliation.finished&limit=100")
        .await
        .ok(200);
    let day = past.day.to_string();
    let of_day = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["data"]["day"] == day.as_str());
    assert_eq!(of_day.count(), 2, "{events:#}");
    let mut rows = sqlx::PgConnection::connect(past.shop.database()).await.unwrap();
    let fees: (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct reference) from fee_entries where account like 'fees:%'",
    )
    .fetch_one(&mut rows)
    .await
    .unwrap();
    assert_eq!(fees, (2, 2));
    let attempts: (i64,) = sqlx::query_as(
        "select cast(coalesce(sum(attempts), 0) as bigint) from reconciliations where day = $1",
    )
    .bind(&day)
    .fetch_one(&mut rows)
    .await
    .unwrap();
    assert_eq!(attempts.0, 0, "nobody came in vain");
    let kept = past.download(Channel::Wechat, past.day, BillKind::Trade).await;
    let same: (i64,) =
        sqlx::query_as("select count(*) from statements where channel = 'wechat' and file = $1")
            .bind(&kept)
            .fetch_one(&mut rows)
            .await
            .unwrap();
    assert_eq!(same.0, 1, "the file is kept as it was downloaded");
}
