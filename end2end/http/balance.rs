//! Balances as a merchant's program sees them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::api::{Answer, Api, pay};
use super::database::new_database;
use super::server::{Server, run};

const ENTRY_FIELDS: [&str; 7] = [
    "id",
    "kind",
    "amount",
    "balanceAfter",
    "reference",
    "note",
    "createdAt",
];

async fn adjust(api: &Api, number: &str, fen: i64) -> Answer {
    let body = json!({"amount": fen, "adjustmentNo": number, "note": "春节红包"});
    api.post("/balance/u1/adjust", &body).await
}

async fn available(api: &Api) -> Value {
    api.get("/balance/u1").await.ok(200)["available"].clone()
}

async fn pay_by_balance(api: &Api, order: &Value) -> Answer {
    let body = json!({"orderId": order["id"], "method": "balance"});
    api.post("/payments", &body).await
}

/// Pays with retries: all requests lock the same row, and one that waited too long for a connection gets an unknown outcome and
/// is repeated under the same key.
async fn pay_with_patience(api: &Api, order: &Value) -> Answer {
    let body = json!({"orderId": order["id"], "method": "balance"});
    let key = order["id"].as_str().unwrap();
    for _ in 0..20 {
        let answer = api.post_with_key("/payments", key, &body).await;
        if answer.status != 503 {
            return answer;
        }
    }
    panic!("the database never had time")
}

#[track_caller]
fn audited(server: &Server, settings: &[(&str, &str)]) {
    let audit = run(server.dir.path(), settings, &["audit"], "");
    assert!(
        audit.status.success(),
        "{}",
        String::from_utf8_lossy(&audit.stdout)
    );
}

#[tokio::test]
async fn an_unknown_user_has_a_zero_balance() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for (path, user) in [("/balance/u1", "u1"), ("/balance/%E5%B0%8F%E7%8E%8B", "小王")] {
        let nothing =
            json!({"userId": user, "available": 0, "frozen": 0, "currency": "CNY", "updatedAt": null});
        assert_eq!(api.get(path).await.ok(200), nothing);
        let list = api.get(&format!("{path}/entries")).await.ok(200);
        assert_eq!(list, json!({"data": [], "nextCursor": null}));
    }
}

#[tokio::test]
async fn an_adjustment_is_made_once_under_its_number() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let first = adjust(&api, "A-1", 500).await.ok(201);
    let mut names: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted = ENTRY_FIELDS.to_vec();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    assert_eq!(
        [
            &first["kind"],
            &first["amount"],
            &first["balanceAfter"],
            &first["reference"],
            &first["note"]
        ],
        [
            &json!("adjust"),
            &json!(500),
            &json!(500),
            &json!("A-1"),
            &json!("春节红包")
        ]
    );
    assert_eq!(adjust(&api, "A-1", 500).await.ok(200), first);
    adjust(&api, "A-1", 501)
        .await
        .refused(409, "idempotency_conflict");
    let other = json!({"amount": 500, "adjustmentNo": "A-1", "note": "春节红包"});
    api.post("/balance/u2/adjust", &other)
        .await
        .refused(409, "idempotency_conflict");
    assert_eq!(adjust(&api, "A-2", -200).await.ok(201)["balanceAfter"], 300);
    adjust(&api, "A-3", -301)
        .await
        .refused(409, "insufficient_balance");
    let balance = api.get("/balance/u1").await.ok(200);
    assert_eq!(
        (&balance["available"], &balance["frozen"]),
        (&json!(300), &json!(0))
    );
    assert!(balance["updatedAt"].as_str().unwrap().ends_with('Z'));

    let page = api.get("/balance/u1/entries?limit=1").await.ok(200);
    assert_eq!(page["data"][0]["reference"], "A-2");
    let cursor = page["nextCursor"].as_str().unwrap();
    let rest = api
        .get(&format!("/balance/u1/entries?cursor={cursor}"))
        .await
        .ok(200);
    assert_eq!(rest, json!({"data": [first], "nextCursor": null}));
    audited(&server, &[]);
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let fine = json!({"amount": 1, "adjustmentNo": "A-1", "note": "gift"});
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(1.5)),
        ("amount", json!("1")),
        ("amount", json!(10_000_000_001_i64)),
        ("amount", json!(-10_000_000_001_i64)),
        ("adjustmentNo", json!("")),
        ("adjustmentNo", json!("with space")),
        ("adjustmentNo", json!("a".repeat(65))),
        ("note", json!("")),
        ("note", json!("a\u{202e}b")),
        ("note", json!("n".repeat(257))),
        ("seq", json!(1)),
    ] {
        let mut body = fine.clone();
        body[field] = value;
        let refused = api
            .post("/balance/u1/adjust", &body)
            .await
            .refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some(field), "{body}");
    }
    for missing in ["amount", "adjustmentNo", "note"] {
        let mut body = fine.clone();
        body.as_object_mut().unwrap().remove(missing);
        let refused = api
            .post("/balance/u1/adjust", &body)
            .await
            .refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some(missing));
    }
    for (field, body) in [
        ("amount", json!({"amount": 0})),
        ("amount", json!({"amount": -1})),
        ("orderNo", json!({"amount": 1, "orderNo": "a b"})),
        ("returnUrl", json!({"amount": 1, "returnUrl": "javascript:1"})),
        ("subject", json!({"amount": 1, "subject": "x"})),
    ] {
        let refused = api.post("/balance/u1/topup", &body).await.refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some(field), "{body}");
    }
    let nobody = format!("/balance/{}", "u".repeat(65));
    for path in [nobody.as_str(), "/balance/a%0Ab"] {
        let refused = api.get(path).await.refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some("userId"), "{path}");
        api.post(&format!("{path}/adjust"), &fine)
            .await
            .refused(422, "invalid");
        api.post(&format!("{path}/topup"), &json!({"amount": 1}))
            .await
            .refused(422, "invalid");
    }
    for query in ["cursor=x", "cursor=-1", "limit=0", "page=1"] {
        api.get(&format!("/balance/u1/entries?{query}"))
            .await
            .refused(422, "invalid");
    }
    api.get("/balance/%ff").await.refused(404, "not_found");
    assert_eq!(available(&api).await, 0);
}

