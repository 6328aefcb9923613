//! Lists and searches of the console, their neighbours, and pages that load themselves again.

use serde_json::{Value, json};

use crate::api::{Answer, Api, pay};
use crate::console::visitor::{Visitor, call_for_another_merchant, server};
use crate::server::Server;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn order(server: &Server, user: &str, subject: &str) -> Value {
    let body = json!({"userId": user, "subject": subject, "amount": 9990});
    Api::of(server).post("/orders", &body).await.ok(201)
}

async fn sell(server: &Server, user: &str, subject: &str) -> (Value, Value) {
    let api = Api::of(server);
    let order = order(server, user, subject).await;
    let payment = api.payment(&order, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    let payment = api.wait_for(&payment, "success").await;
    (order, payment)
}

fn rows(page: &Answer) -> usize {
    assert_eq!(page.status, 200, "{}", page.text);
    page.text.matches("href=\"/admin/orders/ord_").count()
}

#[tokio::test]
async fn a_caller_is_found_by_last_digits_a_part_of_an_address_and_a_subject() {
    let server = server(&[]);
    let (order, payment) = sell(&server, "wang.fang@example.com", "团队版套餐").await;
    sell(&server, "li.lei@example.com", "个人版套餐").await;
    let viewer = Visitor::employed(&server, "viewer").await;
    let place = format!("/admin/orders/{}", text(&order["id"]));
    for number in [
        &payment["transactionId"],
        &payment["paymentNo"],
        &order["orderNo"],
    ] {
        let number = text(number);
        let end = &number[number.len() - 6..];
        let found = viewer.get(&format!("/admin/orders?q={end}")).await;
        assert_eq!(found.header("location"), Some(&*place), "{end} of {number}");
    }
    for part in ["wang.fa", "WANG", "团队"] {
        let page = viewer.get(&format!("/admin/orders?q={part}")).await;
        assert_eq!(rows(&page), 1, "{part}");
        assert!(page.text.contains(&place), "{part}");
    }
    let both = viewer.get("/admin/orders?q=example.com").await;
    assert_eq!(rows(&both), 2);
    let exact = viewer.get("/admin/orders?q=li.lei@example.com&lang=en").await;
    assert_eq!(rows(&exact), 1);
    assert!(
        exact.text.contains("in=text") && exact.text.contains("WeChat"),
        "the way to search inside, and the method: {}",
        exact.text
    );
    let nothing = viewer.get("/admin/orders?q=nobody&lang=en").await;
    assert!(nothing.text.contains("last six digits"), "{}", nothing.text);
    let chinese = viewer.get("/admin/orders?q=nobody&lang=zh").await;
    assert!(chinese.text.contains("末尾至少六位"), "{}", chinese.text);
}

#[tokio::test]
async fn an_order_of_a_list_leads_to_the_next_and_back() {
    let server = server(&[]);
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(order(&server, "ann", &format!("thing {n}")).await["id"].clone());
    }
    order(&server, "bob", "other").await;
    let viewer = Visitor::employed(&server, "viewer").await;
    let list = viewer.get("/admin/orders?q=ann&lang=en").await;
    let middle = format!("/admin/orders/{}?list=q%3Dann", text(&ids[1]));
    assert!(list.text.contains(&middle), "{}", list.text);
    let page = viewer.get(&middle).await.text;
    for (id, rel) in [(&ids[2], "prev"), (&ids[0], "next")] {
        let link = format!("href=\"/admin/orders/{}?list=q%3Dann\" rel=\"{rel}\"", text(id));
        assert!(page.contains(&link), "{rel}: {page}");
    }
    assert!(page.contains("href=\"/admin/orders?q=ann\""), "{page}");
    let oldest = viewer
        .get(&format!("/admin/orders/{}?list=q%3Dann", text(&ids[0])))
        .await;
    assert!(oldest.text.contains("rel=\"prev\"") && !oldest.text.contains("rel=\"next\""));
    let alone = viewer.get(&format!("/admin/orders/{}", text(&ids[0]))).await;
    assert!(!alone.text.contains("rel=\"prev\""));
    let wrong = format!("/admin/orders/{}?list=status%3Dnonsense", text(&ids[0]));
    assert_eq!(viewer.get(&wrong).await.status, 422);
}

