//! Recovery after an outage, without a person.

use std::time::Duration;

use domain::{Method, OrderStatus, PaymentStatus, RefundState};
use payments::EXPIRED_REASON;
use simulator::{Fault, FaultKind, Faults};

use crate::refunds::{paid, refund, state};
use crate::shop::{BOTH, on_each_engine};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn an_outage_of_an_hour_is_healed_within_two_minutes() {
    on_each_engine(async |shop| {
        let (mut bought, mut left, mut back) = (Vec::new(), Vec::new(), Vec::new());
        for (method, _) in BOTH {
            let order = shop.order("4.00").await;
            bought.push((shop.start(&order, method).await, order));
            let order = shop.order("5.00").await;
            left.push((shop.start(&order, method).await, order));
            let (order, payment) = paid(shop, "6.00", method).await;
            back.push((refund(shop, &payment, None).await.unwrap(), order));
        }
        shop.sim.fault(Fault::new(FaultKind::Html502));
        shop.sim.fault(Fault::new(FaultKind::Mute));
        for (payment, _) in &bought {
            shop.scan_and_pay(payment).await;
        }
        shop.pass(HOUR).await;
        for (payment, order) in bought.iter().chain(&left) {
            assert_eq!(
                shop.status(order).await,
                OrderStatus::Pending,
                "nothing ends unheard"
            );
            assert_eq!(shop.payment_status(payment).await, PaymentStatus::Processing);
        }
        for (refund, _) in &back {
            assert_eq!(state(shop, refund).await, RefundState::Requested);
        }

        // The notifications of the outage stay lost.
        shop.sim.faults(Faults::none().with(Fault::new(FaultKind::Mute)));
        shop.pass(2 * MINUTE).await;
        for (payment, order) in &bought {
            assert_eq!(
                shop.status(order).await,
                OrderStatus::Paid,
                "{}",
                payment.method()
            );
        }
        for (payment, order) in &left {
            let order = shop.checkout(order).await.order;
            assert_eq!(order.status(), OrderStatus::Cancelled);
            assert_eq!(order.cancel_reason.as_deref(), Some(EXPIRED_REASON));
            assert_eq!(shop.payment_status(payment).await, PaymentStatus::Cancelled);
        }
        for (refund, order) in &back {
            assert_eq!(state(shop, refund).await, RefundState::Succeeded);
            assert_eq!(shop.status(order).await, OrderStatus::Refunded);
        }
        assert_eq!(shop.sim.books().refunds.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_slowly_polled_payment_is_still_noticed_within_a_minute() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::Mute));
        for (method, _) in BOTH {
            let order = shop.order("4.00").await;
            let payment = shop.start(&order, method).await;
            shop.pass(13 * MINUTE).await;
            shop.scan_and_pay(&payment).await;
            shop.pass(MINUTE).await;
            assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn money_that_comes_a_day_after_the_cancellation_is_still_found() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::Mute));
        shop.sim
            .fault(Fault::new(FaultKind::LatePay).at(simulator::Endpoint::Close));
        let order = shop.order("4.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.cancel(&order.id).await.unwrap();
        let doze = async |hours: u32| {
            for _ in 0..hours * 4 {
                shop.sleep(15 * MINUTE).await;
                shop.run_jobs().await;
            }
        };
        doze(23).await;
        shop.scan_and_pay(&payment).await;
        doze(2).await;
        let late = shop.payment(&payment).await;
        assert_eq!(late.status(), PaymentStatus::Refunded, "{late:?}");
        assert_eq!(shop.status(&order).await, OrderStatus::Cancelled);
    })
    .await;
}
