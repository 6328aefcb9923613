//! Figures, keys, gateways, balances, files.

use serde_json::json;

use crate::api::{Api, client, pay, send};
use crate::console::visitor::{Visitor, server};

#[tokio::test]
async fn the_overview_shows_todays_figures() {
    let server = server(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    api.order().await;
    let payment = api.payment(&order, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await;
    let visitor = Visitor::employed(&server, "viewer").await;
    let page = visitor.get("/admin").await;
    assert_eq!(
        page.text
            .matches("<p class=\"stat__value num\">¥99.90</p>")
            .count(),
        2,
        "{}",
        page.text
    );
    assert!(
        page.text.contains("50.0 %") && page.text.contains("class=\"chart\""),
        "{}",
        page.text
    );
    let chinese = visitor.get("/admin?lang=zh").await;
    assert!(chinese.text.contains("lang=\"zh-CN\"") && chinese.text.contains("支付成功率"));
    let kept = visitor.get("/admin/orders").await;
    assert!(kept.text.contains("lang=\"zh-CN\""), "the choice is kept");
}

#[tokio::test]
async fn an_api_key_is_shown_once_used_and_revoked() {
    let server = server(&[]);
    let visitor = Visitor::employed(&server, "developer").await;
    let made = visitor
        .post(
            "/admin/keys",
            &[("name", "shop <1>"), ("read", "on"), ("pay", "on")],
        )
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.header("cache-control"), Some("private, no-store"));
    let (_, rest) = made
        .text
        .split_once("data-testid=\"new-key\" class=\"reference\">")
        .unwrap();
    let key = rest.split('<').next().unwrap().to_owned();
    let foreign = [("name", "x"), ("pay", "on"), ("refund", "on")];
    let refused = visitor.post("/admin/keys", &foreign).await;
    assert_eq!(
        refused.status, 403,
        "a developer moves no money, and neither does a key of theirs"
    );
    let list = visitor.get("/admin/keys").await;
    assert!(!list.text.contains(&key), "it is not shown again");
    assert!(list.text.contains("shop &lt;1&gt;") && list.text.contains("read pay"));

    let api = Api::with_key(&server, &key);
    let order = api.order().await;
    let payment = api.payment(&order, "wechat").await;
    let path = format!("/payments/{}/refund", payment["id"].as_str().unwrap());
    api.post(&path, &json!({"reason": "x"}))
        .await
        .refused(403, "forbidden");

    let (_, rest) = list.text.split_once("/admin/keys/key_").unwrap();
    let path = format!("/admin/keys/key_{}/revoke", rest.split('/').next().unwrap());
    let page = visitor.submit(&path, &[]).await;
    assert!(page.text.contains("The key is revoked."));
    assert_eq!(api.get("/orders").await.status, 401);
    assert_eq!(visitor.post(&path, &[]).await.status, 409);
    assert_eq!(visitor.post("/admin/keys", &[("name", "none")]).await.status, 422);
    let finance = Visitor::employed(&server, "finance").await;
    assert_eq!(finance.get("/admin/keys").await.status, 403);
    assert_eq!(
        finance
            .post("/admin/keys", &[("name", "x"), ("read", "on")])
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_gateway_is_tested_with_a_real_query() {
    let server = server(&[]);
    let visitor = Visitor::employed(&server, "developer").await;
    let page = visitor.get("/admin/gateways").await;
    let address = format!("{}/api/billing/payments/notify/wechat", server.url);
    assert!(page.text.contains(&address), "{}", page.text);
    assert!(!page.text.contains("PRIVATE KEY"));
    for channel in ["wechat", "alipay"] {
        let path = format!("/admin/gateways/{channel}/test");
        let tested = visitor.post(&path, &[]).await;
        assert!(
            tested.text.contains("Works: our signature was taken"),
            "{channel}: {}",
            tested.text
        );
    }
    let fault = json!({"kind": "html502", "endpoint": "query"});
    send(client().post(format!("{}/faults", server.control())).json(&fault))
        .await
        .ok(200);
    let silent = visitor.post("/admin/gateways/wechat/test", &[]).await;
    assert!(
        silent.text.contains("No answer that can be believed"),
        "{}",
        silent.text
    );
    assert_eq!(visitor.post("/admin/gateways/paypal/test", &[]).await.status, 404);
}

#[tokio::test]
async fn the_export_matches_the_filter() {
    let server = server(&[]);
    let api = Api::of(&server);
    for (user, subject) in [("ann", "=HYPERLINK(\"x\")"), ("bob", "会员, 月卡")] {
        api.post(
            "/orders",
            &json!({"userId": user, "subject": subject, "amount": 9990}),
        )
        .await
        .ok(201);
    }
    let visitor = Visitor::employed(&server, "finance").await;
    let all = visitor.get("/admin/orders.csv").await;
    assert_eq!(all.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(all.text.starts_with("\u{FEFF}\"Order number\","), "{}", all.text);
    assert_eq!(all.text.matches("\r\n").count(), 3);
    assert!(
        all.text.contains("\"'=HYPERLINK(\"\"x\"\")\"")
            && all.text.contains("\"会员, 月卡\",99.90,0.00,\"Pending\"")
    );
    let one = visitor.get("/admin/orders.csv?q=bob&status=pending").await;
    assert_eq!(one.text.matches("\r\n").count(), 2);
    assert_eq!(visitor.get("/admin/orders.csv?status=nonsense").await.status, 422);
    let support = Visitor::employed(&server, "support").await;
    assert_eq!(support.get("/admin/orders.csv").await.status, 403);
    let owner = Visitor::owner(&server).await;
    assert!(
        owner
            .get("/admin/audit-log")
            .await
            .text
            .contains("q=bob&amp;status=pending")
    );
}

#[tokio::test]
async fn finance_adjusts_a_balance_once_and_the_ledger_stays_balanced() {
    let server = server(&[]);
    let visitor = Visitor::employed(&server, "finance").await;
    let page = visitor.get("/admin/balances?user=ann").await;
    let (_, rest) = page.text.split_once("name=\"number\" value=\"").unwrap();
    let number = rest.split('"').next().unwrap().to_owned();
    let fields = [
        ("user", "ann"),
        ("number", &*number),
        ("amount", "+12.30"),
        ("note", "goodwill"),
    ];
    // The first step changes nothing and repeats what will happen.
    let question = visitor
        .post("/admin/balances/adjust/check?lang=en", &fields)
        .await;
    assert_eq!(question.status, 200, "{}", question.text);
    for part in [
        "data-question",
        "action=\"/admin/balances/adjust\"",
        "Adjust the balance of ann by +¥12.30?",
        "name=\"amount\" value=\"12.30\"",
        "goodwill",
        &*number,
        // The way back keeps what was typed, and another language is that of the page with the form.
        "form=%2Fadmin%2Fbalances%2Fadjust%2Fcheck",
        "href=\"/admin/balances?lang=zh\"",
    ] {
        assert!(question.text.contains(part), "{part}: {}", question.text);
    }
    let balance = visitor.get("/admin/balances?user=ann").await;
    assert!(!balance.text.contains("goodwill"), "nothing has happened");
    for _ in 0..2 {
        let done = visitor.submit("/admin/balances/adjust", &fields).await;
        assert!(
            done.text.contains("+¥12.30") && done.text.contains("goodwill"),
            "{}",
            done.text
        );
        assert_eq!(done.text.matches(">adjustment</td>").count(), 1);
    }
    let below = [
        ("user", "ann"),
        ("number", "n2"),
        ("amount", "-12.31"),
        ("note", "x"),
    ];
    assert_eq!(visitor.post("/admin/balances/adjust", &below).await.status, 409);
    for amount in ["0", "1e3", "", "--1"] {
        let wrong = [
            ("user", "ann"),
            ("number", "n3"),
            ("amount", amount),
            ("note", "x"),
        ];
        assert_eq!(
            visitor.post("/admin/balances/adjust", &wrong).await.status,
            422,
            "{amount}"
        );
        let page = visitor.post("/admin/balances/adjust/check", &wrong).await;
        assert_eq!(page.status, 422, "{amount}");
        let link = "href=\"/admin/balances?user=ann&amp;lang=en\"";
        assert!(page.text.contains(link), "{}", page.text);
    }
    let books = visitor.get("/admin/books").await;
    assert!(
        books.text.contains("holds") && !books.text.contains("BROKEN"),
        "{}",
        books.text
    );
    // One adjustment, one line; what was refused left none.
    let trail = visitor.get("/admin/audit-log").await.text;
    assert_eq!(
        trail
            .matches("<code class=\"reference\">adjust_balance</code>")
            .count(),
        1,
        "{trail}"
    );
    assert!(trail.contains("+¥12.30: goodwill"), "{trail}");
    let support = Visitor::employed(&server, "support").await;
    assert_eq!(support.get("/admin/balances?user=ann").await.status, 200);
    assert_eq!(support.post("/admin/balances/adjust", &fields).await.status, 403);
}
