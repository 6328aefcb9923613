//! Unverifiable answers: nothing changes, and the same bytes are sent again.

use std::time::Duration;

use domain::{Method, OrderStatus, PaymentStatus};
use payments::Error;
use simulator::{Endpoint, Fault, FaultKind, Faults};

use crate::shop::{BOTH, Engine, Shop, on_each_engine};

const UNBELIEVABLE: [FaultKind; 7] = [
    FaultKind::BadSignature,
    FaultKind::NoSignature,
    FaultKind::Truncate,
    FaultKind::Html502,
    FaultKind::ErrorBefore,
    FaultKind::ErrorAfter,
    FaultKind::Busy,
];

#[tokio::test]
async fn a_payment_with_an_unconfirmed_create_call_neither_fails_nor_doubles() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            for kind in UNBELIEVABLE {
                let order = shop.order("9.99").await;
                shop.sim.fault(Fault::new(kind).at(Endpoint::Create));
                let unknown = shop.try_start(&order, method).await;
                assert!(
                    matches!(unknown, Err(Error::Unreachable { .. })),
                    "{method} {kind:?}: {unknown:?}"
                );
                let recorded = shop.checkout(&order).await.payments;
                assert_eq!(recorded.len(), 1);
                assert_eq!(recorded[0].status(), PaymentStatus::Pending, "{method} {kind:?}");
                shop.sim.faults(Faults::none());
                let payment = shop.start(&order, method).await;
                assert_eq!(payment.payment_no, recorded[0].payment_no, "{method} {kind:?}");
                assert_eq!(payment.request, recorded[0].request);
                shop.scan_and_pay(&payment).await;
                assert_eq!(shop.status(&order).await, OrderStatus::Paid);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_unverifiable_query_answer_changes_nothing() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            for kind in UNBELIEVABLE {
                let order = shop.order("9.99").await;
                let payment = shop.start(&order, method).await;
                shop.sim.fault(Fault::new(FaultKind::Mute));
                shop.sim.fault(Fault::new(kind).at(Endpoint::Query));
                shop.scan_and_pay(&payment).await;
                shop.sleep(Duration::from_secs(2)).await;
                let unknown = payments::query_payment(&shop.services, &payment.payment_no, None).await;
                assert!(
                    matches!(unknown, Err(Error::Unreachable { .. })),
                    "{method} {kind:?}: {unknown:?}"
                );
                assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
                shop.sim.faults(Faults::none());
                shop.sleep(Duration::from_secs(2)).await;
                payments::query_payment(&shop.services, &payment.payment_no, None)
                    .await
                    .unwrap();
                assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{method} {kind:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_hanging_gateway_is_given_up_and_asked_again() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    // Both hosts of it.
    shop.sim
        .fault(Fault::new(FaultKind::HangAfter).at(Endpoint::Create).times(2));
    let unknown = shop.try_start(&order, Method::Wechat).await;
    assert!(matches!(unknown, Err(Error::Unreachable { .. })), "{unknown:?}");
    let payment = shop.start(&order, Method::Wechat).await;
    assert_eq!(shop.sim.books().trades.len(), 1);
    shop.scan_and_pay(&payment).await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn a_gateway_is_asked_at_most_once_a_second() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.sim.fault(Fault::new(FaultKind::Mute));
    shop.sleep(Duration::from_secs(2)).await;
    let ask = || payments::query_payment(&shop.services, &payment.payment_no, None);
    ask().await.unwrap();
    shop.scan_and_pay(&payment).await;
    ask().await.unwrap();
    assert_eq!(
        shop.payment_status(&payment).await,
        PaymentStatus::Processing,
        "the second question was not asked"
    );
    shop.sleep(Duration::from_secs(1)).await;
    ask().await.unwrap();
    assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
    shop.close().await;
}
