//! Overdue rows: an incident with the gateway's last answer, settled when the row ends.

use std::time::Duration;

use domain::{Method, OrderStatus, PaymentStatus, Product, RefundState};
use payments::console::{IncidentKind, list_open_incidents, list_resolved_incidents};
use payments::{LateJob, QueueAges, RefundRequest, look_after, refresh_gauges, write_calls};
use simulator::{Endpoint, Fault, FaultKind, Faults};

use crate::shop::{Shop, on_each_engine};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

async fn work_and_look(shop: &Shop) {
    shop.run_jobs().await;
    write_calls(&shop.services).await.unwrap();
    look_after(&shop.services, &[]).await.unwrap();
}

/// Subject and detail of the open incidents of a kind.
async fn find_open(shop: &Shop, kind: IncidentKind) -> Vec<(String, String)> {
    let page = list_open_incidents(&shop.services, None, 100).await.unwrap();
    let of_kind = page
        .data
        .into_iter()
        .filter(|incident| incident.kind == Some(kind));
    of_kind
        .map(|incident| (incident.subject, incident.detail))
        .collect()
}

async fn is_settled(shop: &Shop, kind: IncidentKind) -> bool {
    let resolved = list_resolved_incidents(&shop.services, 100).await.unwrap();
    find_open(shop, kind).await.is_empty()
        && resolved
            .iter()
            .any(|incident| incident.kind == Some(kind) && incident.resolved_by.is_none())
}

