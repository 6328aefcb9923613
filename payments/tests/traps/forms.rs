//! T-12 to T-15 and T-18: a form is decoded once, to bytes, and its text is decoded from its charset after verification.

use axum::http::HeaderMap;
use domain::{Method, OrderStatus, Payment};
use payments::Clock;
use payments::gateway::{NotificationError, alipay, wechat};
use simulator::{Alteration, Endpoint, Fault, FaultKind};

use crate::harness::{NOWHERE, alipay_at, alipay_settings, cases, read, text, wechat_settings};
use crate::shop::{Engine, Shop};

async fn open_payment(shop: &Shop) -> (domain::Order, Payment) {
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Alipay).await;
    (order, payment)
}

#[tokio::test]
async fn t_12_a_form_is_decoded_exactly_once() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    // The subject holds `%`, `&` and spaces: decoding twice fails on the first and is wrong on the others.
    let (order, payment) = open_payment(&shop).await;
    let honest = shop
        .sim
        .letter(payment.payment_no.as_str(), &Alteration::default())
        .unwrap();
    let body = String::from_utf8(honest.body.clone()).unwrap();
    assert!(body.contains("100%25"), "{body}");
    let decoded = body.replace("%25", "%").replace("%2B", "+");
    let encoded = body.replace('%', "%25");
    for wrong in [decoded, encoded] {
        let mut letter = honest.clone();
        letter.body = wrong.into_bytes();
        assert_eq!(shop.deliver(&letter).await, 401);
    }
    assert_eq!(shop.status(&order).await, OrderStatus::Pending);
    assert_eq!(shop.deliver(&honest).await, 200);
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn t_13_a_value_that_a_framework_touched_is_refused() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let (order, payment) = open_payment(&shop).await;
    let mut odd = Alteration::default();
    odd.set
        .insert("body".to_owned(), " \"quoted\" & <b> \\'x\\' ".into());
    odd.set.insert("passback_params".to_owned(), "".into());
    let honest = shop.sim.letter(payment.payment_no.as_str(), &odd).unwrap();
    let body = String::from_utf8(honest.body.clone()).unwrap();
    let touched = [
        // HTML-escaped, trimmed, slashes stripped, an empty value removed.
        body.replace("%22", "%26quot%3B"),
        body.replace("body=+", "body="),
        body.replace("%5C", ""),
        body.replace("&passback_params=&", "&"),
    ];
    for wrong in touched {
        assert_ne!(wrong, body);
        let mut letter = honest.clone();
        letter.body = wrong.into_bytes();
        assert_eq!(shop.deliver(&letter).await, 401);
    }
    assert_eq!(shop.deliver(&honest).await, 200, "untouched it is Alipay's");
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[test]
fn t_14_an_address_for_notifications_has_no_parameters() {
    let clock = || Clock::fixed(domain::Timestamp::from_millis(0), 1);
    for url in [
        "https://a.example/n?tenant=1",
        "https://a.example/n?",
        "https://a.example/n#x",
    ] {
        let mut settings = alipay_settings(NOWHERE);
        settings.notify_url = url.to_owned();
        let error = alipay::Alipay::new(settings, clock()).unwrap_err();
        assert_eq!(error.setting, "PUBLIC_URL", "{url}");
        let mut settings = wechat_settings(&read("b_wechat_callback"), NOWHERE);
        settings.notify_url = url.to_owned();
        let error = wechat::Wechat::new(settings, clock()).unwrap_err();
        assert_eq!(error.setting, "PUBLIC_URL", "{url}");
    }
}

#[tokio::test]
async fn t_15_no_message_chooses_the_algorithm() {
    let file = read("d_alipay_notify");
    let gateway = alipay_at(alipay_settings(NOWHERE));
    let body = |name: &str| {
        let case = cases(&file).iter().find(|case| text(case, "name") == name);
        text(case.unwrap(), "raw_body").to_owned()
    };
    let downgraded = body("sign_type_downgraded");
    let refused = gateway
        .read_notification(&HeaderMap::new(), downgraded.as_bytes())
        .await;
    assert!(
        matches!(refused, Err(NotificationError::NotAuthentic(_))),
        "{refused:?}"
    );
    // The genuine signature does not help, because its kind is not signed.
    let genuine = body("pay_success");
    for kind in ["RSA", "rsa2", "NONE", "MD5"] {
        let renamed = genuine.replace("sign_type=RSA2", &format!("sign_type={kind}"));
        assert_ne!(renamed, genuine);
        let refused = gateway
            .read_notification(&HeaderMap::new(), renamed.as_bytes())
            .await;
        assert!(
            matches!(refused, Err(NotificationError::NotAuthentic(_))),
            "{kind} {refused:?}"
        );
    }
    assert!(
        gateway
            .read_notification(&HeaderMap::new(), genuine.as_bytes())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn t_16_what_alipay_writes_behind_a_return_url_is_no_notification() {
    let file = read("d_alipay_notify");
    let gateway = alipay_at(alipay_settings(NOWHERE));
    for case in file["return_url_cases"].as_array().unwrap() {
        let query = text(case, "query").as_bytes();
        let refused = gateway.read_notification(&HeaderMap::new(), query).await;
        assert!(refused.is_err(), "{} {refused:?}", text(case, "name"));
    }
}

#[tokio::test]
async fn t_18_gbk_is_verified_as_bytes_and_read_as_text() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    shop.sim.fault(Fault::new(FaultKind::Gbk).at(Endpoint::Query));
    shop.sim
        .fault(Fault::new(FaultKind::Gbk).at(Endpoint::Notification));
    let (order, payment) = open_payment(&shop).await;
    let gateway = shop.services.gateways.alipay.as_ref().unwrap();
    assert_eq!(
        gateway.query(&payment.payment_no).await.unwrap(),
        domain::Report::Absent,
        "a refusal in GBK is understood"
    );
    let gbk = Alteration {
        gbk: true,
        ..Alteration::default()
    };
    let letter = shop.sim.letter(payment.payment_no.as_str(), &gbk).unwrap();
    assert!(std::str::from_utf8(&letter.body).is_ok_and(|body| body.contains("charset=GBK")));
    assert_eq!(shop.deliver(&letter).await, 200);
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}
