//! Gateway log in the order file: request, answer, and whether the answer was accepted.

use std::time::Duration;

use domain::{Method, Money, Order};
use payments::console::{GatewayCall, Operation, Verdict, open_file};
use payments::{RefundRequest, Requester, request_refund, write_calls};
use simulator::{Endpoint, Fault, FaultKind, Faults};

use super::shop::{Shop, on_each_engine};

async fn calls(shop: &Shop, order: &Order) -> Vec<GatewayCall> {
    open_file(&shop.services, &order.id).await.unwrap().calls
}

fn told(calls: &[GatewayCall]) -> Vec<(Operation, Verdict, Option<u16>, i64)> {
    calls
        .iter()
        .map(|call| (call.operation, call.verdict, call.status, call.n))
        .collect()
}

#[tokio::test]
async fn repeated_equal_calls_are_one_row_of_the_gateway_log() {
    on_each_engine(async |shop| {
        let order = shop.order("99.90").await;
        let payment = shop.start(&order, Method::Wechat).await;
        for _ in 0..3 {
            shop.sleep(Duration::from_secs(2)).await;
            payments::query_payment(&shop.services, &payment.payment_no, None)
                .await
                .unwrap();
            write_calls(&shop.services).await.unwrap();
        }
        shop.sim.fault(Fault::new(FaultKind::Mute));
        shop.scan_and_pay(&payment).await;
        shop.sleep(Duration::from_secs(2)).await;
        payments::query_payment(&shop.services, &payment.payment_no, None)
            .await
            .unwrap();
        let calls = calls(shop, &order).await;
        let signed = |operation, n| (operation, Verdict::Signed, Some(200), n);
        assert_eq!(
            told(&calls),
            [
                signed(Operation::Create, 1),
                signed(Operation::Query, 3),
                signed(Operation::Query, 1),
            ]
        );
        assert_eq!(calls[0].line, "POST /v3/pay/transactions/native");
        assert!(calls[0].request.contains(payment.payment_no.as_str()));
        assert!(calls[0].answer.contains("code_url"));
        assert!(calls[1].answer.contains("NOTPAY"));
        assert_eq!(
            calls[1].last_at.duration_since(calls[1].first_at),
            Duration::from_secs(4)
        );
        assert!(calls[2].answer.contains("SUCCESS"));
        assert_eq!(
            write_calls(&shop.services).await.unwrap(),
            0,
            "nothing is written twice"
        );
    })
    .await;
}

#[tokio::test]
async fn a_damaged_or_missing_answer_is_logged_with_its_reason() {
    on_each_engine(async |shop| {
        for method in [Method::Wechat, Method::Alipay] {
            let order = shop.order("5.00").await;
            let payment = shop.start(&order, method).await;
            for kind in [FaultKind::BadSignature, FaultKind::ResetBefore] {
                shop.sim.fault(Fault::new(kind).at(Endpoint::Query));
                shop.sleep(Duration::from_secs(2)).await;
                let answer = payments::query_payment(&shop.services, &payment.payment_no, None).await;
                assert!(answer.is_err(), "{answer:?}");
                shop.sim.faults(Faults::none());
            }
            let calls = calls(shop, &order).await;
            let [_, forged, lost] = calls.as_slice() else {
                panic!("three calls: {calls:?}");
            };
            assert_eq!((forged.verdict, forged.status), (Verdict::NotBelieved, Some(200)));
            assert!(forged.reason.is_some() && !forged.answer.is_empty());
            assert_eq!((lost.verdict, lost.status), (Verdict::NoAnswer, None));
            assert!(lost.reason.is_some() && lost.answer.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn refund_calls_are_logged_without_the_payer() {
    on_each_engine(async |shop| {
        for method in [Method::Wechat, Method::Alipay] {
            let order = shop.order("10.00").await;
            let payment = shop.start(&order, method).await;
            // No notification comes, so the gateway is queried, and its answer names the payer.
            shop.sim.fault(Fault::new(FaultKind::Mute));
            shop.scan_and_pay(&payment).await;
            shop.pass(Duration::from_secs(10)).await;
            let request = RefundRequest {
                payment_id: payment.id.clone(),
                amount: Money::from_fen(400).ok(),
                reason: "改变主意".to_owned(),
                refund_no: None,
                by: Requester::Rule,
            };
            request_refund(&shop.services, request, None).await.unwrap();
            shop.pass(Duration::from_secs(30)).await;
            let calls = calls(shop, &order).await;
            assert!(
                calls.iter().any(|call| call.operation == Operation::Refund),
                "{calls:?}"
            );
            let said: Vec<&str> = calls.iter().flat_map(|call| call.answer.lines()).collect();
            let names = match method {
                Method::Wechat => ["\"openid\": "].as_slice(),
                _ => &["\"buyer_logon_id\": ", "\"sign\": "],
            };
            for name in names {
                let fields: Vec<_> = said.iter().filter(|line| line.contains(name)).collect();
                assert!(!fields.is_empty(), "nobody was named in {said:?}");
                assert!(fields.iter().all(|field| field.contains("••••")), "{fields:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn old_rows_of_the_gateway_log_are_erased() {
    on_each_engine(async |shop| {
        let order = shop.order("1.00").await;
        shop.start(&order, Method::Alipay).await;
        assert_eq!(calls(shop, &order).await.len(), 1);
        shop.sleep(Duration::from_hours(91 * 24)).await;
        let later = shop.order("1.00").await;
        shop.start(&later, Method::Alipay).await;
        assert_eq!(calls(shop, &later).await.len(), 1);
        assert_eq!(calls(shop, &order).await.len(), 0);
    })
    .await;
}