#[tokio::test]
async fn only_a_key_that_may_refund_adjusts() {
    let server = Server::simulated(&[]);
    let api = |scopes: &str| {
        let made = run(
            server.dir.path(),
            &[],
            &["key", "create", "--name", "till", "--scope", scopes],
            "",
        );
        Api::with_key(&server, String::from_utf8(made.stdout).unwrap().trim())
    };
    let (reader, payer, refunder) = (api("read"), api("pay"), api("refund"));
    for key in [&reader, &payer] {
        adjust(key, "A-1", 500).await.refused(403, "forbidden");
    }
    adjust(&refunder, "A-1", 500).await.ok(201);
    assert_eq!(available(&reader).await, 500);
    let fill = json!({"amount": 1});
    for key in [&reader, &refunder] {
        key.post("/balance/u1/topup", &fill)
            .await
            .refused(403, "forbidden");
    }
    payer.post("/balance/u1/topup", &fill).await.ok(201);
    payer.get("/balance/u1").await.refused(403, "forbidden");
    Api::with_key(&server, "tq_nobody")
        .get("/balance/u1")
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn repeated_adjustments_and_top_ups_get_the_first_answer() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let gift = json!({"amount": 500, "adjustmentNo": "A-1", "note": "gift"});
    let fill = json!({"amount": 700, "orderNo": "T-1"});
    for (path, body) in [("/balance/u1/adjust", &gift), ("/balance/u1/topup", &fill)] {
        let first = api.post_with_key(path, "k", body).await;
        assert_eq!(first.status, 201, "{}", first.text);
        let second = api.post_with_key(path, "k", body).await;
        assert_eq!((second.status, &second.text), (201, &first.text));
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        let mut other = body.clone();
        other["amount"] = json!(1);
        api.post_with_key(path, "k", &other)
            .await
            .refused(409, "idempotency_conflict");
        let elsewhere = path.replace("u1", "u2");
        api.post_with_key(&elsewhere, "k", body)
            .await
            .refused(409, "idempotency_conflict");
        // Without the key the number alone makes it one adjustment.
        assert_eq!(api.post(path, body).await.status, 200);
    }
    assert_eq!(available(&api).await, 500);
}

