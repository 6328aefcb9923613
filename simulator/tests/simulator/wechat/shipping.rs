//! Shipping information of mini program payments: as strict as api.weixin.qq.com.

use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use crate::merchant::{Answer, Merchant};

const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
const NUMBER: &str = "T00000001";

async fn post(shop: &Merchant, target: &str, body: &Value) -> Value {
    let url = format!("{}{target}", shop.sim.base_url());
    let request = shop.client.post(url).body(body.to_string());
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "errors have status 200 too");
    answer.json()
}

async fn token(shop: &Merchant) -> String {
    let call = json!({
        "grant_type": "client_credential",
        "appid": shop.credentials().wechat_mini_app_id,
        "secret": shop.credentials().wechat_mini_app_secret,
    });
    let given = post(shop, "/cgi-bin/stable_token", &call).await;
    given["access_token"].as_str().unwrap().to_owned()
}

async fn upload(shop: &Merchant, token: &str, body: &Value) -> i64 {
    let target = format!("/wxa/sec/order/upload_shipping_info?access_token={token}");
    let answer = post(shop, &target, body).await;
    answer["errcode"].as_i64().unwrap()
}

/// A payment in the mini program, and the upload that fits it.
async fn paid(shop: &Merchant) -> Value {
    let mut order = shop.order(NUMBER, 100);
    order["appid"] = shop.credentials().wechat_mini_app_id.clone().into();
    order["payer"] = json!({"openid": OPENID});
    let target = "/v3/pay/transactions/jsapi";
    let given = shop.wechat("POST", target, &order.to_string()).await.json();
    shop.sim.pay(given["prepay_id"].as_str().unwrap()).await.unwrap();
    let trade = shop.query(NUMBER).await.json();
    json!({
        "order_key": {"order_number_type": 2, "transaction_id": trade["transaction_id"]},
        "logistics_type": 3,
        "delivery_mode": 1,
        "shipping_list": [{"item_desc": "会员月卡"}],
        "upload_time": "2027-01-15T16:00:00.000+08:00",
        "payer": {"openid": OPENID},
    })
}

#[tokio::test]
async fn a_token_is_the_same_until_its_last_minutes_and_ends_after_two_hours() {
    let shop = Merchant::open().await;
    let body = paid(&shop).await;
    let first = token(&shop).await;
    assert_eq!(token(&shop).await, first);
    shop.sim.advance(115 * 60_000).await;
    let second = token(&shop).await;
    assert_ne!(second, first);
    assert_eq!(upload(&shop, &first, &body).await, 0, "both are good");
    shop.sim.advance(5 * 60_000).await;
    assert_eq!(upload(&shop, &first, &body).await, 42_001);
    assert_eq!(upload(&shop, "other", &body).await, 40_001);
    assert_eq!(upload(&shop, "", &body).await, 41_001);
    let wrong = json!({"grant_type": "client_credential", "appid": shop.credentials().wechat_mini_app_id, "secret": "x"});
    let refused = post(&shop, "/cgi-bin/stable_token", &wrong).await;
    assert_eq!(refused["errcode"], 40_125);
}

#[tokio::test]
async fn an_upload_fits_its_payment_and_is_changed_once() {
    let shop = Merchant::open().await;
    let body = paid(&shop).await;
    let token = token(&shop).await;
    let altered = |member: &str, value: Value| {
        let mut altered = body.clone();
        altered[member] = value;
        altered
    };
    for (wrong, errcode) in [
        (altered("payer", json!({"openid": "o1"})), 10_060_031),
        (altered("payer", json!({})), 47_001),
        (altered("logistics_type", json!(5)), 10_060_005),
        (altered("logistics_type", json!("3")), 47_001),
        (altered("logistics_type", json!(1)), 268_485_226),
        (altered("delivery_mode", json!(2)), 10_060_006),
        (altered("shipping_list", json!({"item_desc": "x"})), 47_001),
        (altered("shipping_list", json!([])), 268_485_228),
        (altered("shipping_list", json!([{"item_desc": ""}])), 10_060_008),
        (
            altered("shipping_list", json!([{"item_desc": "卡".repeat(121)}])),
            10_060_009,
        ),
        (altered("upload_time", json!("2027-01-15 16:00:00")), 268_485_216),
        (
            altered(
                "order_key",
                json!({"order_number_type": 2, "transaction_id": "4200"}),
            ),
            10_060_001,
        ),
    ] {
        assert_eq!(upload(&shop, &token, &wrong).await, errcode, "{wrong}");
    }
    let longest = altered("shipping_list", json!([{"item_desc": "卡".repeat(120)}]));
    assert_eq!(upload(&shop, &token, &longest).await, 0);
    assert_eq!(
        upload(&shop, &token, &longest).await,
        10_060_023,
        "nothing is new"
    );
    assert_eq!(upload(&shop, &token, &body).await, 0);
    assert_eq!(upload(&shop, &token, &longest).await, 10_060_003);
    let books = shop.sim.books();
    let shipping = books.trade(NUMBER).unwrap().shipping.clone().unwrap();
    assert_eq!((shipping.logistics_type, shipping.n_uploads), (3, 2));
    assert_eq!(shipping.item_desc, "会员月卡");
}

#[tokio::test]
async fn faults_strike_at_the_token_and_at_the_upload() {
    let shop = Merchant::open().await;
    let body = paid(&shop).await;
    let first = token(&shop).await;
    shop.sim.fault(Fault::new(FaultKind::TokenExpired).times(1));
    assert_eq!(upload(&shop, &first, &body).await, 42_001);
    assert_eq!(upload(&shop, &first, &body).await, 40_001, "it is gone");
    let second = token(&shop).await;
    for (kind, errcode) in [
        (FaultKind::Busy, -1),
        (FaultKind::NotFound, 10_060_001),
        (FaultKind::Declined, 10_060_004),
    ] {
        shop.sim.fault(Fault::new(kind).times(1));
        assert_eq!(upload(&shop, &second, &body).await, errcode);
    }
    assert_eq!(upload(&shop, &second, &body).await, 0);
}
