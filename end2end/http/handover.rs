//! Redirects to the gateway for payers on the device with the page, and the way back from it.

use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Answer, Api, client, send};
use super::browser::Browser;
use super::server::Server;

async fn started(api: &Api, order: &Value, method: &str, product: &str) -> Value {
    let mut body = json!({"orderId": order["id"], "method": method, "product": product});
    if product == "jsapi" {
        body["openid"] = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into();
    }
    api.post("/payments", &body).await.ok(201)
}

async fn look(url: &str) -> Answer {
    send(client().get(url)).await
}

fn page_of(order: &Value) -> &str {
    order["checkoutUrl"].as_str().unwrap()
}

/// Presses a button on a gateway's own page; the answer sends the browser back.
async fn press(shown: &str, act: &str) -> Answer {
    let (url, query) = shown.split_once('?').unwrap();
    let request = client()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded");
    send(request.body(format!("{query}&act={act}"))).await
}

#[tokio::test]
async fn a_phone_is_sent_to_wechat_with_our_domain_and_its_own_address() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    let payment = started(&api, &order, "wechat", "h5").await;
    let door = look(&format!("{}/pay", page_of(&order))).await;
    assert_eq!(door.status, 303);
    assert_eq!(door.header("referrer-policy"), Some("origin"));
    let address = door.header("location").unwrap();
    assert_eq!(Some(address), payment["paymentUrl"].as_str());

    let without_referer = look(address).await;
    assert_eq!(without_referer.status, 403, "{}", without_referer.text);
    let opened = send(client().get(address).header("referer", &server.url)).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let paid = press(address, "pay").await;
    assert_eq!(paid.status, 302, "{}", paid.text);
    assert_eq!(paid.header("location"), Some(page_of(&order)));
    api.wait_for(&payment, "success").await;
    let back = look(&format!("{}/pay?lang=en", page_of(&order))).await;
    assert_eq!(back.status, 303, "there is nothing to pay any more");
    let token = page_of(&order).rsplit('/').next().unwrap();
    assert_eq!(
        back.header("location"),
        Some(format!("/checkout/{token}?lang=en").as_str())
    );

    // Another address than the payer's is what WeChat refuses.
    let order = api.order().await;
    let body = json!({"orderId": order["id"], "method": "wechat", "product": "h5", "payerIp": "203.0.113.7"});
    let payment = api.post("/payments", &body).await.ok(201);
    let address = payment["paymentUrl"].as_str().unwrap();
    let elsewhere = send(client().get(address).header("referer", &server.url)).await;
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.text);
}

#[tokio::test]
async fn behind_a_proxy_the_payers_address_is_the_forwarded_one() {
    for (proxies, status) in [("127.0.0.1", 403), ("192.0.2.1", 200)] {
        let server = Server::simulated(&[("TRUSTED_PROXIES", proxies)]);
        let api = Api::of(&server);
        let order = api.order().await;
        let body = json!({"orderId": order["id"], "method": "wechat", "product": "h5"});
        let request = api
            .request(Method::POST, "/payments")
            .header("x-forwarded-for", "127.0.0.1, 203.0.113.7")
            .json(&body);
        let payment = send(request).await.ok(201);
        // The simulated WeChat sees this machine, which is the phone or is not.
        let address = payment["paymentUrl"].as_str().unwrap();
        let opened = send(client().get(address).header("referer", &server.url)).await;
        assert_eq!(opened.status, status, "{proxies}");
    }
}

#[tokio::test]
async fn a_browser_is_sent_to_alipay_and_comes_back() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for product in ["wap", "page"] {
        let order = api.order().await;
        let payment = started(&api, &order, "alipay", product).await;
        let door = look(&format!("{}/pay", page_of(&order))).await;
        assert_eq!(door.status, 303);
        // The token in our address opens the page, so it must not leak.
        assert_eq!(door.header("referrer-policy"), Some("no-referrer"));
        let address = door.header("location").unwrap();
        assert_eq!(Some(address), payment["paymentUrl"].as_str());
        let cashier = look(address).await;
        let cashier = cashier
            .header("location")
            .unwrap_or_else(|| panic!("{}", cashier.text));
        let paid = press(&absolute(address, cashier), "pay").await;
        let back = paid.header("location").unwrap_or_else(|| panic!("{}", paid.text));
        assert!(back.starts_with(&format!("{}?", page_of(&order))), "{back}");
        api.wait_for(&payment, "success").await;
        assert_eq!(Browser::open(back).await.state(), "paid");
    }
}