#[tokio::test]
async fn a_balance_is_filled_spent_and_refunded() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let fill = json!({"amount": 10_000, "orderNo": "T-1", "returnUrl": "https://shop.example/done"});
    let topup = api.post("/balance/u1/topup", &fill).await.ok(201);
    assert_eq!(
        [
            &topup["amount"],
            &topup["orderNo"],
            &topup["userId"],
            &topup["status"],
            &topup["returnUrl"]
        ],
        [
            &json!(10_000),
            &json!("T-1"),
            &json!("u1"),
            &json!("pending"),
            &fill["returnUrl"]
        ]
    );
    // A sale with the same number and sum is another order.
    let sale = json!({"orderNo": "T-1", "userId": "u1", "subject": "余额充值", "amount": 10_000,
        "returnUrl": "https://shop.example/done"});
    api.post("/orders", &sale).await.refused(409, "order_no_reused");
    adjust(&api, "A-1", 10_000).await.ok(201);
    pay_by_balance(&api, &topup)
        .await
        .refused(409, "order_not_payable");
    adjust(&api, "A-2", -10_000).await.ok(201);

    let filling = api.payment(&topup, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &filling["paymentUrl"]).await;
    api.wait_for(&filling, "success").await;
    assert_eq!(available(&api).await, 10_000);

    let order = api.order().await;
    let payment = pay_by_balance(&api, &order).await.ok(201);
    assert_eq!(
        [
            &payment["method"],
            &payment["product"],
            &payment["status"],
            &payment["paymentUrl"]
        ],
        [
            &json!("balance"),
            &json!("balance"),
            &json!("success"),
            &Value::Null
        ]
    );
    assert_eq!(payment["transactionId"], payment["paymentNo"]);
    assert!(payment["paidAt"].is_string());
    assert_eq!(available(&api).await, 10);
    pay_by_balance(&api, &order)
        .await
        .refused(409, "order_not_payable");
    let another = api.order().await;
    pay_by_balance(&api, &another)
        .await
        .refused(409, "insufficient_balance");
    let wrong = json!({"orderId": another["id"], "method": "balance", "amount": 1});
    api.post("/payments", &wrong)
        .await
        .refused(409, "amount_mismatch");
    let queried = api
        .post("/payments/query", &json!({"paymentNo": payment["paymentNo"]}))
        .await
        .ok(200);
    assert_eq!(queried, payment);
    let listed = api.get("/payments?method=balance").await.ok(200);
    assert_eq!(listed["data"], json!([payment]));

    // The top-up's money is spent; a balance payment is refunded at once.
    let refund_of = |payment: &Value| format!("/payments/{}/refund", payment["id"].as_str().unwrap());
    let reason = json!({"reason": "不想要了"});
    api.post(&refund_of(&filling), &reason)
        .await
        .refused(409, "insufficient_balance");
    let refund = api.post(&refund_of(&payment), &reason).await.ok(202);
    assert_eq!(
        (&refund["status"], &refund["amount"]),
        (&json!("success"), &json!(9990))
    );
    assert_eq!(available(&api).await, 10_000);
    let id = order["id"].as_str().unwrap();
    assert_eq!(
        api.get(&format!("/orders/{id}")).await.ok(200)["status"],
        "refunded"
    );

    api.post(
        &refund_of(&filling),
        &json!({"reason": "不想要了", "amount": 4000}),
    )
    .await
    .ok(202);
    let balance = api.get("/balance/u1").await.ok(200);
    assert_eq!(balance["available"], 6000);
    assert!(balance["frozen"] == 4000 || balance["frozen"] == 0, "{balance}");
    for _ in 0..300 {
        let path = format!("/payments/{}", filling["id"].as_str().unwrap());
        if api.get(&path).await.ok(200)["refundAmount"] == 4000 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(api.get("/balance/u1").await.ok(200)["frozen"], 0);
    let entries = api.get("/balance/u1/entries").await.ok(200);
    let kinds: Vec<&str> = entries["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "refund_requested",
            "refund",
            "payment",
            "topup",
            "adjust",
            "adjust"
        ]
    );
    assert_eq!(entries["data"][2]["reference"], payment["id"]);
    audited(&server, &[]);
}

#[tokio::test]
async fn fifty_concurrent_programs_never_overspend_a_balance_on_postgres_too() {
    let postgres = new_database("http_balance").await;
    let mut rounds: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    rounds.extend(postgres.as_deref().map(|url| vec![("DATABASE_URL", url)]));
    for settings in rounds {
        let server = Server::simulated(&settings);
        let api = Api::of(&server);
        adjust(&api, "A-1", 30 * 9990 + 1).await.ok(201);
        let mut orders = Vec::new();
        for _ in 0..50 {
            orders.push(api.order().await);
        }
        let answers = join_all(orders.iter().map(|order| pay_with_patience(&api, order))).await;
        let n_paid = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(n_paid, 30);
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            refused.refused(409, "insufficient_balance");
        }
        assert_eq!(available(&api).await, 1);
        audited(&server, &settings);
    }
}
