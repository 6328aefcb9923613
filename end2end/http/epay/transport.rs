//! How requests come and how answers go.

use serde_json::Value;

use crate::api::{client, send};
use crate::epay::client::{Client, KEY, PID, owned, start, with, with_query};
use crate::epay::notifications::Receiver;
use crate::server::Server;

#[tokio::test]
async fn everything_is_404_while_epay_is_off() {
    let server = Server::simulated(&[]);
    for path in [
        "/submit.php",
        "//submit.php",
        "/mapi.php",
        "/api.php",
        "/api/pay/create",
        "/api/merchant/info",
    ] {
        let url = format!("{}{path}", server.url);
        assert_eq!(send(client().get(&url)).await.status, 404, "{path}");
        let posted = send(client().post(&url).form(&[("pid", "1001")])).await;
        assert_eq!(posted.status, 404, "{path}");
    }
}

#[tokio::test]
async fn e_20_refusals_are_json_with_200_for_programs_and_a_page_for_browsers() {
    let (_server, shop) = start(&[]);
    for path in [
        "/mapi.php",
        "/api.php",
        "/api/pay/create",
        "/api/pay/query",
        "/api/pay/refund",
        "/api/pay/refundquery",
        "/api/pay/close",
        "/api/merchant/info",
        "/api/merchant/orders",
        "/api/transfer/submit",
    ] {
        for request in [
            client().post(format!("{}{path}", shop.url)).form(&[("x", "1")]),
            client().get(format!("{}{path}", shop.url)),
            client()
                .post(format!("{}{path}", shop.url))
                .json(&serde_json::json!({"pid": 1001})),
            client().post(format!("{}{path}?a=%00", shop.url)),
        ] {
            let answer = send(request.header("accept", "text/html")).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some("application/json; charset=utf-8")),
                "{path}: {}",
                answer.text
            );
            let said = answer.json();
            assert!(
                said["code"].as_i64().is_some_and(|code| code < 0),
                "{path}: {said}"
            );
            assert!(
                said["msg"].as_str().is_some_and(|msg| !msg.is_empty()),
                "{path}: {said}"
            );
        }
    }
    for path in ["/submit.php", "/api/pay/submit"] {
        for request in [
            client().get(format!("{}{path}", shop.url)),
            client().post(format!("{}{path}", shop.url)),
            client().get(format!(
                "{}{path}?pid=1001&name=<script>alert(1)</script>",
                shop.url
            )),
            client().get(format!("{}{path}?pid=1001&sign=x", shop.url)),
        ] {
            let answer = send(request).await;
            assert!(matches!(answer.status, 400 | 403), "{path}: {}", answer.status);
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
            assert_eq!(answer.header("location"), None);
            assert!(answer.text.contains("无法支付") && answer.text.contains("Payment not possible"));
            assert!(!answer.text.contains("<script"), "{}", answer.text);
        }
    }
    let forged = with(&shop.sign(&shop.order("forged")), "money", "0.01");
    assert_eq!(shop.get("/submit.php", &forged).await.status, 403);
    assert_eq!(
        shop.get("/mapi.php", &shop.sign(&shop.order("g"))).await.ok(200)["code"],
        -4
    );
    assert_eq!(
        shop.post("/api.php?act=nonsense", &owned(&[("pid", "1001"), ("key", KEY)]))
            .await
            .ok(200)["code"],
        -5
    );
}

#[tokio::test]
async fn what_is_too_large_is_413_and_keeps_its_shape() {
    let (_server, shop) = start(&[]);
    let many: Vec<(String, String)> = (0..101).map(|n| (format!("f{n}"), "1".to_owned())).collect();
    let long = owned(&[("pid", "1001"), ("name", &"x".repeat(65 * 1024))]);
    for pairs in [&many, &long] {
        let answer = shop.post("/mapi.php", pairs).await;
        assert!(answer.ok(413)["code"].as_i64().is_some_and(|code| code < 0));
        let page = shop.post("/submit.php", pairs).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (413, Some("text/html; charset=utf-8"))
        );
    }
}

