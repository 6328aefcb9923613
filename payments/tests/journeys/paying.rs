//! The main journey: a code is shown, scanned and paid, and the order is paid.

use std::time::Duration;

use domain::{Method, OrderStatus, PaymentStatus};
use payments::Policy;
use simulator::{Fault, FaultKind, WechatKeys};

use crate::shop::{BOTH, Engine, Shop, on_each_engine};

#[tokio::test]
async fn a_scanned_code_pays_the_order() {
    on_each_engine(async |shop| {
        for (method, product) in BOTH {
            let order = shop.order("99.90").await;
            let payment = shop.start(&order, method).await;
            assert_eq!(payment.product, product);
            assert_eq!(payment.status(), PaymentStatus::Processing);
            shop.scan_and_pay(&payment).await;
            let paid = shop.checkout(&order).await;
            assert_eq!(paid.order.status(), OrderStatus::Paid);
            assert_eq!(paid.order.paid_amount(), order.amount);
            assert_eq!(paid.payments[0].status(), PaymentStatus::Success);
            let books = shop.sim.books();
            let trade = books.trade(payment.payment_no.as_str()).unwrap();
            assert_eq!(paid.payments[0].transaction_id, trade.gateway_no);
            assert!(
                books
                    .notifications
                    .iter()
                    .all(|notification| notification.acknowledged),
                "{:?}",
                books.notifications
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_payment_is_paid_by_asking_when_every_callback_is_dropped() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::Mute));
        for (method, _) in BOTH {
            let order = shop.order("0.01").await;
            let payment = shop.start(&order, method).await;
            shop.scan_and_pay(&payment).await;
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
            shop.pass(Duration::from_mins(1)).await;
            assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        }
    })
    .await;
}

#[tokio::test]
async fn callbacks_that_come_twice_early_late_and_out_of_order_pay_once() {
    on_each_engine(async |shop| {
        let faults = [
            FaultKind::Duplicate { copies: 5 },
            FaultKind::Early,
            FaultKind::Delay { ms: 120_000 },
            FaultKind::Reorder,
        ];
        for kind in faults {
            for (method, _) in BOTH {
                shop.sim.faults(simulator::Faults::none());
                shop.sim.fault(Fault::new(kind));
                let order = shop.order("12.34").await;
                let payment = shop.start(&order, method).await;
                if kind != FaultKind::Early {
                    shop.scan_and_pay(&payment).await;
                }
                shop.pass(Duration::from_mins(3)).await;
                let paid = shop.checkout(&order).await;
                assert_eq!(paid.order.status(), OrderStatus::Paid, "{kind:?} {method}");
                assert_eq!(paid.payments.len(), 1);
                assert!(paid.payments[0].settles);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_method_gives_the_same_code_and_another_method_closes_it_first() {
    on_each_engine(async |shop| {
        let order = shop.order("5.00").await;
        let first = shop.start(&order, Method::Wechat).await;
        assert_eq!(shop.start(&order, Method::Wechat).await, first);
        let second = shop.start(&order, Method::Alipay).await;
        assert_ne!(second.payment_no, first.payment_no);
        assert_eq!(shop.payment_status(&first).await, PaymentStatus::Cancelled);
        assert_eq!(
            shop.sim.books().trade(first.payment_no.as_str()).unwrap().state,
            "CLOSED"
        );
        // Changing back makes a third payment: the numbers never collide.
        let third = shop.start(&order, Method::Wechat).await;
        assert_ne!(third.payment_no, first.payment_no);
        shop.scan_and_pay(&third).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    })
    .await;
}

#[tokio::test]
async fn a_coupon_pays_less_and_settles_the_whole_order() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("20.00").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.sim
        .pay_with_coupon(payment.prompt.as_deref().unwrap(), 500)
        .await
        .unwrap();
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn platform_certificates_are_downloaded_and_followed_through_a_rotation() {
    let mut shop = Shop::open(Engine::Sqlite, WechatKeys::Certificate, Policy::default()).await;
    let order = shop.order("1.00").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.sim.fault(Fault::new(FaultKind::Rotate));
    shop.scan_and_pay(&payment).await;
    shop.pass(Duration::from_secs(90)).await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn a_watched_page_shows_the_payment_within_five_seconds() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    shop.sim.fault(Fault::new(FaultKind::Mute));
    let order = shop.order("3.00").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.sleep(Duration::from_secs(4)).await;
    assert!(payments::try_to_attend(&shop.services, &shop.checkout(&order).await).await);
    shop.scan_and_pay(&payment).await;
    for _ in 0..5 {
        shop.sleep(Duration::from_secs(1)).await;
        shop.run_jobs().await;
    }
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn a_viewer_is_notified_of_the_payment() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("3.00").await;
    let payment = shop.start(&order, Method::Alipay).await;
    let mut news = shop.services.watchers.follow(&shop.services, &order.id);
    let mut second_tab = shop.services.watchers.follow(&shop.services, &order.id);
    shop.scan_and_pay(&payment).await;
    let is_paid = |checkout: &Option<std::sync::Arc<payments::Checkout>>| {
        checkout
            .as_deref()
            .is_some_and(|checkout| checkout.order.status() == OrderStatus::Paid)
    };
    for viewer in [&mut news, &mut second_tab] {
        tokio::time::timeout(Duration::from_secs(10), viewer.wait_for(is_paid))
            .await
            .unwrap()
            .unwrap();
    }
    shop.close().await;
}
