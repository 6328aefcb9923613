//! Notifications that are forged, stale, replayed, altered or for another account change nothing.

use domain::{Method, OrderStatus, Payment, PaymentStatus};
use serde_json::json;
use simulator::{Alteration, SignedBy};

use crate::shop::{BOTH, Shop, on_each_engine};

fn set(name: &str, value: serde_json::Value) -> Alteration {
    let mut alteration = Alteration {
        new_id: true,
        ..Alteration::default()
    };
    alteration.set.insert(name.to_owned(), value);
    alteration
}

async fn delivered(shop: &Shop, payment: &Payment, alteration: &Alteration) -> u16 {
    let letter = shop.sim.letter(payment.payment_no.as_str(), alteration).unwrap();
    shop.deliver(&letter).await.as_u16()
}

#[tokio::test]
async fn a_notification_that_is_not_authentic_is_refused_and_changes_nothing() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            let mut signers = vec![SignedBy::Stranger, SignedBy::Nobody];
            if method == Method::Wechat {
                signers.push(SignedBy::Probe);
            }
            for signed_by in signers {
                let forged = Alteration {
                    signed_by,
                    new_id: true,
                    ..Alteration::default()
                };
                assert_eq!(
                    delivered(shop, &payment, &forged).await,
                    401,
                    "{method} {signed_by:?}"
                );
            }
            if method == Method::Wechat {
                for age_seconds in [300, 3600, -300] {
                    let stale = Alteration {
                        age_seconds,
                        new_id: true,
                        ..Alteration::default()
                    };
                    assert_eq!(delivered(shop, &payment, &stale).await, 401, "{age_seconds}");
                }
            }
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
        }
    })
    .await;
}

#[tokio::test]
async fn an_altered_body_under_an_honest_signature_is_refused() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            let letter = shop
                .sim
                .letter(payment.payment_no.as_str(), &Alteration::default())
                .unwrap();
            for index in (0..letter.body.len()).step_by(17) {
                let mut altered = letter.clone();
                altered.body[index] ^= 1;
                assert_ne!(shop.deliver(&altered).await, 200, "{method} byte {index}");
            }
            let mut shortened = letter.clone();
            shortened.body.truncate(letter.body.len() / 2);
            assert_ne!(shop.deliver(&shortened).await, 200);
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
            assert_eq!(shop.deliver(&letter).await, 200);
            assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        }
    })
    .await;
}

#[tokio::test]
async fn an_authentic_notification_with_foreign_content_is_acknowledged_and_changes_nothing() {
    on_each_engine(async |shop| {
        let wechat = [
            ("total", json!(1)),
            ("total", json!(660_000)),
            ("currency", json!("USD")),
            ("mchid", json!("1900000001")),
            ("appid", json!("wx0000000000000000")),
            ("out_trade_no", json!("P00000000000000000000000000")),
            ("trade_state", json!("USERPAYING")),
            ("trade_state", json!("success")),
        ];
        let alipay = [
            ("total_amount", json!("0.01")),
            ("app_id", json!("2021000000000000")),
            ("seller_id", json!("2088000000000000")),
            ("out_trade_no", json!("P00000000000000000000000000")),
            ("trade_status", json!("WAIT_BUYER_PAY")),
            ("refund_fee", json!("66.00")),
        ];
        for (method, alterations) in [(Method::Wechat, &wechat[..]), (Method::Alipay, &alipay[..])] {
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            for (name, value) in alterations {
                let status = delivered(shop, &payment, &set(name, value.clone())).await;
                assert!(
                    status == 200 || status == 400,
                    "{method} {name}={value}: {status}"
                );
                assert_eq!(
                    shop.status(&order).await,
                    OrderStatus::Pending,
                    "{method} {name}={value}"
                );
                assert_ne!(shop.payment_status(&payment).await, PaymentStatus::Success);
            }
            shop.scan_and_pay(&payment).await;
            assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        }
    })
    .await;
}

#[tokio::test]
async fn a_resent_notification_is_acknowledged_again_and_pays_once() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            shop.scan_and_pay(&payment).await;
            let paid = shop.payment(&payment).await;
            for new_id in [false, true] {
                let replayed = Alteration {
                    new_id,
                    ..Alteration::default()
                };
                assert_eq!(delivered(shop, &payment, &replayed).await, 200);
            }
            assert_eq!(shop.payment(&payment).await, paid);
        }
    })
    .await;
}

#[tokio::test]
async fn a_trade_that_paid_one_payment_does_not_pay_another() {
    on_each_engine(async |shop| {
        let first = shop.order("7.00").await;
        let paid = shop.start(&first, Method::Wechat).await;
        shop.scan_and_pay(&paid).await;
        let trade = shop.payment(&paid).await.transaction_id.unwrap();
        let second = shop.order("7.00").await;
        let open = shop.start(&second, Method::Wechat).await;
        assert_eq!(
            delivered(shop, &open, &set("transaction_id", json!(trade))).await,
            200
        );
        assert_eq!(shop.status(&second).await, OrderStatus::Pending);
    })
    .await;
}
