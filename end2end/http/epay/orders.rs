//! Orders: what is taken, what the same number means, and where the payer lands.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::api::{Api, client, pay, send};
use crate::browser::Browser;
use crate::epay::client::{KEY, owned, start, with, without};
use crate::server::{Gateways, Server};

#[tokio::test]
async fn e_12_money_is_read_exactly_and_never_rounded() {
    let (_server, shop) = start(&[]);
    for (n, (text, kept)) in [
        ("1", "1.00"),
        ("1.", "1.00"),
        ("1.0", "1.00"),
        ("1.0000", "1.00"),
        ("01.5", "1.50"),
        ("9.9", "9.90"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("money-{n}");
        let made = shop.mapi(&with(&shop.order(&number), "money", text)).await;
        assert_eq!(made["code"], 1, "{text}: {made}");
        assert_eq!(shop.query(&number).await["money"], kept, "{text}");
    }
    for text in [
        ".5",
        "0",
        "0.00",
        "-1",
        "+1",
        "1e2",
        "1,000",
        "1.999",
        "0.001",
        " 1",
        "1.00 ",
        "１",
        "NaN",
        "19.990000000000002",
        "100000000",
        "0x1",
    ] {
        shop.refuses(&with(&shop.order("no-money"), "money", text), -1)
            .await;
    }
    shop.refuses(&without(&shop.order("no-money"), "money"), -4).await;
    assert_eq!(shop.query("no-money").await["code"], -1);
}

#[tokio::test]
async fn e_13_a_name_is_cleaned_cut_at_a_boundary_and_escaped() {
    let (_server, shop) = start(&[]);
    for (n, (name, kept)) in [
        ("会".repeat(50), "会".repeat(42)),
        ("a\u{202E}b\u{7}".to_owned(), "ab".to_owned()),
        (
            "<script>alert(1)</script>\"'".to_owned(),
            "<script>alert(1)</script>\"'".to_owned(),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("name-{n}");
        let made = shop.mapi(&with(&shop.order(&number), "name", &name)).await;
        assert_eq!(made["code"], 1, "{name}");
        assert_eq!(shop.query(&number).await["name"], kept.as_str());
        let page = send(client().get(made["payurl"].as_str().unwrap())).await;
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
    }
    shop.refuses(&with(&shop.order("no-name"), "name", "\u{202E} "), -1)
        .await;
}

#[tokio::test]
async fn e_14_numbers_of_other_characters_are_refused() {
    let (_server, shop) = start(&[]);
    assert_eq!(shop.mapi(&shop.order("A.b_c-d|9")).await["code"], 1);
    assert_eq!(shop.mapi(&shop.order(&"9".repeat(128))).await["code"], 1);
    for number in ["a b", "a'--", "订单", "a/b", "a%00", &"9".repeat(129)] {
        shop.refuses(&shop.order(number), -1).await;
    }
    assert_eq!(shop.query("a'--").await["code"], -1);
}

#[tokio::test]
async fn e_15_e_22_the_same_number_is_the_same_order_and_another_content_is_refused() {
    let (_server, shop) = start(&[]);
    let order = with(&shop.order("again"), "return_url", "https://shop.example/r");
    let first = shop.mapi(&order).await;
    for same in [
        order.clone(),
        with(&order, "type", "wxpay"),
        with(&order, "clientip", "1.2.3.4"),
    ] {
        let again = shop.mapi(&same).await;
        assert_eq!(
            (&again["code"], &again["trade_no"], &again["payurl"]),
            (&1.into(), &first["trade_no"], &first["payurl"])
        );
    }
    for (name, value) in [
        ("money", "0.01"),
        ("name", "other"),
        ("notify_url", "http://127.0.0.1:9/other"),
        ("return_url", "https://shop.example/other"),
        ("param", "x"),
    ] {
        shop.refuses(&with(&order, name, value), -1).await;
    }
    assert_eq!(
        shop.query("again").await["money"],
        "9.90",
        "the first order stays as it was"
    );
}

#[tokio::test]
async fn e_17_a_paid_number_is_never_payable_again() {
    let (_server, shop) = start(&[]);
    let order = shop.order("once");
    let made = shop.paid_order(&order).await;
    shop.refuses(&order, -1).await;
    shop.refuses(&with(&order, "money", "1"), -1).await;
    let browser = shop.get("/submit.php", &shop.sign(&order)).await;
    assert_eq!(
        browser.header("location"),
        made["payurl"].as_str(),
        "its page says that it is paid"
    );
    let found = shop.query("once").await;
    assert_eq!(
        (&found["status"], &found["trade_status"], &found["type"]),
        (&1.into(), &"TRADE_SUCCESS".into(), &"alipay".into())
    );
    assert!(!found["api_trade_no"].as_str().unwrap().is_empty() && found.get("payurl").is_none());
}

#[tokio::test]
async fn e_18_a_number_whose_time_is_over_gets_a_new_attempt() {
    let (server, shop) = start(&[("ORDER_TTL_MINUTES", "0.15"), ("EXPIRY_CRON", "* * * * * *")]);
    let order = without(&shop.order("late"), "type");
    let first = shop.mapi(&order).await;
    assert_eq!(first["code"], 1);
    tokio::time::sleep(Duration::from_millis(9200)).await;
    let other = with(&order, "money", "5");
    let started = Instant::now();
    let second = loop {
        let second = shop.mapi(&other).await;
        if second["code"] == 1 {
            break second;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{second}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_ne!(first["trade_no"], second["trade_no"]);
    let by_trade = owned(&[
        ("act", "order"),
        ("pid", "1001"),
        ("key", KEY),
        ("trade_no", first["trade_no"].as_str().unwrap()),
    ]);
    let old = shop.post("/api.php", &by_trade).await.ok(200);
    assert_eq!(
        (&old["status"], &old["trade_status"]),
        (&0.into(), &"TRADE_CLOSED".into())
    );
    // Cancelled with the words of the expiry, but by a program: that is not the end of its time.
    let api = Api::of(&server);
    let typed = with(&shop.order("typed"), "type", "");
    assert_eq!(shop.mapi(&typed).await["code"], 1);
    let trade_no = shop.query("typed").await["trade_no"].as_str().unwrap().to_owned();
    let found = api.get(&format!("/orders?orderNo={trade_no}")).await.ok(200);
    let id = found["data"][0]["id"].as_str().unwrap();
    api.post(
        &format!("/orders/{id}/cancel"),
        &json!({"reason": "订单超时自动取消"}),
    )
    .await
    .ok(200);
    shop.refuses(&typed, -1).await;
}

#[tokio::test]
async fn e_19_fifty_at_once_are_one_order_and_one_payment() {
    let (server, shop) = start(&[]);
    let signed = shop.sign(&shop.order("crowd"));
    let posts = (0..50).map(|_| shop.post("/mapi.php", &signed));
    let mut trades = Vec::new();
    for answer in futures_util::future::join_all(posts).await {
        let said = answer.ok(200);
        assert_eq!(said["code"], 1, "{said}");
        trades.push(said["trade_no"].as_str().unwrap().to_owned());
    }
    trades.dedup();
    assert_eq!(trades.len(), 1);
    let api = Api::of(&server);
    let orders = api.get("/orders?userId=epay:1001").await.ok(200);
    assert_eq!(orders["data"].as_array().unwrap().len(), 1);
    let payments = api.get("/payments?userId=epay:1001").await.ok(200);
    assert_eq!(payments["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn e_23_an_unknown_or_missing_type_leads_to_the_list_of_methods() {
    let (_server, shop) = start(&[]);
    for (n, kind) in ["", "qqpay", "usdt.trc20", "paypal"].into_iter().enumerate() {
        let order = with(&shop.order(&format!("kind-{n}")), "type", kind);
        let made = shop.mapi(&order).await;
        assert_eq!(made["code"], 1, "{kind}");
        assert_eq!(made.get("qrcode"), None);
        assert_eq!(shop.query(&format!("kind-{n}")).await["type"], "");
        let page = send(client().get(made["payurl"].as_str().unwrap())).await;
        assert!(page.text.contains("data-state=\"choose\""), "{kind}");
    }
    for (n, (device, has_code)) in [
        ("pc", true),
        ("tablet", true),
        ("mobile", false),
        ("jump", false),
        ("wechat", false),
    ]
    .into_iter()
    .enumerate()
    {
        let order = with(&shop.order(&format!("device-{n}")), "device", device);
        assert_eq!(
            shop.mapi(&order).await.get("qrcode").is_some(),
            has_code,
            "{device}"
        );
    }
}

#[tokio::test]
async fn submit_leads_to_the_checkout_with_the_method_opened() {
    let (_server, shop) = start(&[]);
    for (number, kind) in [("open-1", "alipay"), ("open-2", "wxpay"), ("open-3", "weixin")] {
        let signed = shop.sign(&with(&shop.order(number), "type", kind));
        let answer = shop.post("/submit.php", &signed).await;
        let page = send(client().get(answer.header("location").unwrap())).await;
        assert!(
            page.text.contains("data-state=\"waiting\""),
            "{kind}: {}",
            page.text
        );
    }
}

#[tokio::test]
async fn e_24_a_gateway_that_does_not_answer_costs_no_order() {
    let gateways = Gateways::start(tempfile::TempDir::new().unwrap().path());
    let settings = [("EPAY", "on"), ("EPAY_PID", "1001"), ("EPAY_KEY", KEY)];
    let server = Server::live(tempfile::TempDir::new().unwrap(), &gateways, &settings);
    drop(gateways);
    let shop = crate::epay::client::Client {
        url: server.url.clone(),
        wallet: String::new(),
        pid: "1001".to_owned(),
        key: KEY.to_owned(),
    };
    let order = with(
        &shop.order("down"),
        "notify_url",
        "https://shop.example.com/notify",
    );
    let made = shop.mapi(&order).await;
    assert_eq!((&made["code"], made.get("qrcode")), (&1.into(), None));
    let browser = shop.get("/submit.php", &shop.sign(&order)).await;
    assert_eq!(browser.header("location"), made["payurl"].as_str());
}

#[tokio::test]
async fn e_30_return_addresses_are_web_addresses_on_allowed_hosts() {
    let (_server, shop) = start(&[("RETURN_URL_HOSTS", "shop.example")]);
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://user@shop.example/",
        "https://evil.example/",
        "//shop.example/",
    ] {
        shop.refuses(&with(&shop.order("return"), "return_url", url), -1)
            .await;
    }
    let order = with(
        &shop.order("return"),
        "return_url",
        "https://shop.example/r?x=1#top",
    );
    assert_eq!(shop.mapi(&order).await["code"], 1);
}

#[tokio::test]
async fn e_31_a_balance_is_never_offered() {
    let (server, shop) = start(&[]);
    let api = Api::of(&server);
    api.post(
        "/balance/epay:1001/adjust",
        &json!({"amount": 100_000, "adjustmentNo": "a1", "note": "n"}),
    )
    .await
    .ok(201);
    let made = shop.mapi(&without(&shop.order("balance"), "type")).await;
    let page = Browser::open(made["payurl"].as_str().unwrap()).await;
    assert!(
        !page.page.text.contains("value=\"balance\""),
        "{}",
        page.page.text
    );
    let trade_no = made["trade_no"].as_str().unwrap();
    let order = api.get(&format!("/orders?orderNo={trade_no}")).await.ok(200)["data"][0].clone();
    assert_eq!(order["userId"], "epay:1001");
    assert_eq!(
        order["metadata"],
        json!({"epay": {"pid": 1001, "outTradeNo": "balance"}})
    );
    api.post("/payments", &json!({"orderId": order["id"], "method": "balance"}))
        .await
        .refused(422, "invalid");
}

#[tokio::test]
async fn e_45_nothing_says_paid_before_it_is() {
    let (_server, shop) = start(&[]);
    let made = shop
        .mapi(&with(
            &shop.order("unpaid"),
            "return_url",
            "https://shop.example/r",
        ))
        .await;
    let found = shop.query("unpaid").await;
    assert_eq!(
        (&found["status"], &found["trade_status"]),
        (&0.into(), &"WAIT_BUYER_PAY".into())
    );
    let back = send(client().get(format!("{}/return", made["payurl"].as_str().unwrap()))).await;
    assert_eq!(
        back.header("location"),
        Some("https://shop.example/r"),
        "bare while it is not paid"
    );
    pay(&shop.wallet, &made["qrcode"]).await;
    let found = shop.wait_for_status("unpaid", 1).await;
    assert_eq!(found["trade_status"], "TRADE_SUCCESS");
}

#[tokio::test]
async fn lists_are_newest_first_and_of_one_merchant() {
    let (_server, shop) = start(&[]);
    for number in ["l1", "l2", "l3"] {
        assert_eq!(shop.mapi(&with(&shop.order(number), "type", "")).await["code"], 1);
    }
    shop.paid_order(&shop.order("l4")).await;
    let list = async |pairs: &[(&str, &str)]| {
        let mut all = vec![("act", "orders"), ("pid", "1001"), ("key", KEY)];
        all.extend(pairs);
        let said = shop.get("/api.php", &owned(&all)).await.ok(200);
        assert_eq!(said["code"], 1, "{said}");
        let rows = said["data"].as_array().unwrap().clone();
        assert_eq!(said["count"], rows.len());
        let numbers = rows
            .iter()
            .map(|row| row["out_trade_no"].as_str().unwrap().to_owned());
        numbers.collect::<Vec<String>>()
    };
    assert_eq!(list(&[]).await, ["l4", "l3", "l2", "l1"]);
    assert_eq!(list(&[("limit", "2"), ("page", "2")]).await, ["l2", "l1"]);
    assert_eq!(
        list(&[("limit", "2"), ("page", "9"), ("offset", "1")]).await,
        ["l3", "l2"]
    );
    assert_eq!(list(&[("status", "1")]).await, ["l4"]);
    assert_eq!(list(&[("status", "0"), ("limit", "1")]).await, ["l3"]);
    assert!(list(&[("status", "2")]).await.is_empty());
    // A signature opens a question when the act stands in it.
    let signed = shop.sign(&owned(&[
        ("act", "order"),
        ("pid", "1001"),
        ("out_trade_no", "l4"),
    ]));
    assert_eq!(shop.get("/api.php", &signed).await.ok(200)["status"], 1);
    let settle = owned(&[("act", "settle"), ("pid", "1001"), ("key", KEY)]);
    assert_eq!(shop.get("/api.php", &settle).await.ok(200)["count"], 0);
}