#[tokio::test]
async fn e_26_other_sites_may_post_and_a_session_is_not_touched() {
    let (_server, shop) = start(&[]);
    let request = client()
        .post(format!("{}/submit.php", shop.url))
        .header("origin", "https://shop.example")
        .header("sec-fetch-site", "cross-site")
        .form(&shop.sign(&shop.order("foreign")));
    let answer = send(request).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn e_27_two_slashes_are_one() {
    let (_server, shop) = start(&[]);
    let signed = shop.sign(&shop.order("slashes"));
    assert_eq!(shop.post("//mapi.php", &signed).await.ok(200)["code"], 1);
    assert_eq!(shop.post("//submit.php", &signed).await.status, 303);
    let query = owned(&[
        ("act", "order"),
        ("pid", "1001"),
        ("key", KEY),
        ("out_trade_no", "slashes"),
    ]);
    assert_eq!(shop.get("//api.php", &query).await.ok(200)["code"], 1);
    assert_eq!(shop.post("//api/pay/query", &query).await.ok(200)["code"], -3);
}

#[tokio::test]
async fn e_28_multipart_bodies_are_read() {
    let (_server, shop) = start(&[]);
    let mut body = String::new();
    for (name, value) in shop.sign(&shop.order("parts")) {
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--edge--\r\n";
    let request = client()
        .post(format!("{}/mapi.php", shop.url))
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(body);
    assert_eq!(send(request).await.ok(200)["code"], 1);
}

#[tokio::test]
async fn e_25_the_browser_is_sent_to_our_public_address_whatever_the_host_header_says() {
    let (_server, shop) = start(&[("PUBLIC_URL", "https://pay.example.com")]);
    let signed = shop.sign(&with(&shop.order("host"), "type", ""));
    for request in [
        client().get(with_query(&format!("{}/submit.php", shop.url), &signed)),
        client().post(format!("{}/submit.php", shop.url)).form(&signed),
    ] {
        let answer = send(request.header("host", "evil.example")).await;
        assert!(matches!(answer.status, 302 | 303), "{}", answer.status);
        let location = answer.header("location").unwrap();
        assert!(
            location.starts_with("https://pay.example.com/checkout/"),
            "{location}"
        );
    }
    let head = send(client().head(with_query(
        &format!("{}/submit.php", shop.url),
        &shop.sign(&shop.order("head")),
    )))
    .await;
    assert_eq!(head.header("location"), None);
    assert_eq!(shop.query("head").await["code"], -1, "HEAD has no effect");
}

#[tokio::test]
async fn e_21_answers_have_exactly_the_types_that_strict_clients_read() {
    let (_server, shop) = start(&[]);
    let made = shop.mapi(&shop.order("types")).await;
    assert_eq!(made["code"], 1);
    assert_eq!(made["msg"], "success");
    let trade_no = made["trade_no"].as_str().unwrap();
    assert!((1..=32).contains(&trade_no.len()) && trade_no.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let payurl = made["payurl"].as_str().unwrap();
    assert!(payurl.starts_with(&format!("{}/checkout/", shop.url)), "{payurl}");
    assert!(
        made["qrcode"]
            .as_str()
            .unwrap()
            .starts_with("https://qr.alipay.com/"),
        "{made}"
    );
    let found = shop.query("types").await;
    for name in ["code", "pid", "status"] {
        assert!(found[name].is_i64(), "{name}: {found}");
    }
    for name in [
        "msg",
        "trade_no",
        "out_trade_no",
        "api_trade_no",
        "type",
        "addtime",
        "endtime",
        "name",
        "money",
        "param",
        "buyer",
        "trade_status",
        "payurl",
    ] {
        assert!(found[name].is_string(), "{name}: {found}");
    }
    let no_nulls = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .values()
            .all(|member| !member.is_null())
    };
    assert!(no_nulls(&made) && no_nulls(&found));
    assert_eq!(
        (
            &found["money"],
            &found["status"],
            &found["trade_status"],
            &found["pid"]
        ),
        (&"9.90".into(), &0.into(), &"WAIT_BUYER_PAY".into(), &1001.into())
    );
}

#[tokio::test]
async fn e_44_the_key_is_in_no_answer() {
    let (_server, shop) = start(&[]);
    let query = owned(&[("act", "query"), ("pid", "1001"), ("key", KEY)]);
    let said = shop.get("/api.php", &query).await;
    let merchant = said.ok(200);
    assert_eq!((&merchant["active"], &merchant["orders"]), (&1.into(), &0.into()));
    assert!(!said.text.contains(KEY));
    let refused = shop.get("/api.php", &with(&query, "act", KEY)).await;
    assert!(!refused.text.contains(KEY));
}

#[tokio::test]
async fn e_44_neither_keys_nor_signatures_are_in_the_log() {
    let receiver = Receiver::start(&[(200, "success")]).await;
    let settings = [
        ("EPAY", "on"),
        ("EPAY_PID", PID),
        ("EPAY_KEY", KEY),
        ("LOG", "debug"),
    ];
    let server = Server::start_limited("exec 2>server.log", &settings);
    let shop = Client {
        url: server.url.clone(),
        wallet: server.wallet.clone().unwrap(),
        pid: PID.to_owned(),
        key: KEY.to_owned(),
    };
    let order = with(&shop.order("logged"), "notify_url", &receiver.url);
    let signed = shop.sign(&with(&order, "return_url", "https://shop.example/r"));
    shop.get("/submit.php", &signed).await;
    shop.get("/submit.php", &with(&signed, "money", "0.01")).await;
    let made = shop.post("/mapi.php", &signed).await.ok(200);
    crate::api::pay(&shop.wallet, &made["qrcode"]).await;
    shop.wait_for_status("logged", 1).await;
    shop.get(
        "/api.php",
        &owned(&[("act", "order"), ("pid", PID), ("key", &format!("{KEY}x"))]),
    )
    .await;
    let told = receiver.wait_for(1).await.remove(0);
    let back = send(client().get(format!("{}/return", made["payurl"].as_str().unwrap()))).await;
    let log = std::fs::read_to_string(server.dir.path().join("server.log")).unwrap();
    for route in ["/submit.php", "/mapi.php", "/api.php"] {
        assert!(log.contains(route), "requests are logged: {route}");
    }
    assert!(!log.contains(KEY));
    let sent = [back.header("location").unwrap().to_owned(), format!("?{told}")];
    let mut signs = vec![signed.iter().find(|(name, _)| name == "sign").unwrap().1.clone()];
    for query in sent {
        let sign = query.split("&sign=").nth(1).expect("it is signed");
        signs.push(sign.split('&').next().unwrap().to_owned());
    }
    for sign in signs {
        assert!(sign.len() == 32 && !log.contains(&sign), "{sign}");
    }
}
