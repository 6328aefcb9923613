//! The search for orders, and the page of one order.

use serde_json::{Value, json};

use crate::api::{Answer, Api, pay};
use crate::console::visitor::{Visitor, call_for_another_merchant, server, tells_of};
use crate::server::Server;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Sells to a user; returns the paid order and its payment.
async fn sell(server: &Server, user: &str, fen: i64, method: &str) -> (Value, Value) {
    let api = Api::of(server);
    let body = json!({"userId": user, "subject": "<b>Team</b> plan", "amount": fen});
    let order = api.post("/orders", &body).await.ok(201);
    let payment = api.payment(&order, method).await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    let payment = api.wait_for(&payment, "success").await;
    (order, payment)
}

/// Counts the lines of the list of orders.
fn n_orders(page: &Answer) -> usize {
    assert_eq!(page.status, 200, "{}", page.text);
    page.text.matches("href=\"/admin/orders/ord_").count()
}

#[tokio::test]
async fn any_number_finds_its_order() {
    let server = server(&[]);
    let (order, payment) = sell(&server, "ann", 9990, "wechat").await;
    sell(&server, "bob", 5000, "alipay").await;
    let visitor = Visitor::owner(&server).await;
    let place = format!("/admin/orders/{}", text(&order["id"]));
    for number in [
        &order["id"],
        &order["orderNo"],
        &payment["id"],
        &payment["paymentNo"],
        &payment["transactionId"],
    ] {
        let found = visitor.get(&format!("/admin/orders?q=%20{}", text(number))).await;
        assert_eq!(
            (found.status, found.header("location")),
            (303, Some(place.as_str())),
            "{number}"
        );
    }
    for (query, n) in [
        ("q=ann", 1),
        ("q=99.90", 1),
        ("q=%C2%A550", 1),
        ("q=nobody", 0),
        ("q=bob&status=paid&method=alipay", 1),
        ("q=bob&method=wechat", 0),
        ("status=paid", 2),
        ("status=pending", 0),
        ("status=refunded", 0),
        ("method=wechat", 1),
        ("method=balance", 0),
        ("least=60&most=100", 1),
        ("from=2026-01-01", 2),
        ("to=2026-01-01", 0),
        ("", 2),
    ] {
        assert_eq!(
            n_orders(&visitor.get(&format!("/admin/orders?{query}")).await),
            n,
            "{query}"
        );
    }
    // A number with a filter beside it is a list of one, or of none.
    let number = text(&payment["paymentNo"]);
    assert_eq!(
        n_orders(
            &visitor
                .get(&format!("/admin/orders?q={number}&status=paid"))
                .await
        ),
        1
    );
    assert_eq!(
        n_orders(
            &visitor
                .get(&format!("/admin/orders?q={number}&status=pending"))
                .await
        ),
        0
    );
    for query in [
        "status=nonsense",
        "from=yesterday",
        "least=-1",
        "cursor=x",
        "offset=1&status=paid&status=paid",
    ] {
        assert_eq!(
            visitor.get(&format!("/admin/orders?{query}")).await.status,
            422,
            "{query}"
        );
    }
}

