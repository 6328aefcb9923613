//! Gateway calls of an order, assignment of incidents, and the gateway test.

use serde_json::{Value, json};

use crate::api::{Api, pay, send};
use crate::console::visitor::{Visitor, call_for_another_merchant, server};
use crate::server::Server;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn sell(server: &Server, method: &str) -> Value {
    let api = Api::of(server);
    let payment = api.payment(&api.order().await, method).await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await
}

#[tokio::test]
async fn an_order_shows_its_gateway_calls_and_their_duration() {
    let server = server(&[]);
    let payment = sell(&server, "wechat").await;
    let place = format!("/admin/orders/{}", text(&payment["orderId"]));
    let owner = Visitor::owner(&server).await;
    let page = owner.get(&place).await.text;
    assert!(
        page.contains("Payment created at WeChat Pay: answer 200, signature good"),
        "{page}"
    );
    let (_, cause) = page.split_once("POST /v3/pay/transactions/native · ").unwrap();
    let took = cause.split('<').next().unwrap();
    assert!(took.ends_with(" ms") || took.ends_with(" s"), "{took}");
    let number = text(&payment["paymentNo"]);
    let said = format!("\"out_trade_no\": \"{number}\"");
    assert!(
        page.contains(&said),
        "who may read messages reads what was said: {page}"
    );

    let viewer = Visitor::employed(&server, "viewer").await;
    let page = viewer.get(&place).await.text;
    assert!(page.contains("Payment created at WeChat Pay") && !page.contains("out_trade_no"));
}

#[tokio::test]
async fn the_support_text_has_everything_but_secrets_and_payers() {
    let server = server(&[]);
    let developer = Visitor::employed(&server, "developer").await;
    for method in ["wechat", "alipay"] {
        let payment = sell(&server, method).await;
        let place = format!("/admin/orders/{}", text(&payment["orderId"]));
        let path = format!("{place}/support.txt");
        let file = developer.get(&path).await;
        assert_eq!(file.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(
            file.header("content-disposition")
                .unwrap()
                .starts_with("attachment")
        );
        for part in [
            text(&payment["paymentNo"]),
            text(&payment["transactionId"]),
            "Payment created at",
            "Notification received: news of a payment",
            "The order is paid",
        ] {
            assert!(file.text.contains(part), "{part}: {}", file.text);
        }
        for name in ["sign=", "\"ciphertext\": ", "\"openid\": ", "buyer_logon_id="] {
            for line in file
                .text
                .lines()
                .filter(|line| line.trim_start().starts_with(name))
            {
                assert!(line.contains("••••"), "{line}");
            }
        }
        let owner = Visitor::owner(&server).await;
        assert!(owner.get("/admin/audit-log").await.text.contains("support.txt"));
    }
    let support = Visitor::employed(&server, "support").await;
    let path = "/admin/orders/ord_1/support.txt";
    assert_eq!(support.get(path).await.status, 403);
    assert_eq!(Visitor::owner(&server).await.get(path).await.status, 404);
}

#[tokio::test]
async fn a_gateway_test_shows_each_step_up_to_the_first_failure() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    for (path, line) in [
        (
            "/admin/gateways/wechat/test",
            "GET /v3/pay/transactions/out-trade-no/",
        ),
        ("/admin/gateways/alipay/test", "alipay.trade.query"),
    ] {
        let page = owner.post(path, &[]).await.text;
        for step in [
            line,
            "The answer's signature is good",
            "There is no such order, as expected",
        ] {
            assert!(page.contains(step), "{step}: {page}");
        }
    }
    let api = Api::of(&server);
    let fault = json!({"kind": "badSignature", "endpoint": "query"});
    send(
        api.client
            .post(format!("{}/faults", server.control()))
            .json(&fault),
    )
    .await
    .ok(200);
    let page = owner.post("/admin/gateways/wechat/test", &[]).await.text;
    let failed =
        "data-tone=\"bad\" class=\"badge\"><span aria-hidden=\"true\">!</span>The answer's signature is good";
    assert!(page.contains("Answered") && page.contains(failed), "{page}");
    assert!(!page.contains("app are accepted") && !page.contains("There is no such order"));
}

#[tokio::test]
async fn an_incident_is_assigned_and_shows_its_assignee() {
    let server = server(&[]);
    sell(&server, "wechat").await;
    call_for_another_merchant(&server).await;
    let support = Visitor::employed(&server, "support").await;
    let viewer = Visitor::employed(&server, "viewer").await;
    sell(&server, "alipay").await;
    let listed = async |query: &str| {
        let page = viewer.get(&format!("/admin/orders?attention=1{query}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text.matches("href=\"/admin/orders/ord_").count()
    };
    assert_eq!((listed("").await, listed("&status=paid").await), (1, 1));
    assert_eq!(
        (listed("&method=alipay").await, listed("&q=tester").await),
        (0, 0)
    );
    assert_eq!(viewer.get("/admin/orders?attention=x").await.status, 422);
    let page = support.get("/admin/attention").await.text;
    let (_, rest) = page.split_once("/admin/attention/inc_").unwrap();
    let path = format!("/admin/attention/inc_{}/assign", rest.split('/').next().unwrap());
    assert!(viewer.get("/admin/attention").await.text.contains("Nobody"));
    assert_eq!(viewer.post(&path, &[("to", "")]).await.status, 403);
    for stranger in ["viewer@example.com", "nobody@example.com", "' or 1=1"] {
        assert_eq!(
            support.post(&path, &[("to", stranger)]).await.status,
            404,
            "{stranger}"
        );
    }
    let page = support.submit(&path, &[("to", "support@example.com")]).await.text;
    assert!(
        page.contains("<option value=\"support@example.com\" selected>"),
        "{page}"
    );
    assert!(
        viewer
            .get("/admin/attention")
            .await
            .text
            .contains("support@example.com")
    );
    let trail = Visitor::owner(&server).await.get("/admin/audit-log").await.text;
    assert!(trail.contains("nobody -&gt; support@example.com"), "{trail}");
    support
        .submit(&path.replace("/assign", "/resolve"), &[("resolution", "done")])
        .await;
    assert_eq!(support.post(&path, &[("to", "")]).await.status, 409);
    assert_eq!(listed("").await, 0, "what is settled needs nobody");
}
