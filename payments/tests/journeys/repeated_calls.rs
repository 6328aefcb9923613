//! T-56: a signed refusal of a create call that was sent before is no proof that the first one was refused.

use domain::{Method, OrderStatus, PaymentStatus};
use payments::Error;
use simulator::{Endpoint, Fault, FaultKind, Faults, Host};

use crate::shop::{BOTH, Engine, Shop, on_each_engine};

fn at_create(kind: FaultKind) -> Fault {
    Fault::new(kind).at(Endpoint::Create)
}

/// The first call takes effect and its answer is lost; the second is refused.
async fn lose_the_first_answer(shop: &Shop, order: &domain::Order, method: Method) {
    shop.sim.fault(at_create(FaultKind::Html502After).times(1));
    let unknown = shop.try_start(order, method).await;
    assert!(
        matches!(unknown, Err(Error::Unreachable { .. })),
        "{method} {unknown:?}"
    );
    shop.sim
        .faults(Faults::none().with(at_create(FaultKind::Declined).times(1)));
}

#[tokio::test]
async fn the_first_refusal_of_a_create_call_counts_without_a_question() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("9.99").await;
            shop.sim.faults(
                Faults::none()
                    .with(at_create(FaultKind::Declined).times(1))
                    .with(Fault::new(FaultKind::ErrorBefore).at(Endpoint::Query)),
            );
            let declined = shop.try_start(&order, method).await;
            assert!(
                matches!(declined, Err(Error::Declined { .. })),
                "{method} {declined:?}"
            );
            let payments = shop.checkout(&order).await.payments;
            assert_eq!(payments[0].status(), PaymentStatus::Failed, "{method}");
            shop.sim.faults(Faults::none());
            let payment = shop.start(&order, method).await;
            assert_ne!(payment.id, payments[0].id);
        }
    })
    .await;
}

#[tokio::test]
async fn a_payment_that_was_paid_after_its_first_call_is_not_declined_by_the_second() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("9.99").await;
            shop.sim.fault(Fault::new(FaultKind::Mute));
            shop.sim.fault(at_create(FaultKind::Early).times(1));
            lose_the_first_answer(shop, &order, method).await;
            let payment = shop.start(&order, method).await;
            assert_eq!(payment.status(), PaymentStatus::Success, "{method}");
            assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_trade_that_the_first_call_opened_is_closed_and_another_is_opened() {
    on_each_engine(async |shop| {
        let order = shop.order("9.99").await;
        lose_the_first_answer(shop, &order, Method::Wechat).await;
        let payment = shop.start(&order, Method::Wechat).await;
        let payments = shop.checkout(&order).await.payments;
        assert_eq!(payments.len(), 2);
        assert_eq!(payments[1].status(), PaymentStatus::Cancelled);
        assert_eq!(payments[0].id, payment.id);
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_counts_when_the_gateway_knows_no_trade_and_not_before_it_says_so() {
    on_each_engine(async |shop| {
        let order = shop.order("9.99").await;
        // An Alipay code that was not scanned is no trade.
        lose_the_first_answer(shop, &order, Method::Alipay).await;
        shop.sim
            .fault(Fault::new(FaultKind::ErrorBefore).at(Endpoint::Query).times(1));
        let unknown = shop.try_start(&order, Method::Alipay).await;
        assert!(matches!(unknown, Err(Error::Unreachable { .. })), "{unknown:?}");
        assert_eq!(
            shop.checkout(&order).await.payments[0].status(),
            PaymentStatus::Pending
        );
        shop.sim.fault(at_create(FaultKind::Declined).times(1));
        let declined = shop.try_start(&order, Method::Alipay).await;
        assert!(matches!(declined, Err(Error::Declined { .. })), "{declined:?}");
        assert_eq!(
            shop.checkout(&order).await.payments[0].status(),
            PaymentStatus::Failed
        );
    })
    .await;
}

#[tokio::test]
async fn an_automatically_repeated_create_call_is_queried_too() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        let order = shop.order("9.99").await;
        // Refused as busy, though the order was accepted and paid: the same call is sent again at once, and refused.
        shop.sim.faults(
            Faults::none()
                .with(Fault::new(FaultKind::Mute))
                .with(at_create(FaultKind::Early).times(1))
                .with(at_create(FaultKind::BusyAfter).times(1))
                .with(at_create(FaultKind::DeclinedAgain)),
        );
        let payment = shop.start(&order, method).await;
        assert_eq!(payment.status(), PaymentStatus::Success, "{method}");
        shop.sim.faults(Faults::none());
    }
    shop.close().await;
}

#[tokio::test]
async fn a_refusal_by_the_backup_host_says_nothing_of_the_first() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    shop.sim.faults(
        Faults::none()
            .with(at_create(FaultKind::ResetAfter).host(Host::Primary).times(1))
            .with(at_create(FaultKind::DeclinedAgain).times(1)),
    );
    let payment = shop.start(&order, Method::Wechat).await;
    assert_eq!(payment.status(), PaymentStatus::Processing);
    assert_eq!(shop.checkout(&order).await.payments.len(), 1);
    shop.scan_and_pay(&payment).await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}