#[tokio::test]
async fn an_overdue_refund_is_an_incident_until_it_ends() {
    on_each_engine(async |shop| {
        for (method, after) in [(Method::Alipay, HOUR), (Method::Wechat, 24 * HOUR)] {
            for kind in [FaultKind::ErrorBefore, FaultKind::Truncate] {
                let order = shop.order("9.99").await;
                let payment = shop.start(&order, method).await;
                shop.scan_and_pay(&payment).await;
                shop.sim.faults(
                    Faults::none()
                        .with(Fault::new(kind).at(Endpoint::Refund))
                        .with(Fault::new(kind).at(Endpoint::QueryRefund)),
                );
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
                let refund = refund.into_value().unwrap();
                work_and_look(shop).await;
                shop.sleep(after - MINUTE).await;
                work_and_look(shop).await;
                assert!(
                    find_open(shop, IncidentKind::RefundOverdue).await.is_empty(),
                    "{method}"
                );
                shop.sleep(2 * MINUTE).await;
                work_and_look(shop).await;
                let told = find_open(shop, IncidentKind::RefundOverdue).await;
                assert_eq!(told.len(), 1, "{method} {kind:?}");
                assert_eq!(told[0].0, refund.id.as_str());
                assert!(told[0].1.contains("Last words of the gateway: "), "{}", told[0].1);

                shop.sim.faults(Faults::none());
                shop.pass(3 * MINUTE).await;
                work_and_look(shop).await;
                let (refund, _) = payments::find_refund(&shop.services, &refund.id).await.unwrap();
                assert_eq!(refund.state, RefundState::Succeeded, "{method} {kind:?}");
                assert!(is_settled(shop, IncidentKind::RefundOverdue).await);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_paid_payment_without_a_usable_query_answer_is_an_incident() {
    on_each_engine(async |shop| {
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Alipay).await;
        let unusable = Fault::new(FaultKind::OtherTrade).at(Endpoint::Query);
        shop.sim
            .faults(Faults::none().with(Fault::new(FaultKind::Mute)).with(unusable));
        shop.scan_and_pay(&payment).await;
        shop.sleep(10 * MINUTE).await;
        work_and_look(shop).await;
        assert!(find_open(shop, IncidentKind::PaymentUnanswered).await.is_empty());
        shop.sleep(31 * MINUTE).await;
        work_and_look(shop).await;
        let told = find_open(shop, IncidentKind::PaymentUnanswered).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, payment.id.as_str());
        assert!(told[0].1.contains("query at "), "{}", told[0].1);
        shop.sleep(5 * MINUTE).await;
        work_and_look(shop).await;
        assert_eq!(
            find_open(shop, IncidentKind::PaymentOverdue).await.len(),
            1,
            "its time is over too"
        );

        shop.sim.faults(Faults::none());
        shop.pass(2 * MINUTE).await;
        work_and_look(shop).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
        assert!(is_settled(shop, IncidentKind::PaymentUnanswered).await);
        assert!(is_settled(shop, IncidentKind::PaymentOverdue).await);
    })
    .await;
}

#[tokio::test]
async fn a_payment_that_cannot_be_closed_is_an_incident_with_its_order() {
    on_each_engine(async |shop| {
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Wechat).await;
        assert_eq!(payment.product, Product::Native);
        shop.sim
            .fault(Fault::new(FaultKind::ErrorBefore).at(Endpoint::Close));
        shop.sleep(40 * MINUTE).await;
        work_and_look(shop).await;
        assert!(find_open(shop, IncidentKind::PaymentOverdue).await.is_empty());
        shop.sleep(6 * MINUTE).await;
        work_and_look(shop).await;
        let told = find_open(shop, IncidentKind::PaymentOverdue).await;
        assert_eq!(told.len(), 1);
        assert!(told[0].1.contains("close at "), "{}", told[0].1);
        shop.sleep(20 * MINUTE).await;
        work_and_look(shop).await;
        let orders = find_open(shop, IncidentKind::OrderOverdue).await;
        assert_eq!(orders.len(), 1);
        assert_eq!(orders[0].0, order.id.as_str());

        shop.sim.faults(Faults::none());
        shop.pass(2 * MINUTE).await;
        work_and_look(shop).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Cancelled);
        assert!(is_settled(shop, IncidentKind::PaymentOverdue).await);
        assert!(is_settled(shop, IncidentKind::OrderOverdue).await);
    })
    .await;
}

#[tokio::test]
async fn clock_drift_is_an_incident_until_it_is_corrected() {
    on_each_engine(async |shop| {
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Alipay).await;
        for _ in 0..2 {
            shop.sleep(Duration::from_secs(2)).await;
            work_and_look(shop).await;
            assert!(find_open(shop, IncidentKind::ClockOff).await.is_empty());
            shop.sim.advance(42_000).await;
            payments::query_payment(&shop.services, &payment.payment_no, None)
                .await
                .unwrap();
            work_and_look(shop).await;
            let told = find_open(shop, IncidentKind::ClockOff).await;
            assert_eq!(told.len(), 1);
            assert!(told[0].1.contains("42 s behind"), "{}", told[0].1);

            shop.services.clock.advance(Duration::from_secs(42));
            payments::query_payment(&shop.services, &payment.payment_no, None)
                .await
                .unwrap();
            work_and_look(shop).await;
            assert!(is_settled(shop, IncidentKind::ClockOff).await);
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_does_not_run_is_an_incident_until_it_runs() {
    on_each_engine(async |shop| {
        let late = LateJob {
            name: "expire",
            age: HOUR,
        };
        look_after(&shop.services, &[late]).await.unwrap();
        let told = find_open(shop, IncidentKind::JobOverdue).await;
        assert_eq!(told.len(), 1);
        assert!(
            told[0].1.contains("expire has not ended well for 60 min"),
            "{}",
            told[0].1
        );
        look_after(&shop.services, &[]).await.unwrap();
        assert!(is_settled(shop, IncidentKind::JobOverdue).await);
    })
    .await;
}

#[tokio::test]
async fn the_age_of_a_queue_is_that_of_its_oldest_due_row() {
    on_each_engine(async |shop| {
        let measure = async || refresh_gauges(&shop.services).await.unwrap();
        work_and_look(shop).await;
        assert_eq!(measure().await, QueueAges::default());
        let order = shop.order("9.99").await;
        shop.start(&order, Method::Alipay).await;
        shop.sleep(5 * MINUTE).await;
        let ages = measure().await;
        assert_eq!(ages.payments, 5 * MINUTE - Duration::from_secs(5));
        assert_eq!(ages.refunds, Duration::ZERO);
        work_and_look(shop).await;
        assert_eq!(measure().await.payments, Duration::ZERO);
    })
    .await;
}
