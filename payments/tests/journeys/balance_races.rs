//! Balance races: an answer stays true whatever happens at the same moment.

use domain::{LatePolicy, Method, Order, OrderStatus, Payment, Refusal};
use futures_util::future::join_all;
use payments::{Error, Outcome, Policy, StartPayment};
use simulator::WechatKeys;

use crate::balance::{adjust, available, refused};
use crate::shop::{Shop, engines, on_each_engine, persistently};

/// Each in a task of its own, as requests are.
async fn pay_by_balance(shop: &Shop, order: &Order) -> Result<Outcome<Payment>, Error> {
    let services = shop.services.clone();
    let start = StartPayment::new(order.id.clone(), Method::Balance.default_product());
    let paying = tokio::spawn(async move {
        persistently(|| payments::start_payment(&services, start.clone(), None)).await
    });
    paying.await.unwrap()
}

async fn cancel(shop: &Shop, order: &Order) -> Result<Outcome<Order>, Error> {
    let (services, id) = (shop.services.clone(), order.id.clone());
    let cancelling = tokio::spawn(async move {
        persistently(|| payments::cancel_order(&services, &id, None, &payments::Requester::Rule, None)).await
    });
    cancelling.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_cancel_was_answered_never_becomes_paid_from_a_balance() {
    const PAIRS: i64 = 300;
    for engine in engines() {
        let policy = Policy {
            late_payment: LatePolicy::Accept,
            ..Policy::default()
        };
        let mut shop = Shop::open(engine, WechatKeys::PublicKey, policy).await;
        adjust(&shop, "A-1", 100 * PAIRS).await;
        let mut n_paid = 0;
        for _ in 0..PAIRS / 10 {
            let mut orders = Vec::new();
            for _ in 0..10 {
                orders.push(shop.order("1.00").await);
            }
            let pairs = orders
                .iter()
                .map(|order| futures_util::future::join(pay_by_balance(&shop, order), cancel(&shop, order)));
            for (order, (paid, cancelled)) in orders.iter().zip(join_all(pairs).await) {
                match shop.status(order).await {
                    OrderStatus::Paid => {
                        n_paid += 1;
                        assert!(paid.is_ok(), "{paid:?}");
                        refused(cancelled, Refusal::OrderNotCancellable);
                    }
                    OrderStatus::Cancelled => {
                        assert!(cancelled.is_ok(), "{cancelled:?}");
                        refused(paid, Refusal::OrderNotPayable);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(available(&shop).await, 100 * (PAIRS - n_paid));
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_payment_of_a_paid_order_is_answered_as_paid() {
    on_each_engine(async |shop| {
        for round in 0..5 {
            adjust(shop, &format!("A-{round}"), 100).await;
            let order = shop.order("1.00").await;
            let payers = join_all((0..50).map(|_| pay_by_balance(shop, &order))).await;
            let (paid, others): (Vec<_>, Vec<_>) = payers.into_iter().partition(Result::is_ok);
            assert_eq!(paid.len(), 1);
            for other in others {
                refused(other, Refusal::OrderNotPayable);
            }
        }
        let order = shop.order("1.00").await;
        refused(pay_by_balance(shop, &order).await, Refusal::InsufficientBalance);
    })
    .await;
}

/// Both take the whole balance; of each pair with one number, one finds the adjustment that the other has written.
#[tokio::test(flavor = "multi_thread")]
async fn an_adjustment_that_was_made_is_not_called_too_large() {
    on_each_engine(async |shop| {
        for round in 0..20 {
            adjust(shop, &format!("A-{round}"), 100).await;
            let number = format!("B-{round}");
            let takes = join_all((0..6).map(|_| {
                let (services, adjustment) =
                    (shop.services.clone(), crate::balance::adjustment(&number, -100));
                tokio::spawn(async move {
                    persistently(|| payments::adjust_balance(&services, adjustment.clone(), None)).await
                })
            }))
            .await;
            let n_new = takes
                .into_iter()
                .filter(|made| matches!(made.as_ref().unwrap().as_ref().unwrap(), Outcome::New(_)))
                .count();
            assert_eq!(n_new, 1);
        }
    })
    .await;
}
