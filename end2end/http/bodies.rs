//! Refusals of the API, and their error codes.

use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, send};
use super::server::Server;

fn order() -> Value {
    json!({"userId": "u1", "subject": "Team plan", "amount": 9990})
}

#[tokio::test]
async fn every_wrong_order_is_refused_with_its_field() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(99.9)),
        ("amount", json!("9990")),
        ("amount", json!(10_000_000_001_i64)),
        ("amount", Value::Null),
        ("userId", json!("")),
        ("userId", json!("u".repeat(65))),
        ("userId", json!(7)),
        ("subject", json!("")),
        ("subject", json!("s".repeat(128))),
        ("subject", json!("two\nlines")),
        ("subject", json!("\u{202E}evil")),
        ("orderNo", json!("")),
        ("orderNo", json!("a b")),
        ("orderNo", json!("a".repeat(33))),
        ("currency", json!("USD")),
        ("returnUrl", json!("javascript:alert(1)")),
        ("returnUrl", json!("/relative")),
        ("metadata", json!([1])),
        ("metadata", json!({"a": "x".repeat(4096)})),
        ("expiresInMinutes", json!(0)),
        ("expiresInMinutes", json!(-1)),
        ("expiresInMinutes", json!(10_081)),
        ("expiresInMinutes", json!("30")),
        ("status", json!("paid")),
        ("role", json!("admin")),
    ] {
        let mut body = order();
        body[field] = value.clone();
        let answer = api.post("/orders", &body).await;
        assert_eq!(
            answer.refused(422, "invalid").as_deref(),
            Some(field),
            "{field} {value}"
        );
    }
    for field in ["userId", "subject", "amount"] {
        let mut body = order();
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(
            api.post("/orders", &body)
                .await
                .refused(422, "invalid")
                .as_deref(),
            Some(field)
        );
    }
    assert_eq!(api.get("/orders").await.ok(200)["data"], json!([]));
}

#[tokio::test]
async fn a_body_that_is_not_json_is_malformed() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let json_body = |body: Vec<u8>| {
        send(
            api.request(Method::POST, "/orders")
                .header("content-type", "application/json")
                .body(body),
        )
    };
    for body in [
        &b""[..],
        b"{",
        b"amount=1",
        b"{\"amount\":1}{",
        b"{\"userId\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
    ] {
        json_body(body.to_vec()).await.refused(400, "malformed");
    }
    json_body("[".repeat(10_000).into_bytes())
        .await
        .refused(400, "malformed");
    json_body(b"[]".to_vec()).await.refused(422, "invalid");
    json_body(b"{\"amount\":1,\"amount\":2,\"userId\":\"u\",\"subject\":\"s\"}".to_vec())
        .await
        .refused(422, "invalid");

    let text = api
        .request(Method::POST, "/orders")
        .header("content-type", "text/plain")
        .body("{}");
    send(text).await.refused(415, "unsupported_media_type");
    send(api.request(Method::POST, "/orders").form(&[("amount", "1")]))
        .await
        .refused(415, "unsupported_media_type");
    let packed = api
        .request(Method::POST, "/orders")
        .header("content-encoding", "gzip")
        .json(&order());
    send(packed).await.refused(415, "unsupported_media_type");

    for size in [256 * 1024 + 1, 2_000_000, 6_000_000] {
        let mut body = order();
        body["subject"] = json!("x".repeat(size));
        let sent = api.request(Method::POST, "/orders").json(&body).send().await;
        match sent {
            Ok(response) => assert_eq!(response.status().as_u16(), 413),
            // A body of several megabytes is not read to its end; the connection may be closed before the answer is read.
            Err(error) => assert!(size > 4_000_000, "{size}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_payment_names_a_method_that_is_offered() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    for (method, product, field) in [
        ("paypal", None, "method"),
        ("balance", Some("native"), "product"),
        ("wechat", Some("qr"), "product"),
        ("wechat", Some("page"), "product"),
        ("wechat", Some("jsapi"), "openid"),
        ("alipay", Some("native"), "product"),
        ("alipay", Some("h5"), "product"),
        ("alipay", Some("nonsense"), "product"),
    ] {
        let mut body = json!({"orderId": order["id"], "method": method});
        if let Some(product) = product {
            body["product"] = json!(product);
        }
        let refused = api.post("/payments", &body).await.refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some(field), "{method} {product:?}");
    }
    let wrong_amount = json!({"orderId": order["id"], "method": "wechat", "amount": 1});
    api.post("/payments", &wrong_amount)
        .await
        .refused(409, "amount_mismatch");
    let bad_return = json!({"orderId": order["id"], "method": "wechat", "returnUrl": "data:text/html,x"});
    assert_eq!(
        api.post("/payments", &bad_return)
            .await
            .refused(422, "invalid")
            .as_deref(),
        Some("returnUrl")
    );
    assert_eq!(api.get("/payments").await.ok(200)["data"], json!([]));
}

#[tokio::test]
async fn lists_refuse_invalid_parameters() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for (path, field) in [
        ("/orders?limit=0", "limit"),
        ("/orders?limit=101", "limit"),
        ("/orders?limit=1e9", "limit"),
        ("/orders?limit=1&limit=2", "limit"),
        ("/orders?status=PAID", "status"),
        ("/orders?createdFrom=yesterday", "createdFrom"),
        ("/orders?createdTo=2026-13-01T00:00:00Z", "createdTo"),
        ("/orders?cursor=%27%3B--", "cursor"),
        ("/orders?offset=1", "offset"),
        ("/payments?method=cash", "method"),
        ("/payments?status=paid", "status"),
        ("/payments?orderNo=1", "orderNo"),
    ] {
        assert_eq!(
            api.get(path).await.refused(422, "invalid").as_deref(),
            Some(field),
            "{path}"
        );
    }
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for path in [
        "/orders/ord_x",
        "/orders/%00",
        "/orders/%ff",
        "/payments/pay_x",
        "/nothing",
        "/orders/",
        "/balance/u1/nothing",
        "/refunds/r1",
    ] {
        api.get(path).await.refused(404, "not_found");
    }
    api.post("/orders/ord_x/cancel", &json!({}))
        .await
        .refused(404, "not_found");
    api.post("/payments", &json!({"orderId": "ord_x", "method": "wechat"}))
        .await
        .refused(404, "not_found");
    api.post("/payments/query", &json!({"paymentNo": "P0"}))
        .await
        .refused(404, "not_found");
    for (method, path) in [
        (Method::DELETE, "/orders"),
        (Method::PUT, "/orders/ord_x"),
        (Method::GET, "/orders/ord_x/cancel"),
        (Method::GET, "/payments/query"),
        (Method::GET, "/payments/notify/wechat"),
        (Method::GET, "/payments/notify/alipay"),
    ] {
        let answer = send(api.request(method.clone(), path)).await;
        answer.refused(405, "method_not_allowed");
        assert!(answer.header("allow").is_some(), "{method} {path}");
    }
}