/// Rows of a page, by the addresses of their orders.
fn places(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    let rows = page.text.split("href=\"/admin/orders/ord_").skip(1);
    rows.map(|rest| format!("ord_{}", rest.split(['?', '"']).next().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_list_is_sorted_by_its_address_and_keeps_it() {
    let server = server(&[]);
    let api = Api::of(&server);
    let mut ids = Vec::new();
    for n in 0..55 {
        let amount = if n == 30 { 99_900 } else { 1_000 + n };
        let body = json!({"userId": "ann", "subject": "thing", "amount": amount});
        ids.push(text(&api.post("/orders", &body).await.ok(201)["id"]).to_owned());
    }
    let viewer = Visitor::employed(&server, "viewer").await;
    let by_amount: Vec<String> = std::iter::once(30)
        .chain((0..55).rev().filter(|n| *n != 30))
        .map(|n| ids[n].clone())
        .collect();
    let newest: Vec<String> = ids.iter().rev().cloned().collect();
    for (sort, wanted) in [("", &newest), ("oldest", &ids), ("largest", &by_amount)] {
        let first = viewer
            .get(&format!("/admin/orders?q=ann&sort={sort}&lang=en"))
            .await;
        assert_eq!(places(&first), wanted[..50], "{sort}");
        let link = first.text.split("rel=\"next\"").next().unwrap();
        let link = link.rsplit("href=\"").next().unwrap();
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        assert_eq!(link.contains("sort="), !sort.is_empty(), "{link}");
        assert!(link.contains("q=ann"), "{link}");
        let second = viewer.get(&link).await;
        assert_eq!(places(&second), wanted[50..], "{sort}");
    }
    let chosen = viewer.get("/admin/orders?sort=largest").await;
    assert!(
        chosen.text.contains("value=\"largest\" selected"),
        "{}",
        chosen.text
    );
    assert!(
        chosen.text.contains("accesskey=\"/\""),
        "a key leads to the search"
    );
    for wrong in [
        "orders?sort=smallest",
        "payments?sort=largest",
        "refund-list?sort=x",
    ] {
        assert_eq!(
            viewer.get(&format!("/admin/{wrong}")).await.status,
            422,
            "{wrong}"
        );
    }
    let nothing = viewer.get("/admin/payments?sort=oldest&lang=en").await;
    assert!(
        nothing.text.contains("use the search at the top"),
        "{}",
        nothing.text
    );
}

#[tokio::test]
async fn columns_of_the_orders_are_chosen_in_the_address() {
    let server = server(&[]);
    let (order, payment) = sell(&server, "ann", "thing").await;
    let viewer = Visitor::employed(&server, "viewer").await;
    let trade = text(&payment["transactionId"]);
    let usual = viewer.get("/admin/orders").await;
    assert!(!usual.text.contains(trade) && usual.text.contains("<td data-label=\"Customer\">ann</td>"));
    // Each column is a link that keeps the filters.
    let link = "/admin/orders?status=paid&amp;columns=";
    let narrowed = viewer.get("/admin/orders?status=paid").await.text;
    assert!(narrowed.contains(&format!(
        "{link}subject.user.method.transaction.amount.returned.status.created"
    )));
    assert!(narrowed.contains(&format!("{link}subject.method.amount.returned.status.created")));
    let chosen = viewer
        .get("/admin/orders?status=paid&columns=transaction.paid")
        .await;
    assert_eq!(places(&chosen), [text(&order["id"])]);
    assert!(chosen.text.contains(trade) && !chosen.text.contains("<td data-label=\"Customer\">"));
    assert!(
        chosen
            .text
            .contains("name=\"columns\" value=\"transaction.paid\""),
        "a search keeps them"
    );
    // The number of an order leads straight to it, whatever the columns.
    let found = viewer.get(&format!("/admin/orders?q={trade}&columns=user")).await;
    assert_eq!(found.status, 303);
    for wrong in ["nothing", "user,amount", "user."] {
        let page = viewer.get(&format!("/admin/orders?columns={wrong}")).await;
        assert_eq!(page.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn lists_of_payments_refunds_balances_and_failed_callbacks_are_there() {
    let server = server(&[("RECONCILE_CRON", "* * * * * *")]);
    let (_, payment) = sell(&server, "ann", "thing").await;
    let api = Api::of(&server);
    let path = format!("/payments/{}/refund", text(&payment["id"]));
    let body = json!({"reason": "x", "refundNo": "R-2026-0815"});
    let refund = api.post(&path, &body).await.ok(202);
    let refunded = api.wait_for(&payment, "refunded").await;
    let refund = api
        .get(&format!("/refunds/{}", text(&refund["id"])))
        .await
        .ok(200);
    for (object, end) in [
        (&refund, "finishedAt"),
        (&refunded, "paidAt"),
        (&refunded, "refundedAt"),
    ] {
        assert!(
            text(&object[end]) >= text(&object["createdAt"]),
            "{end} is before the beginning: {object}"
        );
    }
    let path = "/balance/ann@example.com/adjust";
    let body = json!({"amount": 500, "adjustmentNo": "a1", "note": "gift"});
    api.post(path, &body).await.ok(201);
    call_for_another_merchant(&server).await;

    let owner = Visitor::owner(&server).await;
    for (query, n) in [
        ("", 1),
        ("status=refunded", 1),
        ("status=failed", 0),
        ("method=alipay", 0),
        ("from=2026-01-01", 1),
        ("to=2026-01-01", 0),
    ] {
        let page = owner.get(&format!("/admin/payments?{query}")).await;
        assert_eq!(rows(&page), n, "{query}");
    }
    for (query, n) in [
        ("", 1),
        ("status=succeeded&method=wechat", 1),
        ("status=stuck", 0),
    ] {
        let page = owner.get(&format!("/admin/refund-list?{query}")).await;
        assert_eq!(rows(&page), n, "{query}");
    }
    let page = owner.get("/admin/refund-list").await.text;
    assert!(page.contains("R-2026-0815"), "{page}");
    for query in ["status=nonsense", "cursor=x", "from=yesterday", "method=cash"] {
        for list in ["payments", "refund-list"] {
            let answer = owner.get(&format!("/admin/{list}?{query}")).await;
            assert_eq!(answer.status, 422, "{list} {query}");
        }
    }
    let balances = owner.get("/admin/balances").await.text;
    assert!(
        balances.contains("ann@example.com") && balances.contains("¥5.00"),
        "{balances}"
    );
    let none = owner.get("/admin/balances?part=bob").await.text;
    assert!(!none.contains("ann@example.com"), "{none}");
    let n_callbacks = async |query: &str| {
        let page = owner.get(&format!("/admin/callbacks?{query}")).await;
        assert_eq!(page.status, 200);
        page.text.matches("href=\"/admin/callbacks/wechat/").count()
    };
    let n_applied = n_callbacks("outcome=applied").await;
    assert!(n_applied >= 1);
    assert_eq!(n_callbacks("outcome=problem").await, 1, "which callback failed");
    assert_eq!(n_callbacks("").await, n_applied + 1);
    assert_eq!(owner.get("/admin/callbacks?outcome=x").await.status, 422);
}

#[tokio::test]
async fn a_page_with_money_under_way_loads_itself_again_for_a_while() {
    let server = server(&[]);
    let api = Api::of(&server);
    let order = order(&server, "ann", "thing").await;
    let visitor = Visitor::owner(&server).await;
    let place = format!("/admin/orders/{}", text(&order["id"]));
    assert_eq!(visitor.get(&place).await.header("refresh"), None);
    let payment = api.payment(&order, "wechat").await;
    let live = visitor.get(&format!("{place}?list=q%3Dann")).await;
    assert_eq!(
        live.header("refresh"),
        Some(&*format!("10; url={place}?list=q%3Dann&live=1"))
    );
    let notes = format!("action=\"{place}/notes\"");
    assert!(!live.text.contains(&notes), "what is written would be lost");
    let paused = visitor.get(&format!("{place}?live=off")).await;
    assert!(paused.header("refresh").is_none() && paused.text.contains(&notes));
    let used_up = visitor.get(&format!("{place}?live=60")).await;
    assert_eq!(used_up.header("refresh"), None);
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await;
    let settled = visitor.get(&place).await;
    assert!(settled.header("refresh").is_none() && settled.text.contains(&notes));
    assert!(
        settled.text.contains("/receipt\""),
        "the receipt is one press away"
    );

    let front = visitor.get("/admin").await;
    assert_eq!(front.header("refresh"), Some("10; url=/admin?live=1"));
}

#[tokio::test]
async fn the_overview_shows_any_span_of_days() {
    let server = server(&[]);
    let (order, _) = sell(&server, "ann", "thing").await;
    let viewer = Visitor::employed(&server, "viewer").await;
    let created_at = payments::parse_rfc3339(text(&order["createdAt"])).unwrap();
    let day: String = payments::beijing(created_at).chars().take(10).collect();
    let front = viewer.get("/admin?lang=en").await.text;
    assert!(front.contains(&format!("&amp;to={day}")), "{front}");
    let range = viewer.get(&format!("/admin?from={day}&to={day}&lang=en")).await;
    assert_eq!((range.status, range.header("refresh")), (200, None));
    assert!(
        range.text.contains("¥99.90") && range.text.contains("100.0 %"),
        "{}",
        range.text
    );
    let earlier = viewer.get("/admin?from=2020-01-01&to=2020-01-31").await;
    assert!(earlier.status == 200 && !earlier.text.contains("¥99.90"));
    for query in [
        "from=2026-01-31&to=2026-01-01",
        "from=2025-01-01&to=2026-01-01",
        "from=x&to=2026-01-01",
    ] {
        assert_eq!(
            viewer.get(&format!("/admin?{query}")).await.status,
            422,
            "{query}"
        );
    }
}
