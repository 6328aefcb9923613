//! WeChat's products on a phone: required members, prompts, and their expiry.

use serde_json::{Value, json};

use crate::merchant::{Answer, Merchant};

async fn ordered(shop: &Merchant, product: &str, order: &Value) -> Answer {
    let target = format!("/v3/pay/transactions/{product}");
    shop.wechat("POST", &target, &order.to_string()).await
}

fn for_h5(shop: &Merchant, number: &str) -> Value {
    let mut order = shop.order(number, 100);
    order["scene_info"] = json!({"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}});
    order
}

fn for_jsapi(shop: &Merchant, number: &str) -> Value {
    let mut order = shop.order(number, 100);
    order["payer"] = json!({"openid": "o1"});
    order
}

#[tokio::test]
async fn each_product_asks_for_what_it_needs_and_for_nothing_else() {
    let shop = Merchant::open().await;
    let plain = shop.order("T00000001", 100);
    let (h5, jsapi) = (for_h5(&shop, "T00000001"), for_jsapi(&shop, "T00000001"));
    for (product, order) in [
        ("h5", &plain),
        ("h5", &jsapi),
        ("jsapi", &plain),
        ("jsapi", &h5),
        ("native", &jsapi),
        ("app", &jsapi),
    ] {
        let refused = ordered(&shop, product, order).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, "PARAM_ERROR"),
            "{product} {order}"
        );
    }
    let given = ordered(&shop, "h5", &h5).await.json();
    assert!(given["h5_url"].as_str().unwrap().contains("checkmweb?prepay_id="));
    let other = ordered(&shop, "jsapi", &jsapi).await;
    assert_eq!(
        other.json()["message"],
        "201 商户订单号重复",
        "one number, one product"
    );
    let given = ordered(&shop, "jsapi", &for_jsapi(&shop, "T00000002"))
        .await
        .json();
    assert!(given["prepay_id"].as_str().unwrap().starts_with("wx"));
    let given = ordered(&shop, "app", &shop.order("T00000003", 100)).await.json();
    assert!(given["prepay_id"].as_str().unwrap().starts_with("wx"));
}

#[tokio::test]
async fn an_h5_address_needs_a_referer_and_expires_after_five_minutes() {
    let shop = Merchant::open().await;
    let order = for_h5(&shop, "T00000001");
    let given = ordered(&shop, "h5", &order).await.json();
    let url = given["h5_url"].as_str().unwrap().to_owned();
    let open = async |url: &str, referer: Option<&str>| {
        let mut request = shop.client.get(url);
        if let Some(referer) = referer {
            request = request.header("referer", referer);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(open(&url, None).await, 403);
    assert_eq!(open(&url, Some("https://shop.example/")).await, 200);
    shop.sim.advance(5 * 60_000).await;
    assert_eq!(
        open(&url, Some("https://shop.example/")).await,
        403,
        "it is too old"
    );
    let again = ordered(&shop, "h5", &order).await.json();
    let url = again["h5_url"].as_str().unwrap();
    assert_eq!(open(url, Some("https://shop.example/")).await, 200);
    let (page, query) = url.split_once('?').unwrap();
    let paid = shop
        .client
        .post(page)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("{query}&act=pay"))
        .send()
        .await
        .unwrap();
    assert_eq!(paid.status().as_u16(), 200);
    let trade = shop.query("T00000001").await.json();
    assert_eq!(
        (&trade["trade_state"], &trade["trade_type"]),
        (&json!("SUCCESS"), &json!("MWEB"))
    );
    let elsewhere = json!({"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}});
    let mut order = for_h5(&shop, "T00000002");
    order["scene_info"] = elsewhere;
    let given = ordered(&shop, "h5", &order).await.json();
    let url = given["h5_url"].as_str().unwrap();
    assert_eq!(
        open(url, Some("https://shop.example/")).await,
        403,
        "another phone than the payer's"
    );
}

#[tokio::test]
async fn a_product_that_is_not_signed_is_refused() {
    let shop = Merchant::open().await;
    let set = async |body: Value| {
        let url = format!("{}/merchant", shop.sim.control_url());
        let request = shop.client.post(url).body(body.to_string());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(set(json!({"wechatProducts": ["native", "mini"]})).await, 422);
    assert_eq!(
        set(json!({"wechatProducts": ["native"], "alipayProducts": ["wap"]})).await,
        200
    );
    let refused = ordered(&shop, "h5", &for_h5(&shop, "T00000001")).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "NO_AUTH"));
    assert_eq!(
        ordered(&shop, "native", &shop.order("T00000002", 100))
            .await
            .status,
        200
    );
    assert_eq!(set(json!({"wechatProducts": ["h5"]})).await, 200);
    assert_eq!(
        ordered(&shop, "h5", &for_h5(&shop, "T00000001")).await.status,
        200
    );
}