#[tokio::test]
async fn a_request_too_long_for_an_address_is_posted() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    // Quotation marks are long when they are escaped twice; Alipay is sent at most 256 bytes of a subject.
    let subject = format!("<b>\"&quot;+%'{}{}", "\"".repeat(54), "会员".repeat(30));
    let body = json!({"userId": "u1", "subject": subject, "amount": 9990});
    let order = api.post("/orders", &body).await.ok(201);
    let back = format!("https://shop.example/back?{}", "x".repeat(226));
    let body = json!({"orderId": order["id"], "method": "alipay", "product": "page", "returnUrl": back});
    let payment = api.post("/payments", &body).await.ok(201);
    assert!(payment["paymentUrl"].as_str().unwrap().len() > 2000);
    let door = Browser::open(&format!("{}/pay?lang=en", page_of(&order))).await;
    assert_eq!(door.page.status, 200);
    let policy = door.page.header("content-security-policy").unwrap();
    let action = door.attribute("action=\"").unwrap();
    let content = door.attribute("name=\"biz_content\" value=\"").unwrap();
    let origin = action.split("/gateway.do").next().unwrap();
    assert!(policy.contains(&format!("form-action {origin};")), "{policy}");
    let posted = send(client().post(&action).form(&[("biz_content", content)])).await;
    let cashier = posted
        .header("location")
        .unwrap_or_else(|| panic!("{}", posted.text));
    let paid = press(&absolute(&action, cashier), "pay").await;
    assert_eq!(paid.status, 302, "{}", paid.text);
    api.wait_for(&payment, "success").await;
}

fn absolute(base: &str, location: &str) -> String {
    url::Url::parse(base).unwrap().join(location).unwrap().into()
}

#[tokio::test]
async fn a_page_inside_wechat_gets_parameters_that_the_app_accepts() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    let payment = started(&api, &order, "wechat", "jsapi").await;
    assert_eq!(
        payment["paymentUrl"], order["checkoutUrl"],
        "a prepay_id opens nothing"
    );
    let words = look(&format!("{}/invocation", page_of(&order))).await;
    assert_eq!(words.header("cache-control"), Some("private, no-store"));
    let words = words.ok(200);
    let bridge = format!("{}/bridge", server.control());
    let mut altered = words.clone();
    altered["timeStamp"] = "1700000000".into();
    let refused = send(client().request(Method::POST, &bridge).json(&altered)).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    send(client().request(Method::POST, &bridge).json(&words))
        .await
        .ok(200);
    api.wait_for(&payment, "success").await;
    look(&format!("{}/invocation", page_of(&order)))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn handover_redirects_open_nothing_else() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    api.payment(&order, "wechat").await;
    let token = page_of(&order).rsplit('/').next().unwrap();
    let door = look(&format!("{}/pay?to=https://evil.example", page_of(&order))).await;
    assert_eq!(door.status, 303);
    assert_eq!(
        door.header("location"),
        Some(format!("/checkout/{token}").as_str())
    );
    look(&format!("{}/invocation", page_of(&order)))
        .await
        .refused(404, "not_found");
    for door in ["pay", "invocation"] {
        let unknown = look(&format!("{}/checkout/unknown/{door}", server.url)).await;
        assert_eq!(unknown.status, 404, "{}", unknown.text);
    }
}

#[tokio::test]
async fn t_24_returning_from_a_gateway_proves_nothing() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let faults = format!("{}/faults", server.control());
    send(client().post(&faults).json(&json!({"kind": "mute"})))
        .await
        .ok(200);
    let order = api.order().await;
    let payment = started(&api, &order, "alipay", "page").await;
    let number = payment["paymentNo"].as_str().unwrap();
    // Everything that Alipay would append, and some of what it never does.
    let claim = format!(
        "{}?charset=utf-8&out_trade_no={number}&method=alipay.trade.page.pay.return&total_amount=99.90\
         &sign=AAAA&trade_no=2026&auth_app_id=1&version=1.0&app_id=1&sign_type=RSA2&trade_status=TRADE_SUCCESS",
        page_of(&order)
    );
    assert_eq!(Browser::open(&claim).await.state(), "waiting");
    let path = format!("/payments/{}", payment["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.ok(200)["status"], "processing");

    // The payment is known because the gateway is queried: no notification arrives here.
    let address = payment["paymentUrl"].as_str().unwrap();
    let cashier = look(address).await;
    let cashier = absolute(address, cashier.header("location").unwrap());
    let paid = press(&cashier, "pay").await;
    let back = paid.header("location").unwrap();
    for _ in 0..100 {
        if Browser::open(back).await.state() == "paid" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the payment was never seen");
}

#[tokio::test]
async fn inside_alipay_one_press_leads_to_its_own_page() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    let token = page_of(&order).rsplit('/').next().unwrap();
    let request = client()
        .post(format!("{}/ui/start_payment", server.url))
        .header(
            "user-agent",
            "Mozilla/5.0 (iPhone) AlipayClient/10.6.0 Language/zh-Hans",
        )
        .header("origin", &server.url)
        .form(&[("token", token), ("method", "alipay")]);
    let pressed = send(request).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    let door = pressed.header("location").unwrap();
    assert_eq!(door, format!("/checkout/{token}/pay"));
    let left = look(&format!("{}{door}", server.url)).await;
    let address = left.header("location").unwrap();
    assert!(address.contains("/gateway.do?"), "{address}");
    let cashier = look(address).await;
    assert_eq!(cashier.status, 302, "{}", cashier.text);
}
