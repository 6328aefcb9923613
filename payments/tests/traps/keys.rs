//! T-10 and T-11: keys are checked when they are configured, and no start depends on the network.

use domain::{Product, Timestamp};
use payments::Clock;
use payments::gateway::wechat::{Verify, Wechat};
use payments::gateway::{Gateway, GatewayError, alipay};
use simulator::WechatKeys;

use crate::harness::{NOWHERE, alipay_settings, creation, read, text, wechat_settings};
use crate::shop::{Engine, Shop};

fn clock() -> Clock {
    Clock::fixed(Timestamp::from_millis(1_795_485_600_000), 1)
}

#[test]
fn t_10_a_key_that_is_not_the_gateways_is_refused_at_the_start() {
    let file = read("b_wechat_callback");
    let settings = || wechat_settings(&file, NOWHERE);
    let own_certificate = text(&file, "merchant_certificate_pem");
    for verify in [
        Verify::Certificate {
            pem: own_certificate.to_owned(),
        },
        Verify::PublicKey {
            id: "PUB_KEY_ID_1".to_owned(),
            key: text(&file, "merchant_public_key_pem").to_owned(),
        },
        Verify::PublicKey {
            id: "PUB_KEY_ID_1".to_owned(),
            key: text(&file["private_keys_test_only"], "merchant").to_owned(),
        },
    ] {
        let wrong = payments::gateway::wechat::Settings { verify, ..settings() };
        let error = Wechat::new(wrong, clock()).unwrap_err();
        assert_eq!(error.setting, "WECHAT_PUBLIC_KEY", "{error}");
    }
    let mut crossed = settings();
    crossed.private_key = own_certificate.into();
    let error = Wechat::new(crossed, clock()).unwrap_err();
    assert_eq!(error.setting, "WECHAT_PRIVATE_KEY", "{error}");

    let file = read("c_alipay_request");
    let mut swapped = alipay_settings(NOWHERE);
    swapped.verify = alipay::Verify::PublicKey {
        key: text(&file, "app_public_key_pem").to_owned(),
    };
    let error = alipay::Alipay::new(swapped, clock()).unwrap_err();
    assert_eq!(error.setting, "ALIPAY_PUBLIC_KEY", "{error}");
}

#[tokio::test]
async fn t_11_a_merchant_without_platform_certificates_starts_and_sells() {
    // The simulator's default is such a merchant: its list of certificates is a 404.
    let mut shop = Shop::open(Engine::Sqlite, WechatKeys::PublicKey, payments::Policy::default()).await;
    let order = shop.order("1.00").await;
    let payment = shop.start(&order, domain::Method::Wechat).await;
    shop.scan_and_pay(&payment).await;

    let given = shop.sim.credentials();
    let settings = |gateway_url: String| payments::gateway::wechat::Settings {
        app_id: given.wechat_app_id.clone(),
        mini_app_id: None,
        mobile_app_id: None,
        mch_id: given.wechat_mch_id.clone(),
        serial_no: given.wechat_serial_no.clone(),
        api_v3_key: given.wechat_api_v3_key.clone().into(),
        private_key: given.wechat_private_key.clone().into(),
        verify: Verify::Download,
        gateway_url,
        backup_url: None,
        notify_url: "https://pay.example.com/notify".to_owned(),
        oauth: None,
        mini_api: None,
    };
    // A server that expects certificates starts as well, accepts no answer, and records nothing untrue.
    for url in [shop.sim.wechat_url(), NOWHERE.to_owned()] {
        let is_there = url != NOWHERE;
        let gateway: Gateway = Wechat::new(settings(url), shop.services.clock.clone())
            .unwrap()
            .into();
        let created = gateway
            .create(&creation(&payment.payment_no, Product::Native, &payment.request))
            .await;
        match is_there {
            true => assert!(
                matches!(
                    created,
                    Err(GatewayError::AlreadyPaid | GatewayError::Unknown { .. })
                ),
                "{created:?}"
            ),
            false => assert!(
                matches!(created, Err(GatewayError::RetrySame { .. })),
                "{created:?}"
            ),
        }
        let asked = gateway.query(&payment.payment_no).await;
        assert!(
            matches!(
                asked,
                Err(GatewayError::Unknown { .. } | GatewayError::RetrySame { .. })
            ),
            "{asked:?}"
        );
    }
    shop.close().await;
}
