//! Orders and payments as a merchant's program sees them.

use serde_json::{Value, json};

use super::api::{Api, pay};
use super::server::Server;

const ORDER_FIELDS: [&str; 18] = [
    "id",
    "orderNo",
    "userId",
    "subject",
    "amount",
    "currency",
    "status",
    "paidAmount",
    "refundedAmount",
    "checkoutUrl",
    "returnUrl",
    "metadata",
    "expiresAt",
    "paidAt",
    "cancelReason",
    "refundReason",
    "createdAt",
    "updatedAt",
];
const PAYMENT_FIELDS: [&str; 19] = [
    "id",
    "paymentNo",
    "orderId",
    "userId",
    "method",
    "product",
    "amount",
    "currency",
    "status",
    "transactionId",
    "paymentUrl",
    "failureReason",
    "refundAmount",
    "refundReason",
    "expiresAt",
    "paidAt",
    "refundedAt",
    "createdAt",
    "updatedAt",
];

#[track_caller]
fn has_exactly(value: &Value, fields: &[&str]) {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted = fields.to_vec();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn an_order_is_made_shown_and_listed() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let body = json!({
        "orderNo": "A-1", "userId": "u1", "subject": "套餐 A", "amount": 9990, "currency": "CNY",
        "returnUrl": "https://shop.example/done?x=1", "metadata": {"seat": 3, "price": 1.5}, "expiresInMinutes": 0.5,
    });
    let order = api.post("/orders", &body).await.ok(201);
    has_exactly(&order, &ORDER_FIELDS);
    for field in [
        "orderNo",
        "userId",
        "subject",
        "amount",
        "currency",
        "returnUrl",
        "metadata",
    ] {
        assert_eq!(order[field], body[field], "{field}");
    }
    assert_eq!(order["status"], "pending");
    assert_eq!(
        (&order["paidAmount"], &order["refundedAmount"], &order["paidAt"]),
        (&json!(0), &json!(0), &Value::Null)
    );
    assert!(order["createdAt"].as_str().unwrap().ends_with('Z'));
    let token = order["checkoutUrl"]
        .as_str()
        .unwrap()
        .strip_prefix(&format!("{}/checkout/", server.url))
        .unwrap();
    assert!(token.len() >= 26, "128 random bits are 26 characters of base 32");

    let id = order["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/orders/{id}")).await.ok(200), order);
    let list = api
        .get("/orders?userId=u1&orderNo=A-1&status=pending&createdFrom=2026-01-01T00:00:00Z")
        .await
        .ok(200);
    assert_eq!(list, json!({"data": [order], "nextCursor": null}));
    assert_eq!(
        api.get("/orders?userId=somebody-else").await.ok(200)["data"],
        json!([])
    );

    // The same number with the same content is the same order; with other content it is refused.
    assert_eq!(api.post("/orders", &body).await.ok(200)["id"], order["id"]);
    let mut other = body.clone();
    other["amount"] = json!(9991);
    api.post("/orders", &other).await.refused(409, "order_no_reused");
}

#[tokio::test]
async fn pages_of_a_list_are_newest_first_and_hold_everything_once() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(api.order().await["id"].clone());
        // Names sort by their millisecond.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    made.reverse();
    let (mut found, mut path) = (Vec::new(), "/orders?limit=2".to_owned());
    loop {
        let page = api.get(&path).await.ok(200);
        found.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|order| order["id"].clone()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/orders?limit=2&cursor={cursor}");
    }
    assert_eq!(found, made);
}

#[tokio::test]
async fn both_gateways_can_be_paid_through() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for (method, product) in [("wechat", "native"), ("alipay", "qr")] {
        let order = api.order().await;
        let payment = api.payment(&order, method).await;
        has_exactly(&payment, &PAYMENT_FIELDS);
        assert_eq!(payment["product"], product);
        assert_eq!(payment["status"], "processing");
        assert_eq!(payment["userId"], "u1");
        assert_eq!(payment["orderId"], order["id"]);
        // Asking again while it can be paid gives the same code.
        let body = json!({"orderId": order["id"], "method": method, "product": product, "amount": 9990});
        assert_eq!(
            api.post("/payments", &body).await.ok(200)["paymentUrl"],
            payment["paymentUrl"]
        );

        assert_eq!(
            pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"])
                .await
                .status,
            200
        );
        let paid = api.wait_for(&payment, "success").await;
        assert!(paid["transactionId"].is_string() && paid["paidAt"].is_string());
        let order = api
            .get(&format!("/orders/{}", order["id"].as_str().unwrap()))
            .await
            .ok(200);
        assert_eq!(
            (&order["status"], &order["paidAmount"]),
            (&json!("paid"), &json!(9990))
        );

        let again = api
            .post("/payments", &json!({"orderId": order["id"], "method": method}))
            .await;
        again.refused(409, "order_not_payable");
        let cancel = api
            .post(
                &format!("/orders/{}/cancel", order["id"].as_str().unwrap()),
                &json!({}),
            )
            .await;
        cancel.refused(409, "order_not_cancellable");
        let order_id = order["id"].as_str().unwrap();
        let listed = format!("/payments?orderId={order_id}&status=success&method={method}");
        assert_eq!(api.get(&listed).await.ok(200)["data"], json!([paid]));
    }
}

