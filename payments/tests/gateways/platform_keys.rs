//! WeChat's signing keys: a public key, rotating certificates, and both while a merchant changes over.

use std::time::Duration;

use domain::{Method, OrderStatus};
use payments::Policy;
use simulator::{Alteration, Fault, FaultKind, Faults, SignedBy, WechatKeys};

use crate::shop::{Engine, Shop};

#[tokio::test]
async fn every_kind_of_key_signs_what_a_payment_needs() {
    for keys in [WechatKeys::PublicKey, WechatKeys::Certificate, WechatKeys::Both] {
        let mut shop = Shop::open(Engine::Sqlite, keys, Policy::default()).await;
        // With both, a random choice decides the key of each answer and each notification.
        for _ in 0..6 {
            let order = shop.order("9.99").await;
            let payment = shop.start(&order, Method::Wechat).await;
            shop.scan_and_pay(&payment).await;
            shop.pass(Duration::from_secs(20)).await;
            assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{keys:?}");
        }
        shop.close().await;
    }
}

#[tokio::test]
async fn a_rotated_certificate_is_downloaded_when_it_is_first_seen() {
    for keys in [WechatKeys::Certificate, WechatKeys::Both] {
        let mut shop = Shop::open(Engine::Sqlite, keys, Policy::default()).await;
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.sleep(Duration::from_secs(61)).await;
        shop.sim.fault(Fault::new(FaultKind::Rotate));
        let rotated = Alteration {
            signed_by: SignedBy::Rotated,
            ..Alteration::default()
        };
        let letter = shop.sim.letter(payment.payment_no.as_str(), &rotated).unwrap();
        assert_eq!(shop.deliver(&letter).await, 200, "{keys:?}");
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        shop.close().await;
    }
}

#[tokio::test]
async fn an_unsigned_certificate_list_changes_nothing() {
    let mut shop = Shop::open(Engine::Sqlite, WechatKeys::Certificate, Policy::default()).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Wechat).await;
    // Hours later the list is downloaded anew, with a wrong signature.
    shop.sim
        .fault(Fault::new(FaultKind::BadSignature).at(simulator::Endpoint::Certificates));
    shop.sleep(Duration::from_mins(13)).await;
    let gateway = shop.services.gateways.wechat.as_ref().unwrap();
    assert!(
        gateway.query(&payment.payment_no).await.is_ok(),
        "the known keys go on"
    );
    shop.sim.faults(Faults::none());
    shop.scan_and_pay(&payment).await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}
