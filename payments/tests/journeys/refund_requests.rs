//! Refund requests: concurrent, under one number, within the gateways' limits; and their display.

use std::sync::Arc;
use std::time::Duration;

use domain::refund::{MOST_REFUNDS, WINDOW};
use domain::{Method, OrderStatus, PaymentStatus, Refund, RefundNo, RefundRefusal};
use futures_util::future::join_all;
use payments::{Error, Idempotency, KeptAnswer, OrderFilter, Outcome, PaymentFilter};

use crate::refunds::{paid, refund, request};
use crate::shop::{BOTH, on_each_engine, persistently};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refunds_at_once_give_back_exactly_what_was_paid() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (order, payment) = paid(shop, "10.00", method).await;
            let answers = join_all((0..50).map(|_| {
                let services = shop.services.clone();
                let request = request(&payment, Some(40), None);
                tokio::spawn(async move {
                    persistently(|| payments::request_refund(&services, request.clone(), None)).await
                })
            }))
            .await;
            let mut n_accepted = 0;
            for answer in answers {
                match answer.unwrap() {
                    Ok(_) => n_accepted += 1,
                    Err(Error::RefundRefused(RefundRefusal::ExceedsPayment)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            assert_eq!(n_accepted, 25, "{method}");
            let claimed = shop.payment(&payment).await;
            assert_eq!(claimed.refunding, payment.amount);
            if method == Method::Alipay {
                shop.pass(Duration::from_mins(1)).await;
                assert_eq!(shop.status(&order).await, OrderStatus::Refunded);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_under_one_number_or_one_key_are_one_refund() {
    on_each_engine(async |shop| {
        let (_, payment) = paid(shop, "10.00", Method::Alipay).await;
        let answers = join_all((0..50).map(|_| {
            let services = shop.services.clone();
            let request = request(&payment, Some(40), Some("same-number"));
            tokio::spawn(async move {
                persistently(|| payments::request_refund(&services, request.clone(), None)).await
            })
        }))
        .await;
        let n_new = answers
            .into_iter()
            .filter(|answer| matches!(answer.as_ref().unwrap().as_ref().unwrap(), Outcome::New(_)))
            .count();
        assert_eq!(n_new, 1);
        let idempotency = Idempotency {
            route: "POST /payments/{id}/refund".to_owned(),
            key: "key".to_owned(),
            fingerprint: "same".to_owned(),
            answer: Arc::new(|refund: &Refund, _| KeptAnswer {
                status: 202,
                body: refund.id.to_string(),
            }),
        };
        let answers = join_all((0..50).map(|_| {
            let services = shop.services.clone();
            let (request, idempotency) = (request(&payment, Some(40), None), idempotency.clone());
            tokio::spawn(async move {
                persistently(|| {
                    payments::request_refund(&services, request.clone(), Some(idempotency.clone()))
                })
                .await
            })
        }))
        .await;
        let mut ids: Vec<String> = answers
            .into_iter()
            .map(|answer| match answer.unwrap().unwrap() {
                Outcome::New(refund) | Outcome::Existing(refund) => refund.id.to_string(),
                Outcome::Replayed(kept) => kept.body,
            })
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        let refunds = payments::list_refunds(&shop.services, &payment.id).await.unwrap();
        assert_eq!(refunds.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn refunds_that_gateways_would_refuse_are_refused_with_a_reason() {
    on_each_engine(async |shop| {
        let unpaid = shop.order("1.00").await;
        let unpaid = shop.start(&unpaid, Method::Wechat).await;
        let refused = refund(shop, &unpaid, None).await;
        assert!(
            matches!(refused, Err(Error::RefundRefused(RefundRefusal::NotPaid))),
            "{refused:?}"
        );
        let (_, payment) = paid(shop, "1.00", Method::Wechat).await;
        for _ in 0..MOST_REFUNDS {
            refund(shop, &payment, Some(1)).await.unwrap();
        }
        let refused = refund(shop, &payment, Some(1)).await;
        assert!(
            matches!(refused, Err(Error::RefundRefused(RefundRefusal::TooMany))),
            "{refused:?}"
        );
        let (_, old) = paid(shop, "1.00", Method::Alipay).await;
        shop.services.clock.advance(WINDOW + Duration::from_secs(1));
        let refused = refund(shop, &old, Some(1)).await;
        assert!(
            matches!(refused, Err(Error::RefundRefused(RefundRefusal::TooLate))),
            "{refused:?}"
        );
        let words = refused.unwrap_err().to_string();
        assert!(words.contains("365 days"), "{words}");
    })
    .await;
}

#[tokio::test]
async fn a_reason_and_a_number_are_checked_before_anything_is_written() {
    on_each_engine(async |shop| {
        let (_, payment) = paid(shop, "1.00", Method::Wechat).await;
        for reason in ["", " ", "a\nb", "a\u{202E}b", &"长".repeat(257)] {
            let mut request = request(&payment, None, None);
            request.reason = reason.to_owned();
            let refused = payments::request_refund(&shop.services, request, None).await;
            assert!(
                matches!(refused, Err(Error::Invalid { field: "reason", .. })),
                "{reason:?} {refused:?}"
            );
        }
        for number in ["", "a b", "号", "a|b", &"n".repeat(65)] {
            let refused =
                payments::request_refund(&shop.services, request(&payment, None, Some(number)), None).await;
            assert!(
                matches!(
                    refused,
                    Err(Error::Invalid {
                        field: "refundNo",
                        ..
                    })
                ),
                "{number:?} {refused:?}"
            );
        }
        let refunds = payments::list_refunds(&shop.services, &payment.id).await.unwrap();
        assert!(refunds.is_empty());
        let longest = "n".repeat(64);
        assert!(RefundNo::parse(&longest).is_some());
        let mut request = request(&payment, None, Some(&longest));
        request.reason = "长".repeat(256);
        payments::request_refund(&shop.services, request, None)
            .await
            .unwrap();
        shop.pass(Duration::from_secs(30)).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunded);
    })
    .await;
}

#[tokio::test]
async fn lists_find_pending_and_finished_refunds() {
    on_each_engine(async |shop| {
        let count = async |status| {
            let filter = PaymentFilter {
                status: Some(status),
                limit: 100,
                ..PaymentFilter::default()
            };
            let page = payments::list_payments(&shop.services, filter).await.unwrap();
            assert!(page.data.iter().all(|listed| listed.payment.status() == status));
            page.data.len()
        };
        let n_orders = async |status| {
            let filter = OrderFilter {
                status: Some(status),
                limit: 100,
                ..OrderFilter::default()
            };
            let page = payments::list_orders(&shop.services, filter).await.unwrap();
            assert!(page.data.iter().all(|order| order.status() == status));
            page.data.len()
        };
        let (order, payment) = paid(shop, "2.00", Method::Alipay).await;
        let before = shop.checkout(&order).await.order.updated_at;
        shop.pass(Duration::from_secs(5)).await;
        assert_eq!(count(PaymentStatus::Success).await, 1);
        refund(shop, &payment, Some(50)).await.unwrap();
        assert_eq!(count(PaymentStatus::Refunding).await, 1);
        assert_eq!(count(PaymentStatus::Success).await, 0);
        assert_eq!(n_orders(OrderStatus::Paid).await, 1);
        shop.pass(Duration::from_secs(5)).await;
        assert_eq!(count(PaymentStatus::Success).await, 1);
        assert_eq!(n_orders(OrderStatus::PartiallyRefunded).await, 1);
        assert!(shop.checkout(&order).await.order.updated_at > before);
        refund(shop, &payment, None).await.unwrap();
        shop.pass(Duration::from_secs(5)).await;
        assert_eq!(count(PaymentStatus::Refunded).await, 1);
        assert_eq!(n_orders(OrderStatus::Refunded).await, 1);
        assert_eq!(n_orders(OrderStatus::PartiallyRefunded).await, 0);
    })
    .await;
}
