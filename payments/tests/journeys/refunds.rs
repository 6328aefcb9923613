//! Refunds: never more than was paid, never twice, and never shown as done before the gateway says so.

use std::time::Duration;

use domain::{Method, Money, Order, OrderStatus, Payment, PaymentStatus, Refund, RefundRefusal, RefundState};
use payments::{Error, Outcome, RefundRequest, Requester};

use crate::shop::{BOTH, Shop, on_each_engine};

const MINUTE: Duration = Duration::from_mins(1);

pub fn fen(fen: i64) -> Money {
    Money::from_fen(fen).unwrap()
}

pub fn request(payment: &Payment, amount: Option<i64>, refund_no: Option<&str>) -> RefundRequest {
    RefundRequest {
        payment_id: payment.id.clone(),
        amount: amount.map(fen),
        reason: "不想要了".to_owned(),
        refund_no: refund_no.map(str::to_owned),
        by: Requester::Rule,
    }
}

pub async fn paid(shop: &Shop, yuan: &str, method: Method) -> (Order, Payment) {
    let order = shop.order(yuan).await;
    let payment = shop.start(&order, method).await;
    shop.scan_and_pay(&payment).await;
    (order, shop.payment(&payment).await)
}

pub async fn refund(shop: &Shop, payment: &Payment, amount: Option<i64>) -> Result<Refund, Error> {
    let made = payments::request_refund(&shop.services, request(payment, amount, None), None).await?;
    Ok(made.into_value().unwrap())
}

pub async fn state(shop: &Shop, refund: &Refund) -> RefundState {
    payments::find_refund(&shop.services, &refund.id)
        .await
        .unwrap()
        .0
        .state
}

#[tokio::test]
async fn a_refund_without_an_amount_is_of_the_whole_rest() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (order, payment) = paid(shop, "99.90", method).await;
            let refund = refund(shop, &payment, None).await.unwrap();
            assert_eq!(refund.amount, payment.amount);
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunding);
            assert_eq!(
                shop.status(&order).await,
                OrderStatus::Paid,
                "not shown before it is"
            );
            shop.pass(Duration::from_secs(30)).await;
            let done = shop.payment(&payment).await;
            assert_eq!(done.status(), PaymentStatus::Refunded, "{method}");
            assert_eq!(done.refunded, payment.amount);
            assert_eq!(done.refund_reason.as_deref(), Some("不想要了"));
            assert!(done.refunded_at.is_some());
            let order = shop.checkout(&order).await.order;
            assert_eq!(order.status(), OrderStatus::Refunded);
            assert_eq!(order.refund_reason.as_deref(), Some("不想要了"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_partial_refund_is_followed_by_the_rest() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (order, payment) = paid(shop, "10.00", method).await;
            refund(shop, &payment, Some(300)).await.unwrap();
            shop.pass(Duration::from_secs(30)).await;
            let part = shop.payment(&payment).await;
            assert_eq!((part.status(), part.refunded), (PaymentStatus::Success, fen(300)));
            assert_eq!(shop.status(&order).await, OrderStatus::PartiallyRefunded);
            let too_much = refund(shop, &payment, Some(701)).await;
            assert!(
                matches!(too_much, Err(Error::RefundRefused(RefundRefusal::ExceedsPayment))),
                "{too_much:?}"
            );
            let rest = refund(shop, &payment, None).await.unwrap();
            assert_eq!(rest.amount, fen(700));
            shop.pass(2 * MINUTE).await;
            assert_eq!(state(shop, &rest).await, RefundState::Succeeded);
            assert_eq!(shop.status(&order).await, OrderStatus::Refunded);
            let nothing = refund(shop, &payment, None).await;
            assert!(
                matches!(nothing, Err(Error::RefundRefused(RefundRefusal::NothingLeft))),
                "{nothing:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn one_number_is_one_refund_and_the_gateway_gets_that_number() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (_, payment) = paid(shop, "10.00", method).await;
            let number = format!("shop-{method}_1");
            let ask = async |amount| {
                let request = request(&payment, amount, Some(&number));
                payments::request_refund(&shop.services, request, None).await
            };
            let Ok(Outcome::New(first)) = ask(Some(400)).await else {
                panic!("the first is new")
            };
            let Ok(Outcome::Existing(again)) = ask(Some(400)).await else {
                panic!("the second is the first")
            };
            assert_eq!(first.id, again.id);
            for other in [Some(500), None] {
                let reused = ask(other).await;
                assert!(
                    matches!(reused, Err(Error::RefundRefused(RefundRefusal::NumberReused))),
                    "{reused:?}"
                );
            }
            shop.pass(Duration::from_secs(30)).await;
            assert_eq!(shop.sim.books().refund(&number).unwrap().fen, 400);
        }
    })
    .await;
}

#[tokio::test]
async fn a_payment_is_refunded_in_many_parts_to_the_last_fen() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (order, payment) = paid(shop, "0.07", method).await;
            for _ in 0..7 {
                refund(shop, &payment, Some(1)).await.unwrap();
            }
            assert!(refund(shop, &payment, Some(1)).await.is_err());
            shop.pass(8 * MINUTE).await;
            assert_eq!(
                shop.payment_status(&payment).await,
                PaymentStatus::Refunded,
                "{method}"
            );
            assert_eq!(shop.status(&order).await, OrderStatus::Refunded);
            let booked = shop.sim.books().refunds;
            let booked: Vec<_> = booked
                .iter()
                .filter(|refund| refund.out_trade_no == payment.payment_no.as_str())
                .collect();
            assert_eq!(booked.len(), 7);
        }
    })
    .await;
}

#[tokio::test]
async fn wechat_gets_partial_refunds_a_minute_apart_without_delaying_the_merchant() {
    on_each_engine(async |shop| {
        let (_, payment) = paid(shop, "3.00", Method::Wechat).await;
        let mut parts = Vec::new();
        for _ in 0..3 {
            parts.push(refund(shop, &payment, Some(100)).await.unwrap());
        }
        let states = async || {
            let mut states = Vec::new();
            for part in &parts {
                states.push(state(shop, part).await);
            }
            states
        };
        use RefundState::{Requested, Succeeded};
        shop.pass(Duration::from_secs(50)).await;
        assert_eq!(states().await, [Succeeded, Requested, Requested]);
        // Sent all at once, they would be answered 429 and come too late for this.
        shop.pass(Duration::from_secs(25)).await;
        assert_eq!(states().await, [Succeeded, Succeeded, Requested]);
        shop.pass(Duration::from_secs(65)).await;
        assert_eq!(states().await, [Succeeded, Succeeded, Succeeded]);
    })
    .await;
}
