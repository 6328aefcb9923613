//! Concurrent requests: one effect, and the same answer for all.

use std::sync::Arc;

use domain::{Method, Money, Order, OrderStatus};
use futures_util::future::join_all;
use payments::{Error, Idempotency, KeptAnswer, NewOrder, Outcome, Services, StartPayment};
use simulator::Alteration;

use crate::shop::{BOTH, on_each_engine, persistently};

fn new_order(number: &str) -> NewOrder {
    NewOrder {
        order_no: Some(number.to_owned()),
        user_id: "ann".to_owned(),
        subject: "plan".to_owned(),
        amount: Money::from_fen(100).unwrap(),
        return_url: None,
        metadata: None,
        allows_balance: false,
        expires_in: None,
    }
}

fn idempotency(key: &str, fingerprint: &str) -> Idempotency<Order> {
    Idempotency {
        route: "POST /orders".to_owned(),
        key: key.to_owned(),
        fingerprint: fingerprint.to_owned(),
        answer: Arc::new(|order: &Order, _| KeptAnswer {
            status: 201,
            body: order.id.to_string(),
        }),
    }
}

async fn create(
    services: Services,
    new: NewOrder,
    idempotency: Option<Idempotency<Order>>,
) -> Result<Outcome<Order>, Error> {
    tokio::spawn(async move { payments::create_order(&services, new, idempotency).await })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_one_key_make_one_order() {
    on_each_engine(async |shop| {
        let answers = join_all((0..50).map(|_| {
            let new = NewOrder {
                order_no: None,
                ..new_order("unused")
            };
            create(shop.services.clone(), new, Some(idempotency("key", "same")))
        }))
        .await;
        let mut ids: Vec<String> = answers
            .into_iter()
            .map(|answer| match answer.unwrap() {
                Outcome::New(order) | Outcome::Existing(order) => order.id.to_string(),
                Outcome::Replayed(answer) => answer.body,
            })
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        let conflict = create(
            shop.services.clone(),
            new_order("other"),
            Some(idempotency("key", "other")),
        )
        .await;
        assert!(matches!(
            conflict,
            Err(Error::Refused(domain::Refusal::IdempotencyConflict))
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_share_commits_and_failed_ones_affect_no_other() {
    on_each_engine(async |shop| {
        let answers = join_all((0..64_u32).map(|n| {
            // Every fourth reuses another one's number with other content.
            let mut new = new_order(&format!("N{}", n - n % 4));
            if n % 4 != 0 {
                new = new_order(&format!("M{n}"));
            }
            if n % 4 == 3 {
                new = NewOrder {
                    amount: Money::from_fen(999).unwrap(),
                    ..new_order(&format!("N{}", n - 3))
                };
            }
            create(shop.services.clone(), new, None)
        }))
        .await;
        let n_refused = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(n_refused, 16, "of each pair with one number one is refused");
        let filter = payments::OrderFilter {
            limit: 100,
            ..payments::OrderFilter::default()
        };
        let page = payments::list_orders(&shop.services, filter).await.unwrap();
        assert_eq!(
            page.data.len(),
            48,
            "what was answered Ok is there, and nothing else"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_starts_of_two_methods_all_get_their_payment() {
    on_each_engine(async |shop| {
        for _ in 0..3 {
            let order = shop.order("4.00").await;
            let answers = join_all((0..50).map(|n| {
                let services = shop.services.clone();
                let (_, product) = BOTH[n % 2];
                let start = StartPayment::new(order.id.clone(), product);
                tokio::spawn(async move {
                    persistently(|| payments::start_payment(&services, start.clone(), None)).await
                })
            }))
            .await;
            let payments = shop.checkout(&order).await.payments;
            let n_open = payments.iter().filter(|payment| payment.state.is_open()).count();
            assert_eq!(n_open, 1);
            assert!(payments.len() <= 12, "{} payments", payments.len());
            for (n, answer) in answers.into_iter().enumerate() {
                let answered = answer.unwrap().unwrap().into_value().unwrap();
                assert_eq!(answered.product, BOTH[n % 2].1);
                assert!(payments.iter().any(|payment| payment.id == answered.id));
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_deliveries_of_one_trade_pay_once() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let order = shop.order("4.00").await;
            let payment = shop.start(&order, method).await;
            let letters: Vec<_> = (0..50)
                .map(|n| {
                    let alteration = Alteration {
                        new_id: n % 2 == 0,
                        ..Alteration::default()
                    };
                    shop.sim.letter(payment.payment_no.as_str(), &alteration).unwrap()
                })
                .collect();
            for status in join_all(letters.iter().map(|letter| shop.deliver(letter))).await {
                assert_eq!(status, 200);
            }
            let paid = shop.checkout(&order).await;
            assert_eq!(paid.order.status(), OrderStatus::Paid);
            assert!(paid.payments[0].settles);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_and_a_callback_at_once_end_paid_or_cancelled_with_the_money_returned() {
    on_each_engine(async |shop| {
        for _ in 0..10 {
            let order = shop.order("4.00").await;
            let payment = shop.start(&order, Method::Wechat).await;
            let letter = shop
                .sim
                .letter(payment.payment_no.as_str(), &Alteration::default())
                .unwrap();
            let (cancelled, status) = tokio::join!(shop.cancel(&order.id), shop.deliver(&letter));
            assert_eq!(status, 200);
            let checkout = shop.checkout(&order).await;
            let payment = &checkout.payments[0];
            match checkout.order.status() {
                OrderStatus::Paid => assert!(payment.settles && cancelled.is_err()),
                OrderStatus::Cancelled => assert_eq!(payment.refunding, payment.amount),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_clicks_on_pay_show_one_code_and_it_can_be_paid() {
    on_each_engine(async |shop| {
        for (method, product) in BOTH {
            let order = shop.order("4.00").await;
            let clicks = join_all((0..10).map(|_| {
                let services = shop.services.clone();
                let start = StartPayment::new(order.id.clone(), product);
                tokio::spawn(async move { payments::start_payment(&services, start, None).await })
            }))
            .await;
            let shown: Vec<_> = clicks
                .into_iter()
                .map(|click| click.unwrap().unwrap().into_value().unwrap())
                .collect();
            let code = shop.checkout(&order).await.payments[0].prompt.clone();
            assert!(
                code.is_some() && shown.iter().all(|payment| payment.prompt == code),
                "{method}"
            );
            shop.scan_and_pay(&shown[0]).await;
            assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        }
    })
    .await;
}