#[tokio::test]
async fn search_input_is_only_text() {
    let server = server(&[]);
    let (order, _) = sell(&server, "\"><script>alert(1)</script>", 100, "wechat").await;
    let visitor = Visitor::owner(&server).await;
    let page = visitor
        .get(&format!("/admin/orders/{}", text(&order["id"])))
        .await;
    for path in [
        "/admin/orders".to_owned(),
        format!("/admin/orders/{}", text(&order["id"])),
        "/admin/orders?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
        "/admin/orders?q='%20or%201=1--".to_owned(),
        "/admin?said=%3Cscript%3E&lang=en".to_owned(),
    ] {
        let page = visitor.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            !page.text.contains("<script") && !page.text.contains("<b>Team"),
            "{path}: {}",
            page.text
        );
    }
    assert!(
        page.text.contains("&lt;b&gt;Team&lt;/b&gt; plan"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_list_continues_after_fifty_orders() {
    let server = server(&[]);
    let api = Api::of(&server);
    for _ in 0..51 {
        api.order().await;
    }
    let visitor = Visitor::owner(&server).await;
    let page = visitor.get("/admin/orders?status=pending").await;
    assert_eq!(n_orders(&page), 50);
    let (_, rest) = page
        .text
        .split_once("href=\"/admin/orders?status=pending&amp;cursor=")
        .unwrap();
    let cursor = rest.split('"').next().unwrap();
    let next = visitor
        .get(&format!("/admin/orders?status=pending&cursor={cursor}"))
        .await;
    assert_eq!(n_orders(&next), 1);
}

#[tokio::test]
async fn an_order_shows_its_timeline_and_takes_a_note() {
    let server = server(&[]);
    let (order, payment) = sell(&server, "ann", 9990, "wechat").await;
    let visitor = Visitor::employed(&server, "support").await;
    let place = format!("/admin/orders/{}", text(&order["id"]));
    let page = visitor.get(&place).await;
    for words in [
        "Ordered for ¥99.90",
        "A WeChat Pay payment was started",
        "¥99.90 arrived",
        "The order is paid",
        "Notification received: news of a payment",
        "Posted: payment ¥99.90, gateway:wechat → sales",
        text(&payment["transactionId"]),
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(
        !page.text.contains("Wechatpay"),
        "support does not read the gateways' messages"
    );
    let owner = Visitor::owner(&server).await;
    let whole = owner.get(&place).await;
    let message = whole.text.to_ascii_lowercase();
    assert!(
        message.contains("wechatpay-serial") && message.contains("wechatpay-signature: ••••"),
        "{message}"
    );

    let noted = visitor
        .submit(
            &format!("{place}/notes"),
            &[("text", "called back\n<i>twice</i>")],
        )
        .await;
    assert!(noted.text.contains("&lt;i&gt;twice&lt;/i&gt;") && noted.text.contains("support@example.com"));
    let asked = visitor.submit(&format!("{place}/ask"), &[]).await;
    assert!(asked.text.contains("Asked the gateway"), "{}", asked.text);
    assert_eq!(
        visitor
            .post(&format!("{place}/notes"), &[("text", " ")])
            .await
            .status,
        422
    );
    assert_eq!(visitor.get("/admin/orders/ord_nothing").await.status, 404);
    let viewer = Visitor::employed(&server, "viewer").await;
    assert_eq!(
        viewer
            .post(&format!("{place}/notes"), &[("text", "x")])
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn why_is_this_order_not_paid() {
    let server = server(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    api.payment(&order, "wechat").await;
    let path = format!("/orders/{}/cancel", text(&order["id"]));
    api.post(&path, &json!({"reason": "out of stock"})).await.ok(200);
    let visitor = Visitor::employed(&server, "viewer").await;
    let page = visitor
        .get(&format!("/admin/orders/{}", text(&order["id"])))
        .await;
    for words in [
        "The payment ended unpaid",
        "The order was cancelled",
        "out of stock",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
}

#[tokio::test]
async fn an_incident_stays_open_until_it_is_resolved() {
    let server = server(&[]);
    let visitor = Visitor::employed(&server, "support").await;
    assert!(visitor.get("/admin/attention").await.text.contains("All clear"));
    sell(&server, "ann", 100, "wechat").await;
    call_for_another_merchant(&server).await;

    let page = visitor.get("/admin/attention").await;
    assert!(
        page.text.contains("A callback for another merchant"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("<span class=\"side__count num\">1</span>"),
        "{}",
        page.text
    );
    let (_, rest) = page.text.split_once("/admin/attention/inc_").unwrap();
    let path = format!("/admin/attention/inc_{}/resolve", rest.split('/').next().unwrap());
    let viewer = Visitor::employed(&server, "viewer").await;
    assert_eq!(viewer.post(&path, &[("resolution", "x")]).await.status, 403);
    assert_eq!(visitor.post(&path, &[("resolution", " ")]).await.status, 422);
    let done = visitor
        .submit(&path, &[("resolution", "a test of the partner")])
        .await;
    assert!(done.text.contains("All clear") && done.text.contains("a test of the partner"));
    assert!(!done.text.contains("side__count"));
    assert_eq!(visitor.post(&path, &[("resolution", "again")]).await.status, 409);

    let owner = Visitor::owner(&server).await;
    let inbox = owner.get("/admin/callbacks").await;
    assert_eq!(
        inbox.text.matches("href=\"/admin/callbacks/wechat/").count(),
        2,
        "{}",
        inbox.text
    );
    let (_, rest) = inbox.text.split_once("href=\"/admin/callbacks/wechat/").unwrap();
    let notification = owner
        .get(&format!(
            "/admin/callbacks/wechat/{}",
            rest.split('"').next().unwrap()
        ))
        .await;
    assert!(
        notification.text.contains("A callback for another merchant"),
        "{}",
        notification.text
    );
    assert!(
        notification.text.contains("Decrypted content (masked)"),
        "{}",
        notification.text
    );
    let (_, rest) = notification.text.split_once("action=\"").unwrap_or_default();
    let replay = rest.split('"').find(|part| part.ends_with("/replay")).unwrap();
    let again = owner.submit(replay, &[]).await;
    assert!(again.text.contains("Nothing counts twice"), "{}", again.text);
    assert!(tells_of(
        &owner.get("/admin/audit-log").await.text,
        "replay_notice"
    ));
    assert!(owner.get("/admin/attention").await.text.contains("All clear"));
    let developer = Visitor::employed(&server, "developer").await;
    assert_eq!(
        developer.post(replay, &[]).await.status,
        403,
        "who only reads moves nothing"
    );
    assert_eq!(
        owner
            .post("/admin/callbacks/wechat/nothing/replay", &[])
            .await
            .status,
        404
    );
    assert_eq!(owner.get("/admin/callbacks/wechat/nothing").await.status, 404);
    assert_eq!(owner.get("/admin/callbacks/paypal/nothing").await.status, 404);
}
