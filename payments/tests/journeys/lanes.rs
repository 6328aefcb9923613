//! A gateway that hangs delays only its own payments, and no caller for more than a moment.

use std::time::{Duration, Instant};

use domain::{Method, PaymentStatus, RefundState};
use payments::{Error, RefundRequest};
use simulator::{Endpoint, Fault, FaultKind, Faults, Gateway};

use crate::shop::{Shop, on_each_engine};

const N_HANGING: usize = 20;
/// Time for one call to the other gateway with its claims, on a busy machine. A hanging call takes nine seconds.
const SOON: Duration = Duration::from_secs(7);

fn hang(endpoint: Endpoint) -> Fault {
    Fault::new(FaultKind::HangBefore).at(endpoint).on(Gateway::Wechat)
}

async fn until(what: &str, mut is_done: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_done().await {
        assert!(started.elapsed() < SOON, "{what} took {:?}", started.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_silent_gateway_delays_no_payment_of_the_other() {
    on_each_engine(async |shop| {
        for _ in 0..N_HANGING {
            shop.start(&shop.order("1.00").await, Method::Wechat).await;
        }
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Alipay).await;
        shop.sim.faults(
            Faults::none()
                .with(Fault::new(FaultKind::Mute))
                .with(hang(Endpoint::Query)),
        );
        shop.scan_and_pay(&payment).await;
        shop.sleep(Duration::from_mins(1)).await;
        let services = shop.services.clone();
        let run = tokio::spawn(async move { payments::reconcile_payments(&services).await });
        until("the other gateway's payment", async || {
            shop.payment_status(&payment).await == PaymentStatus::Success
        })
        .await;
        run.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_silent_gateway_delays_no_refund_of_the_other() {
    on_each_engine(async |shop| {
        for _ in 0..N_HANGING {
            request_refund(shop, Method::Wechat).await;
        }
        let refund = request_refund(shop, Method::Alipay).await;
        shop.sim.faults(
            Faults::none()
                .with(hang(Endpoint::Refund))
                .with(hang(Endpoint::QueryRefund)),
        );
        let services = shop.services.clone();
        let run = tokio::spawn(async move { payments::reconcile_refunds(&services).await });
        until("the other gateway's refund", async || {
            let (refund, _) = payments::find_refund(&shop.services, &refund).await.unwrap();
            refund.state == RefundState::Succeeded
        })
        .await;
        run.await.unwrap().unwrap();
    })
    .await;
}

async fn request_refund(shop: &Shop, method: Method) -> domain::RefundId {
    let order = shop.order("1.00").await;
    let payment = shop.start(&order, method).await;
    shop.scan_and_pay(&payment).await;
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        amount: None,
        reason: "不想要了".to_owned(),
        refund_no: None,
        by: payments::Requester::Rule,
    };
    let refund = payments::request_refund(&shop.services, request, None)
        .await
        .unwrap();
    refund.into_value().unwrap().id
}

#[tokio::test]
async fn a_payer_does_not_wait_for_a_gateway_that_is_known_to_hang() {
    on_each_engine(async |shop| {
        for _ in 0..4 {
            shop.start(&shop.order("1.00").await, Method::Wechat).await;
        }
        shop.sleep(Duration::from_mins(1)).await;
        shop.sim.faults(
            Faults::none()
                .with(hang(Endpoint::Query))
                .with(hang(Endpoint::Create)),
        );
        payments::reconcile_payments(&shop.services).await.unwrap();

        let order = shop.order("9.99").await;
        let started = Instant::now();
        let refused = shop.try_start(&order, Method::Wechat).await;
        assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
        assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
        let recorded = shop.checkout(&order).await.payments;
        assert_eq!(
            recorded[0].status(),
            PaymentStatus::Pending,
            "nothing was declined"
        );

        // It answers again: the next probe of a job finds out, and the payer is let through.
        shop.sim.faults(Faults::none());
        shop.services.clock.advance(Duration::from_secs(3));
        payments::reconcile_payments(&shop.services).await.unwrap();
        let payment = shop.start(&order, Method::Wechat).await;
        assert_eq!(payment.payment_no, recorded[0].payment_no);
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
    })
    .await;
}
