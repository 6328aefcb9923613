//! Tasks for a first-time user of the console, without a script in the page.

use domain::Timestamp;
use serde_json::{Value, json};

use crate::api::{Api, pay};
use crate::console::visitor::{Visitor, server};
use crate::server::Server;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn sell(server: &Server) -> Value {
    let api = Api::of(server);
    let payment = api.payment(&api.order().await, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await
}

/// Returns the text between two others of a page, as a first-time user finds the next button.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split(after).next().unwrap()
}

/// Both steps of the dialog, begun at the order's page.
async fn give_back(visitor: &Visitor, order: &Value, amount: &str) -> String {
    let page = visitor.get(&format!("/admin/orders/{}", text(order))).await;
    let door = format!(
        "/admin/payments/{}/refund",
        between(&page.text, "href=\"/admin/payments/", "/refund\"")
    );
    assert_eq!(visitor.get(&door).await.status, 200);
    let fields = [
        ("amount", amount),
        ("reason", "defect"),
        ("words", "one seat too few"),
    ];
    let second = visitor.post(&format!("{door}/check"), &fields).await;
    let number = between(&second.text, "name=\"refund_no\" value=\"", "\"").to_owned();
    let fields = [&fields[..], &[("refund_no", &number)]].concat();
    visitor.submit(&door, &fields).await.text
}

#[tokio::test]
async fn find_the_order_of_a_refund_number() {
    let server = server(&[]);
    let payment = sell(&server).await;
    let path = format!("/payments/{}/refund", text(&payment["id"]));
    let refund = json!({"amount": 100, "reason": "x", "refundNo": "R-2026-0815"});
    Api::of(&server).post(&path, &refund).await.ok(202);
    let viewer = Visitor::employed(&server, "viewer").await;
    let found = viewer.get("/admin/orders?q=R-2026-0815").await;
    let place = format!("/admin/orders/{}", text(&payment["orderId"]));
    assert_eq!(found.header("location"), Some(&*place));
    assert!(viewer.get(&place).await.text.contains("R-2026-0815"));
}

#[tokio::test]
async fn say_why_an_order_is_not_paid() {
    let server = server(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    api.payment(&order, "alipay").await;
    let viewer = Visitor::employed(&server, "viewer").await;
    let place = format!("/admin/orders/{}", text(&order["id"]));
    let waiting = viewer.get(&place).await.text;
    assert!(
        waiting.contains("An Alipay payment was started") || waiting.contains("A Alipay payment was started")
    );
    assert!(!waiting.contains("arrived"), "{waiting}");
    let cancel = format!("/orders/{}/cancel", text(&order["id"]));
    api.post(&cancel, &json!({"reason": "out of stock"}))
        .await
        .ok(200);
    let over = viewer.get(&place).await.text;
    assert!(
        over.contains("The payment ended unpaid") && over.contains("out of stock"),
        "{over}"
    );
}

#[tokio::test]
async fn give_half_back_and_approve_what_a_colleague_asks_for() {
    let server = server(&[
        ("REFUND_APPROVAL_ABOVE", "5000"),
        ("RECONCILE_CRON", "* * * * * *"),
    ]);
    let api = Api::of(&server);
    let support = Visitor::employed(&server, "support").await;
    let half = sell(&server).await;
    give_back(&support, &half["orderId"], "49.95").await;
    for _ in 0..300 {
        let path = format!("/payments/{}", text(&half["id"]));
        if api.get(&path).await.ok(200)["refundAmount"] == 4995 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let place = format!("/admin/orders/{}", text(&half["orderId"]));
    let story = support.get(&place).await.text;
    assert!(story.contains("¥49.95 refunded to the original"), "{story}");
    assert!(
        story.contains("refunds_due → gateway:wechat"),
        "the books say so too: {story}"
    );

    let whole = sell(&server).await;
    give_back(&support, &whole["orderId"], "99.90").await;
    let owner = Visitor::owner(&server).await;
    let front = owner.get("/admin/refunds").await;
    assert!(front.text.contains("Refund ¥99.90") && front.text.contains("support@example.com"));
    let wish = between(&front.text, "/admin/refunds/wish_", "/");
    owner
        .submit(&format!("/admin/refunds/wish_{wish}/approve"), &[])
        .await;
    let refunded = api.wait_for(&whole, "refunded").await;
    assert_eq!(refunded["refundAmount"], 9990);
}

#[tokio::test]
async fn say_what_happened_today_and_yesterday() {
    const DAY: std::time::Duration = std::time::Duration::from_hours(24);
    let server = server(&[]);
    let payment = sell(&server).await;
    let viewer = Visitor::employed(&server, "viewer").await;
    let front = viewer.get("/admin").await.text;
    assert!(front.contains("¥99.90") && front.contains("esterday"), "{front}");
    let bought = payments::parse_rfc3339(text(&payment["createdAt"])).unwrap();
    let list = async |instant: Timestamp| {
        let day: String = payments::beijing(instant).chars().take(10).collect();
        let path = format!("/admin/orders?from={day}&to={day}");
        viewer.get(&path).await.text
    };
    let link = format!("/admin/orders/{}", text(&payment["orderId"]));
    assert!(list(bought).await.contains(&link), "today");
    assert!(
        !list(bought - DAY).await.contains(&link),
        "yesterday nothing happened"
    );
}
