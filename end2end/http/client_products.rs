//! Payments that an app or a mini program of the merchant's opens: parameters that the wallets accept.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{Api, client, pay, send};
use super::console::{self, visitor::Visitor};
use super::server::{API_KEY, Gateways, Server};

const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

async fn start(api: &Api, method: &str, product: &str) -> Value {
    let order = api.order().await;
    let mut body = json!({"orderId": order["id"], "method": method, "product": product});
    if product == "mini" {
        body["openid"] = OPENID.into();
    }
    let payment = api.post("/payments", &body).await.ok(201);
    assert_eq!(
        (&payment["product"], &payment["method"]),
        (&json!(product), &json!(method))
    );
    assert_eq!(
        payment["paymentUrl"],
        Value::Null,
        "there is nothing to open in a browser"
    );
    payment
}

fn names(parameters: &Value) -> Vec<&str> {
    parameters
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// The money is there, nothing can be opened any more, and it can go back.
async fn is_paid_and_refunded(api: &Api, payment: &Value) {
    let paid = api.wait_for(payment, "success").await;
    assert!(paid.get("clientParameters").is_none(), "{paid}");
    let refund = format!("/payments/{}/refund", payment["id"].as_str().unwrap());
    api.post(&refund, &json!({"reason": "asked"})).await.ok(202);
    api.wait_for(payment, "refunded").await;
}

#[tokio::test]
async fn wechat_opens_the_payments_of_an_app_and_of_a_mini_program() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let change = client().post(format!("{}/merchant", server.control()));
    send(change.json(&json!({"wechatRefundMs": 0}))).await.ok(200);
    let bridge = format!("{}/bridge", server.control());
    for (product, wanted, altered) in [
        (
            "app",
            &[
                "appid",
                "noncestr",
                "package",
                "partnerid",
                "prepayid",
                "sign",
                "timestamp",
            ][..],
            "timestamp",
        ),
        (
            "mini",
            &["nonceStr", "package", "paySign", "signType", "timeStamp"],
            "timeStamp",
        ),
    ] {
        let payment = start(&api, "wechat", product).await;
        let parameters = &payment["clientParameters"];
        assert_eq!(names(parameters), wanted);
        let mut forged = parameters.clone();
        forged[altered] = "1700000000".into();
        let refused = send(client().post(&bridge).json(&forged)).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        // Signed anew for each reader, and each of them is good.
        let path = format!("/payments/{}", payment["id"].as_str().unwrap());
        let again = api.get(&path).await.ok(200);
        assert_ne!(&again["clientParameters"], parameters);
        send(client().post(&bridge).json(&again["clientParameters"]))
            .await
            .ok(200);
        is_paid_and_refunded(&api, &payment).await;
    }
}

#[tokio::test]
async fn alipay_opens_the_payments_of_an_app_and_of_a_mini_program() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for (product, name) in [("app", "orderString"), ("mini", "tradeNO")] {
        let payment = start(&api, "alipay", product).await;
        let parameters = &payment["clientParameters"];
        assert_eq!(names(parameters), [name]);
        let paid = pay(server.wallet.as_deref().unwrap(), &parameters[name]).await;
        assert_eq!(paid.status, 200, "{}", paid.text);
        is_paid_and_refunded(&api, &payment).await;
    }
    // An order string is signed as a whole.
    let payment = start(&api, "alipay", "app").await;
    let text = payment["clientParameters"]["orderString"].as_str().unwrap();
    let cheaper = text.replace("99.90", "0.01");
    assert_ne!(cheaper, text);
    assert_eq!(
        pay(server.wallet.as_deref().unwrap(), &json!(cheaper))
            .await
            .status,
        409
    );
}

#[tokio::test]
async fn a_mini_program_names_its_payer_and_pages_go_on_without_it() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for method in ["wechat", "alipay"] {
        let order = api.order().await;
        let body = json!({"orderId": order["id"], "method": method, "product": "mini"});
        let refused = api.post("/payments", &body).await.refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some("openid"));
    }
    // A payer who opens the checkout page of such a payment can pay there in another way.
    let payment = start(&api, "wechat", "app").await;
    let order = api
        .get(&format!("/orders/{}", payment["orderId"].as_str().unwrap()))
        .await
        .ok(200);
    let page = send(client().get(format!("{}?lang=en", order["checkoutUrl"].as_str().unwrap()))).await;
    assert!(
        page.text.contains("Pay in the merchant&#x27;s app")
            || page.text.contains("Pay in the merchant's app")
    );
    for method in ["wechat", "alipay"] {
        assert!(
            page.text.contains(&format!("name=\"method\" value=\"{method}\"")),
            "{}",
            page.text
        );
    }
}

#[tokio::test]
async fn without_its_app_id_a_product_is_not_offered() {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let mut settings = vec![("API_KEY", API_KEY), ("GATEWAYS", "live")];
    let given = gateways
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    settings.extend(given.filter(|(name, _)| !name.contains("_MINI_") && !name.contains("_MOBILE_")));
    let server = Server::start_in(TempDir::new().unwrap(), &settings);
    let api = Api::of(&server);
    for (method, product) in [("wechat", "app"), ("wechat", "mini"), ("alipay", "mini")] {
        let order = api.order().await;
        let body = json!({"orderId": order["id"], "method": method, "product": product, "openid": OPENID});
        let refused = api.post("/payments", &body).await.refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some("product"), "{method} {product}");
    }
    // An app needs no id of its own at Alipay.
    start(&api, "alipay", "app").await;
}

#[tokio::test]
async fn wechat_is_told_that_what_a_mini_program_sold_is_delivered() {
    let server = console::visitor::server(&[("WECHAT_SHIPPING", "virtual")]);
    let api = Api::of(&server);
    let payment = start(&api, "wechat", "mini").await;
    let bridge = client().post(format!("{}/bridge", server.control()));
    send(bridge.json(&payment["clientParameters"])).await.ok(200);
    api.wait_for(&payment, "success").await;
    let number = &payment["paymentNo"];
    for _ in 0..300 {
        let books = send(client().get(format!("{}/books", server.control())))
            .await
            .ok(200);
        let trades = books["trades"].as_array().unwrap();
        let trade = trades
            .iter()
            .find(|trade| &trade["outTradeNo"] == number)
            .unwrap();
        if trade["shipping"]["nUploads"] == 1 {
            assert_eq!(trade["shipping"]["logisticsType"], 3);
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The answer is recorded after the call.
    let owner = Visitor::owner(&server).await;
    let page = format!("/admin/orders/{}", payment["orderId"].as_str().unwrap());
    for _ in 0..100 {
        let order = owner.get(&page).await.text;
        if order.contains("Shipping information was uploaded to WeChat at 20") {
            let call = "Shipping information uploaded at WeChat Pay: answer 200, not signed";
            assert!(order.contains(call), "{order}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the order does not say that WeChat was told");
}
