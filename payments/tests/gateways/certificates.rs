//! Alipay's certificate mode: serials in what we send, and a changed certificate that is fetched and judged by its chain.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use domain::{Method, Report};
use payments::Services;
use payments::console::{Incident, IncidentKind, list_open_incidents};
use payments::gateway::alipay::{Alipay, QrProduct, Settings, Verify};
use payments::gateway::{Gateway, GatewayError, Gateways, NotificationContent, NotificationError};
use simulator::{AlipayCertificate, AlipayNotifications, AlipaySigning, Alteration};

use crate::shop::{Engine, Shop};

fn certified(shop: &Shop) -> Gateway {
    let given = shop.sim.credentials();
    let settings = Settings {
        app_id: given.alipay_app_id.clone(),
        private_key: given.alipay_private_key.clone().into(),
        verify: Verify::Certificates {
            app: given.alipay_app_cert.clone(),
            alipay: given.alipay_cert.clone(),
            root: given.alipay_root_cert.clone(),
        },
        seller_id: Some(given.alipay_seller_id.clone()),
        mini_app_id: None,
        qr_product: QrProduct::default(),
        gateway_url: shop.sim.alipay_url(),
        notify_url: "https://pay.example.com/notify".to_owned(),
    };
    Alipay::new(settings, shop.services.clock.clone()).unwrap().into()
}

fn sign_with(shop: &Shop, certificate: AlipayCertificate, notifications: AlipayNotifications) {
    shop.sim.set_alipay_signing(AlipaySigning {
        certificate,
        notifications,
        ..AlipaySigning::default()
    });
}

#[tokio::test]
async fn a_changed_certificate_is_fetched_and_a_forged_one_is_rejected() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let gateway = certified(&shop);
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Alipay).await;
    shop.scan_and_pay(&payment).await;
    let is_paid = async || matches!(gateway.query(&payment.payment_no).await, Ok(Report::Paid(_)));
    assert!(is_paid().await);

    sign_with(&shop, AlipayCertificate::Second, AlipayNotifications::AsAsked);
    assert!(
        is_paid().await,
        "it was fetched, and its chain ends in the root that we hold"
    );
    sign_with(&shop, AlipayCertificate::Forged, AlipayNotifications::AsAsked);
    shop.sleep(std::time::Duration::from_secs(61)).await;
    let forged = gateway.query(&payment.payment_no).await;
    assert!(matches!(forged, Err(GatewayError::Unknown { .. })), "{forged:?}");
    sign_with(&shop, AlipayCertificate::First, AlipayNotifications::AsAsked);
    assert!(is_paid().await, "the first one is as good as before");
    shop.close().await;
}

#[tokio::test]
async fn forged_certificates_are_fetched_once_a_minute_at_most() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let gateway = certified(&shop);
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Alipay).await;
    shop.scan_and_pay(&payment).await;
    sign_with(&shop, AlipayCertificate::Forged, AlipayNotifications::AsAsked);
    assert!(gateway.query(&payment.payment_no).await.is_err());
    // The rate limit of downloads is used up: even a valid one has to wait for a minute.
    sign_with(&shop, AlipayCertificate::Second, AlipayNotifications::AsAsked);
    assert!(gateway.query(&payment.payment_no).await.is_err());
    shop.sleep(std::time::Duration::from_secs(61)).await;
    assert!(gateway.query(&payment.payment_no).await.is_ok());
    shop.close().await;
}

#[tokio::test]
async fn notifications_of_certificate_mode_are_read_with_the_certificate_they_name() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let gateway = certified(&shop);
    let plain = shop.services.gateways.alipay.as_ref().unwrap();
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Alipay).await;
    for (certificate, notifications, is_believed) in [
        (AlipayCertificate::First, AlipayNotifications::Certificate, true),
        (
            AlipayCertificate::First,
            AlipayNotifications::UnsignedSerial,
            true,
        ),
        (AlipayCertificate::Second, AlipayNotifications::Certificate, true),
        (
            AlipayCertificate::Second,
            AlipayNotifications::UnsignedSerial,
            true,
        ),
        (AlipayCertificate::Forged, AlipayNotifications::Certificate, false),
        (
            AlipayCertificate::Forged,
            AlipayNotifications::UnsignedSerial,
            false,
        ),
    ] {
        sign_with(&shop, certificate, notifications);
        let letter = shop
            .sim
            .letter(payment.payment_no.as_str(), &Alteration::default())
            .unwrap();
        let read = gateway.read_notification(&HeaderMap::new(), &letter.body).await;
        match is_believed {
            true => assert!(
                read.as_ref().is_ok_and(|notification| matches!(
                    notification.content,
                    NotificationContent::Payment(Report::Paid(_))
                )),
                "{certificate:?} {notifications:?} {read:?}"
            ),
            false => assert!(
                matches!(read, Err(NotificationError::NotAuthentic(_))),
                "{certificate:?} {notifications:?} {read:?}"
            ),
        }
        let without_certificates = plain.read_notification(&HeaderMap::new(), &letter.body).await;
        let is_of_the_key =
            certificate == AlipayCertificate::First && notifications == AlipayNotifications::Certificate;
        assert_eq!(
            without_certificates.is_ok(),
            is_of_the_key,
            "{certificate:?} {notifications:?}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn an_expiring_certificate_is_reported_in_steps() {
    const DAY: Duration = Duration::from_hours(24);
    let mut shop = Shop::on(Engine::Sqlite).await;
    let gateways = Gateways {
        wechat: None,
        alipay: Some(certified(&shop)),
    };
    let services = Services {
        gateways: Arc::new(gateways),
        ..shop.services.clone()
    };
    let told = async || {
        payments::reconcile_payments(&services).await.unwrap();
        let page = list_open_incidents(&services, None, 100).await.unwrap();
        let of_keys = |incident: &Incident| incident.kind == Some(IncidentKind::KeyExpiring);
        let steps = page.data.into_iter().filter(of_keys);
        let mut steps: Vec<String> = steps
            .map(|incident| incident.subject.rsplit(' ').next().unwrap().to_owned())
            .collect();
        steps.sort();
        steps.dedup();
        steps
    };
    assert!(told().await.is_empty());
    let alipay = services.gateways.alipay.as_ref().unwrap();
    let ends = alipay.describe(services.clock.now()).ends;
    assert_eq!(ends.len(), 4, "the app's, Alipay's, and two roots");
    let first = ends.iter().map(|(_, end)| *end).min().unwrap();
    for (days, expected) in [(31, None), (29, Some("30d")), (6, Some("7d"))] {
        let then = first - DAY * days;
        services.clock.advance(then.duration_since(services.clock.now()));
        let told = told().await;
        assert_eq!(told.first().map(String::as_str), expected, "{days}: {told:?}");
        assert!(told.len() <= 1, "one step at a time: {told:?}");
    }
    shop.close().await;
}