#[tokio::test]
async fn another_method_closes_the_open_one() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    let wechat = api.payment(&order, "wechat").await;
    let alipay = api.payment(&order, "alipay").await;
    assert_eq!(api.wait_for(&wechat, "cancelled").await["id"], wechat["id"]);
    assert_eq!(api.wait_for(&alipay, "processing").await["id"], alipay["id"]);
}

#[tokio::test]
async fn a_query_asks_the_gateway_when_no_callback_came() {
    let server = Server::simulated(&[("RECONCILE_CRON", "0 0 0 1 1 *"), ("EXPIRY_CRON", "0 0 0 1 1 *")]);
    let api = Api::of(&server);
    let mute = api
        .client
        .post(format!("{}/faults", server.control()))
        .json(&json!({"kind": "mute"}));
    super::api::send(mute).await.ok(200);
    let order = api.order().await;
    let payment = api.payment(&order, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let body = json!({"paymentNo": payment["paymentNo"]});
    let asked = api.post("/payments/query", &body).await.ok(200);
    has_exactly(&asked, &PAYMENT_FIELDS);
    assert_eq!(asked["status"], "success");
    assert_eq!(asked["userId"], "u1");
    let kept = api.post_with_key("/payments/query", "q-1", &body).await;
    assert_eq!(kept.ok(200), asked);
    let replay = api.post_with_key("/payments/query", "q-1", &body).await;
    assert_eq!(replay.header("idempotent-replayed"), Some("true"));
    assert_eq!(replay.text, kept.text);
}

#[tokio::test]
async fn an_unverifiable_gateway_answer_is_no_refusal() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let broken = json!({"kind": "html502", "endpoint": "create", "times": 1});
    let fault = api
        .client
        .post(format!("{}/faults", server.control()))
        .json(&broken);
    super::api::send(fault).await.ok(200);
    let order = api.order().await;
    let body = json!({"orderId": order["id"], "method": "wechat"});
    let answer = api.post("/payments", &body).await;
    answer.refused(503, "gateway_unreachable");
    assert!(answer.header("retry-after").is_some());
    // The same attempt goes on as soon as the gateway answers again: no second one is made.
    let payment = api.post("/payments", &body).await;
    assert!(matches!(payment.status, 200 | 201), "{}", payment.text);
    assert_eq!(
        api.get("/payments").await.ok(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn cancelling_closes_the_open_payment_and_can_be_repeated() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    let payment = api.payment(&order, "alipay").await;
    let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let cancelled = api
        .post(&path, &json!({"reason": "changed my mind"}))
        .await
        .ok(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["cancelReason"]),
        (&json!("cancelled"), &json!("changed my mind"))
    );
    assert_eq!(api.wait_for(&payment, "cancelled").await["id"], payment["id"]);
    // Again, and without any body.
    let again = super::api::send(api.request(reqwest::Method::POST, &path))
        .await
        .ok(200);
    assert_eq!(again, cancelled);
    let pay_late = api
        .post("/payments", &json!({"orderId": order["id"], "method": "wechat"}))
        .await;
    pay_late.refused(409, "order_not_payable");
}

#[tokio::test]
async fn an_order_ends_when_its_time_is_over() {
    let server = Server::simulated(&[("ORDER_TTL_MINUTES", "0.02"), ("EXPIRY_CRON", "* * * * * *")]);
    let api = Api::of(&server);
    let path = format!("/orders/{}", api.order().await["id"].as_str().unwrap());
    for _ in 0..100 {
        let order = api.get(&path).await.ok(200);
        if order["status"] == "cancelled" {
            assert!(order["cancelReason"].is_string());
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the order is still open");
}
