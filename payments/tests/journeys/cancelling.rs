//! Expiry and cancellation: the gateway is queried before anything ends, and no payment is ignored.

use std::time::Duration;

use domain::{LatePolicy, Method, OrderStatus, PaymentStatus, Refusal};
use payments::{EXPIRED_REASON, Error, Policy};
use simulator::{Endpoint, Fault, FaultKind, WechatKeys};

use crate::shop::{BOTH, Shop, engines, on_each_engine};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_unpaid_payment_ends_after_a_quarter_and_its_order_after_half_an_hour() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("8.00").await;
            let payment = shop.start(&order, method).await;
            shop.pass(14 * MINUTE).await;
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
            shop.pass(2 * MINUTE).await;
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Cancelled);
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
            shop.pass(15 * MINUTE).await;
            let order = shop.checkout(&order).await.order;
            assert_eq!(order.status(), OrderStatus::Cancelled);
            assert_eq!(order.cancel_reason.as_deref(), Some(EXPIRED_REASON));
        }
    })
    .await;
}

#[tokio::test]
async fn a_payment_at_the_last_second_is_not_lost() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::Mute));
        for (method, _) in BOTH {
            let order = shop.order("8.00").await;
            let payment = shop.start(&order, method).await;
            shop.sleep(15 * MINUTE - Duration::from_secs(1)).await;
            shop.scan_and_pay(&payment).await;
            shop.sleep(Duration::from_secs(2)).await;
            payments::expire(&shop.services).await.unwrap();
            assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn money_for_a_cancelled_order_is_recorded_and_goes_back() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.pass(31 * MINUTE).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Cancelled);
        let prompt = payment.prompt.as_deref().unwrap();
        shop.sim.pay(prompt).await.unwrap();
        let late = shop.payment(&payment).await;
        assert_eq!(
            late.status(),
            PaymentStatus::Refunding,
            "written with the money itself"
        );
        assert!(!late.settles);
        assert_eq!(late.refunding, late.amount);
        shop.pass(2 * MINUTE).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunded);
        assert_eq!(shop.status(&order).await, OrderStatus::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn late_money_pays_its_order_where_the_operator_accepts_it() {
    for engine in engines() {
        let policy = Policy {
            late_payment: LatePolicy::Accept,
            ..Policy::default()
        };
        let mut shop = Shop::open(engine, WechatKeys::PublicKey, policy).await;
        shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.pass(31 * MINUTE).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Cancelled);
        shop.scan_and_pay(&payment).await;
        shop.pass(2 * MINUTE).await;
        let paid = shop.checkout(&order).await;
        assert_eq!(paid.order.status(), OrderStatus::Paid);
        assert_eq!(paid.order.cancel_reason, None);
        assert!(paid.payments[0].settles);
        shop.close().await;
    }
}

#[tokio::test]
async fn cancelling_closes_the_code_at_the_gateway() {
    on_each_engine(async |shop| {
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.cancel(&order.id).await.unwrap();
        assert_eq!(shop.status(&order).await, OrderStatus::Cancelled);
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Cancelled);
        assert_eq!(
            shop.sim.books().trade(payment.payment_no.as_str()).unwrap().state,
            "CLOSED"
        );
        let again = shop.cancel(&order.id).await.unwrap();
        assert!(matches!(again, payments::Outcome::Existing(_)));
    })
    .await;
}

#[tokio::test]
async fn cancelling_an_order_that_was_just_paid_is_refused_and_it_is_paid() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::Mute));
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Alipay).await;
        shop.scan_and_pay(&payment).await;
        let refused = shop.cancel(&order.id).await;
        assert!(
            matches!(refused, Err(Error::Refused(Refusal::OrderNotCancellable))),
            "{refused:?}"
        );
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    })
    .await;
}

#[tokio::test]
async fn nothing_ends_while_the_gateway_cannot_be_asked() {
    on_each_engine(async |shop| {
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.sim.fault(Fault::new(FaultKind::Html502));
        shop.pass(40 * MINUTE).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
        assert_eq!(shop.status(&order).await, OrderStatus::Pending);
        assert!(matches!(
            shop.cancel(&order.id).await,
            Err(Error::Unreachable { .. })
        ));
        shop.sim.faults(simulator::Faults::none());
        shop.pass(2 * MINUTE).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn a_code_that_cannot_be_closed_is_still_asked_about_until_its_deadline() {
    on_each_engine(async |shop| {
        shop.sim.fault(Fault::new(FaultKind::Mute));
        let order = shop.order("8.00").await;
        // It was not scanned, so Alipay has nothing to close when the payer changes to WeChat.
        let left = shop.start(&order, Method::Alipay).await;
        shop.start(&order, Method::Wechat).await;
        assert_eq!(shop.payment_status(&left).await, PaymentStatus::Cancelled);
        shop.scan_and_pay(&left).await;
        shop.pass(Duration::from_secs(90)).await;
        let checkout = shop.checkout(&order).await;
        assert_eq!(checkout.order.status(), OrderStatus::Paid);
        // The order needs no more money: the code that is open is closed without waiting for its deadline.
        assert!(checkout.payments.iter().all(|payment| !payment.state.is_open()));
    })
    .await;
}

#[tokio::test]
async fn a_payment_of_the_wrong_amount_ends_nothing_and_is_shown_as_processing() {
    on_each_engine(async |shop| {
        let order = shop.order("8.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        let mut alteration = simulator::Alteration {
            new_id: true,
            ..simulator::Alteration::default()
        };
        alteration.set.insert("total".to_owned(), serde_json::json!(700));
        let letter = shop.sim.letter(payment.payment_no.as_str(), &alteration).unwrap();
        assert_eq!(shop.deliver(&letter).await, 200);
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
        assert_eq!(shop.status(&order).await, OrderStatus::Pending);
    })
    .await;
}

#[tokio::test]
async fn payments_that_cannot_be_closed_do_not_keep_the_others_waiting() {
    on_each_engine(async |shop| {
        shop.sim.fault(
            Fault::new(FaultKind::Html502)
                .on(simulator::Gateway::Wechat)
                .at(Endpoint::Query),
        );
        let mut open = Vec::new();
        for n in 0..40 {
            let order = shop.order("1.00").await;
            let method = if n < 36 { Method::Wechat } else { Method::Alipay };
            open.push(shop.start(&order, method).await);
        }
        shop.sleep(15 * MINUTE + Duration::from_secs(1)).await;
        payments::expire(&shop.services).await.unwrap();
        for payment in open {
            let is_closed = shop.payment_status(&payment).await == PaymentStatus::Cancelled;
            assert_eq!(is_closed, payment.method() == Method::Alipay);
        }
    })
    .await;
}
