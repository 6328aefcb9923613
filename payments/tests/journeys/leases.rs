//! Leases of dead servers, and due times after the clock was set back.

use std::time::Duration;

use domain::{Method, PaymentStatus, RefundState};
use payments::{Process, RefundRequest, Services, beat, enter_service, mend_times};
use simulator::{Fault, FaultKind};

use crate::shop::{Engine, Shop, engines, on_each_engine};

/// The most that the gateways' own check of our clock allows.
const SETBACK: Duration = Duration::from_mins(9);

/// Another server on the same database.
fn another_server(shop: &Shop) -> Services {
    Services {
        process: Process::new(&shop.services.clock),
        ..shop.services.clone()
    }
}

#[tokio::test]
async fn leases_of_a_dead_server_are_released_within_seconds() {
    for engine in engines() {
        let mut shop = Shop::on(engine).await;
        let dead = another_server(&shop);
        enter_service(&dead).await.unwrap();
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Alipay).await;
        shop.sim.fault(Fault::new(FaultKind::Mute));
        shop.scan_and_pay(&payment).await;
        let leased_until = (shop.services.clock.now() + Duration::from_mins(1)).millis();
        let id = dead.process.id();
        shop.meddle(format!(
            "update payments set leased_until = {leased_until}, leased_by = '{id}', due_at = 1"
        ))
        .await;
        shop.run_jobs().await;
        assert_eq!(
            shop.payment_status(&payment).await,
            PaymentStatus::Processing,
            "it is leased"
        );
        match engine {
            Engine::Sqlite => enter_service(&shop.services).await.unwrap(),
            Engine::Postgres => {
                let mut n_dead = 0;
                for _ in 0..5 {
                    n_dead += beat(&shop.services).await.unwrap();
                    shop.services.clock.advance(Duration::from_secs(2));
                }
                assert_eq!(n_dead, 1, "its beat stood still for eight seconds");
            }
        }
        shop.run_jobs().await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
        shop.close().await;
    }
}

#[tokio::test]
async fn a_create_call_that_died_with_its_server_is_sent_again_at_once() {
    on_each_engine(async |shop| {
        let dead = another_server(shop);
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Wechat).await;
        let until = (shop.services.clock.now() + Duration::from_secs(20)).millis();
        let id = dead.process.id();
        shop.meddle(format!(
            "update payments set prompt = null, state = 'created', calling_until = {until}, calling_by = '{id}'"
        ))
        .await;
        payments::leave_service(&dead).await.unwrap();
        let again = shop.start(&order, Method::Wechat).await;
        assert_eq!(again.payment_no, payment.payment_no);
        assert!(again.prompt.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_clock_set_back_unnoticed_delays_no_open_payment() {
    on_each_engine(async |shop| {
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Alipay).await;
        shop.sim.fault(Fault::new(FaultKind::Mute));
        shop.scan_and_pay(&payment).await;
        shop.services.clock.put_back(SETBACK);
        let restarted = another_server(shop);
        assert_eq!(mend_times(&restarted).await.unwrap(), 1);
        shop.run_jobs().await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
    })
    .await;
}

#[tokio::test]
async fn a_clock_set_back_delays_no_row() {
    on_each_engine(async |shop| {
        let paid_order = shop.order("9.99").await;
        let paid = shop.start(&paid_order, Method::Alipay).await;
        shop.scan_and_pay(&paid).await;
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Alipay).await;
        assert!(payments::try_to_attend(&shop.services, &shop.checkout(&order).await).await);
        shop.sim.fault(Fault::new(FaultKind::Mute));
        shop.scan_and_pay(&payment).await;
        let request = RefundRequest {
            payment_id: paid.id.clone(),
            amount: None,
            reason: "不想要了".to_owned(),
            refund_no: None,
            by: payments::Requester::Rule,
        };
        let refund = payments::request_refund(&shop.services, request, None)
            .await
            .unwrap();
        let refund = refund.into_value().unwrap();
        let leased_until = (shop.services.clock.now() + Duration::from_mins(1)).millis();
        shop.meddle(format!(
            "update payments set leased_until = {leased_until}, asked_at = {leased_until}"
        ))
        .await;
        shop.meddle(format!("update refunds set leased_until = {leased_until}"))
            .await;

        assert_eq!(mend_times(&shop.services).await.unwrap(), 0);
        shop.services.clock.put_back(SETBACK);
        assert_eq!(mend_times(&shop.services).await.unwrap(), 2);
        shop.services.clock.advance(Duration::from_secs(3));
        shop.run_jobs().await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
        let (refund, _) = payments::find_refund(&shop.services, &refund.id).await.unwrap();
        assert_eq!(refund.state, RefundState::Succeeded);
        assert_eq!(mend_times(&shop.services).await.unwrap(), 0);
    })
    .await;
}
