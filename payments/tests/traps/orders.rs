//! T-25, T-39, T-41 to T-44: the contents of a create call, and that a repeat has the same bytes.

use std::time::Duration;

use domain::{Money, PaymentNo, PaymentStatus, Product, Report, Timestamp};
use payments::gateway::{Ask, Gateway, Payer};
use payments::{StartPayment, renew_prompt};
use serde_json::Value;

use crate::harness::{NOWHERE, alipay_at, alipay_settings, read, wechat_at, wechat_settings};
use crate::shop::{BOTH, Engine, Shop};

fn requested(gateway: &Gateway, product: Product) -> Value {
    let request = gateway.request(&Ask {
        payment_no: &PaymentNo::parse("P1234567").unwrap(),
        product,
        amount: Money::parse_yuan("1.10").unwrap(),
        subject: "会员",
        // 2023-11-15 06:43:20 in Beijing, 2023-11-14 22:43:20 in Greenwich.
        expires_at: Timestamp::from_millis(1_700_001_800_000),
        return_url: Some("https://shop.example/back"),
        payer: Payer {
            ip: Some("203.0.113.7".parse().unwrap()),
            openid: Some("o1"),
        },
    });
    serde_json::from_str(&request).unwrap()
}

fn gateways() -> [(Gateway, [Product; 3]); 2] {
    let wechat = wechat_settings(&read("b_wechat_callback"), NOWHERE);
    [
        (
            wechat_at(wechat, Timestamp::from_millis(1_700_000_000_000)),
            [Product::Native, Product::H5, Product::Jsapi],
        ),
        (
            alipay_at(alipay_settings(NOWHERE)),
            [Product::Qr, Product::Wap, Product::Page],
        ),
    ]
}

#[tokio::test]
async fn t_25_no_attempt_uses_the_number_of_another() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let mut numbers = Vec::new();
    for product in [Product::Native, Product::Qr, Product::Page, Product::Native] {
        let start = StartPayment::new(order.id.clone(), product);
        let made = payments::start_payment(&shop.services, start, None)
            .await
            .unwrap();
        numbers.push(made.into_value().unwrap().payment_no);
    }
    shop.pass(Duration::from_mins(16)).await;
    numbers.push(shop.start(&order, domain::Method::Wechat).await.payment_no);
    let n_numbers = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), n_numbers);
    shop.close().await;
}

#[tokio::test]
async fn t_39_an_unscanned_code_is_pending_and_not_failed() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, domain::Method::Alipay).await;
    let gateway = shop.services.gateways.alipay.as_ref().unwrap();
    assert_eq!(gateway.query(&payment.payment_no).await.unwrap(), Report::Absent);
    shop.pass(Duration::from_mins(1)).await;
    assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
    shop.scan_and_pay(&payment).await;
    assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
    shop.close().await;
}

#[test]
fn t_41_each_product_has_the_code_that_exists() {
    let gateway = alipay_at(alipay_settings(NOWHERE));
    for (product, code) in [
        (Product::Qr, "QR_CODE_OFFLINE"),
        (Product::Wap, "QUICK_WAP_WAY"),
        (Product::Page, "FAST_INSTANT_TRADE_PAY"),
    ] {
        assert_eq!(requested(&gateway, product)["product_code"], code);
    }
}

#[tokio::test]
async fn t_42_times_are_beijings_wherever_we_are() {
    let [(wechat, _), (alipay, _)] = gateways();
    let wanted = "2023-11-15T06:43:20+08:00";
    assert_eq!(requested(&wechat, Product::Native)["time_expire"], wanted);
    assert_eq!(
        requested(&alipay, Product::Qr)["time_expire"],
        "2023-11-15 06:43:20"
    );
    // The clock of this gateway says 1 700 000 000.
    let address = alipay
        .create(&crate::harness::creation(
            &PaymentNo::parse("P1").unwrap(),
            Product::Page,
            r#"{"out_trade_no":"P1"}"#,
        ))
        .await
        .unwrap();
    assert!(
        address.contains("timestamp=2023-11-15%2006%3A13%3A20"),
        "{address}"
    );
}

#[tokio::test]
async fn t_43_a_new_code_is_asked_for_in_the_same_words() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let start = StartPayment {
        payer_ip: Some("127.0.0.1".parse().unwrap()),
        return_url: Some("https://shop.example/back".to_owned()),
        ..StartPayment::new(order.id.clone(), Product::H5)
    };
    let made = payments::start_payment(&shop.services, start, None)
        .await
        .unwrap();
    let first = made.into_value().unwrap();
    // WeChat's address expires after five minutes, the order does not.
    let fresh = renew_prompt(&shop.services, &first.id).await.unwrap();
    assert_eq!(fresh.prompt, first.prompt, "what is fresh is not asked for again");
    shop.pass(Duration::from_secs(270)).await;
    let renewed = renew_prompt(&shop.services, &first.id).await.unwrap();
    assert_ne!(renewed.prompt, first.prompt);
    assert_eq!(
        (&renewed.request, &renewed.payment_no),
        (&first.request, &first.payment_no)
    );
    assert_eq!(renewed.expires_at, first.expires_at);
    // Alipay and WeChat's codes as well: the same bytes, whatever time it is.
    for (method, _) in BOTH {
        let order = shop.order("9.99").await;
        let first = shop.start(&order, method).await;
        shop.sleep(Duration::from_mins(1)).await;
        let again = shop.start(&order, method).await;
        assert_eq!(again.request, first.request);
    }
    shop.close().await;
}

#[test]
fn t_44_nothing_is_sent_as_null() {
    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(list) => list.iter().any(has_null),
            Value::Object(members) => members.values().any(has_null),
            _ => false,
        }
    }
    for (gateway, products) in gateways() {
        for product in products {
            let request = requested(&gateway, product);
            assert!(!has_null(&request), "{request}");
            let is_h5 = product == Product::H5;
            assert_eq!(request.get("scene_info").is_some(), is_h5, "{request}");
            let is_jsapi = product == Product::Jsapi;
            assert_eq!(request.get("payer").is_some(), is_jsapi, "{request}");
        }
    }
}
