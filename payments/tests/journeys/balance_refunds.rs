//! Refunds to and from balances: refunded to at once, and never more taken back than is still there.

use std::time::Duration;

use domain::{
    EntryKind, Method, Money, OrderStatus, Payment, PaymentStatus, Refund, RefundRefusal, RefundState,
    Refusal,
};
use futures_util::future::join_all;
use payments::{Error, RefundRequest, Requester};
use simulator::{Alteration, Endpoint, Fault, FaultKind};

use crate::balance::{adjust, available, history, refused, top_up};
use crate::shop::{BOTH, Shop, on_each_engine, persistently};

fn request(payment: &Payment, fen: Option<i64>) -> RefundRequest {
    RefundRequest {
        payment_id: payment.id.clone(),
        amount: fen.map(|fen| Money::from_fen(fen).unwrap()),
        reason: "不想要了".to_owned(),
        refund_no: None,
        by: Requester::Rule,
    }
}

async fn refund(shop: &Shop, payment: &Payment, fen: Option<i64>) -> Result<Refund, Error> {
    let made = payments::request_refund(&shop.services, request(payment, fen), None).await?;
    Ok(made.into_value().unwrap())
}

async fn frozen(shop: &Shop) -> i64 {
    let balance = payments::find_balance(&shop.services, "ann").await.unwrap();
    balance.frozen.fen()
}

async fn topped_up(shop: &Shop, fen: i64, method: Method) -> Payment {
    let order = top_up(shop, fen).await;
    let payment = shop.start(&order, method).await;
    shop.scan_and_pay(&payment).await;
    shop.payment(&payment).await
}

async fn spend(shop: &Shop, yuan: &str) -> Payment {
    let order = shop.order(yuan).await;
    shop.start(&order, Method::Balance).await
}

#[tokio::test]
async fn a_refund_of_a_balance_payment_is_credited_at_once() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 1000).await;
        let order = shop.order("9.90").await;
        let payment = shop.start(&order, Method::Balance).await;
        let part = refund(shop, &payment, Some(90)).await.unwrap();
        assert_eq!(part.state, RefundState::Succeeded);
        assert!(part.finished_at.is_some());
        assert_eq!(available(shop).await, 100);
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
        assert_eq!(shop.status(&order).await, OrderStatus::PartiallyRefunded);
        let rest = refund(shop, &payment, None).await.unwrap();
        assert_eq!(rest.amount.fen(), 900);
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunded);
        assert_eq!(shop.status(&order).await, OrderStatus::Refunded);
        assert_eq!(
            history(shop).await,
            [
                (EntryKind::Refund, 900, 1000),
                (EntryKind::Refund, 90, 100),
                (EntryKind::Payment, -990, 10),
                (EntryKind::Adjust, 1000, 1000)
            ]
        );
        let more = refund(shop, &payment, Some(1)).await;
        assert!(
            matches!(more, Err(Error::RefundRefused(RefundRefusal::ExceedsPayment))),
            "{more:?}"
        );
        shop.pass(Duration::from_mins(1)).await;
        assert_eq!(available(shop).await, 1000, "the job has nothing to do with it");
    })
    .await;
}

#[tokio::test]
async fn a_refunded_top_up_is_frozen_until_the_gateway_confirms_it() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let before = available(shop).await;
            let payment = topped_up(shop, 500, method).await;
            refund(shop, &payment, Some(200)).await.unwrap();
            assert_eq!((available(shop).await, frozen(shop).await), (before + 300, 200));
            shop.pass(Duration::from_mins(2)).await;
            assert_eq!((available(shop).await, frozen(shop).await), (before + 300, 0));
            assert_eq!(shop.payment(&payment).await.refunded.fen(), 200, "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_spent_top_up_cannot_be_refunded() {
    on_each_engine(async |shop| {
        let payment = topped_up(shop, 500, Method::Wechat).await;
        spend(shop, "3.00").await;
        for fen in [None, Some(201)] {
            refused(refund(shop, &payment, fen).await, Refusal::InsufficientBalance);
        }
        assert_eq!((available(shop).await, frozen(shop).await), (200, 0));
        assert!(
            payments::list_refunds(&shop.services, &payment.id)
                .await
                .unwrap()
                .is_empty()
        );
        refund(shop, &payment, Some(200)).await.unwrap();
        assert_eq!((available(shop).await, frozen(shop).await), (0, 200));
    })
    .await;
}

/// A refund of a top-up that WeChat has closed: the money is the user's again.
async fn failed_refund(shop: &Shop, payment: &Payment) -> Refund {
    shop.sim
        .fault(Fault::new(FaultKind::RefundClosed).at(Endpoint::Refund).times(1));
    let refund = refund(shop, payment, None).await.unwrap();
    shop.pass(Duration::from_secs(30)).await;
    let (refund, _) = payments::find_refund(&shop.services, &refund.id).await.unwrap();
    assert_eq!(refund.state, RefundState::Failed);
    refund
}

/// A signed notification of WeChat that the refund has succeeded after all.
async fn revive(shop: &Shop, refund: &Refund) {
    let mut alteration = Alteration {
        new_id: true,
        event_type: Some("REFUND.SUCCESS".to_owned()),
        ..Alteration::default()
    };
    alteration
        .set
        .insert("refund_status".to_owned(), serde_json::json!("SUCCESS"));
    let letter = shop.sim.letter(refund.refund_no.as_str(), &alteration).unwrap();
    assert_eq!(shop.deliver(&letter).await, 200);
    let (refund, _) = payments::find_refund(&shop.services, &refund.id).await.unwrap();
    assert_eq!(refund.state, RefundState::Succeeded);
}

#[tokio::test]
async fn a_refund_that_fails_gives_the_top_up_back_to_its_user() {
    on_each_engine(async |shop| {
        let payment = topped_up(shop, 500, Method::Wechat).await;
        let failed = failed_refund(shop, &payment).await;
        assert_eq!((available(shop).await, frozen(shop).await), (500, 0));
        let kinds: Vec<EntryKind> = history(shop).await.into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(
            kinds,
            [
                EntryKind::RefundFailed,
                EntryKind::RefundRequested,
                EntryKind::Topup
            ]
        );
        // Retried under another number, it is debited again.
        payments::retry_refund(&shop.services, &failed.id).await.unwrap();
        assert_eq!((available(shop).await, frozen(shop).await), (0, 500));
        shop.pass(Duration::from_mins(2)).await;
        assert_eq!((available(shop).await, frozen(shop).await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_revived_refund_is_debited_from_a_sufficient_balance() {
    on_each_engine(async |shop| {
        let payment = topped_up(shop, 500, Method::Wechat).await;
        let failed = failed_refund(shop, &payment).await;
        revive(shop, &failed).await;
        assert_eq!((available(shop).await, frozen(shop).await), (0, 0));

        // A replacement holds the money already, and is withdrawn.
        let payment = topped_up(shop, 700, Method::Wechat).await;
        let failed = failed_refund(shop, &payment).await;
        payments::retry_refund(&shop.services, &failed.id).await.unwrap();
        assert_eq!((available(shop).await, frozen(shop).await), (0, 700));
        revive(shop, &failed).await;
        assert_eq!((available(shop).await, frozen(shop).await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_revived_refund_is_a_loss_when_the_balance_is_spent() {
    on_each_engine(async |shop| {
        let payment = topped_up(shop, 500, Method::Wechat).await;
        let failed = failed_refund(shop, &payment).await;
        spend(shop, "4.00").await;
        revive(shop, &failed).await;
        assert_eq!(
            available(shop).await,
            100,
            "never below zero, and not taken by halves"
        );
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunded);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spending_and_returning_a_top_up_at_once_never_use_the_same_money() {
    on_each_engine(async |shop| {
        let payment = topped_up(shop, 1000, Method::Wechat).await;
        let mut orders = Vec::new();
        for _ in 0..15 {
            orders.push(shop.order("1.00").await);
        }
        let spends = join_all(orders.iter().map(|order| {
            let services = shop.services.clone();
            let start = payments::StartPayment::new(order.id.clone(), Method::Balance.default_product());
            tokio::spawn(async move { payments::start_payment(&services, start, None).await.is_ok() })
        }));
        let returns = join_all((0..15).map(|_| {
            let (services, request) = (shop.services.clone(), request(&payment, Some(100)));
            tokio::spawn(async move { payments::request_refund(&services, request, None).await.is_ok() })
        }));
        let (spent, returned) = tokio::join!(spends, returns);
        let n_done = spent
            .into_iter()
            .chain(returned)
            .filter(|done| *done.as_ref().unwrap())
            .count();
        assert_eq!(n_done, 10);
        assert_eq!(available(shop).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refunds_of_a_balance_payment_at_once_return_exactly_what_it_took() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 1000).await;
        let payment = spend(shop, "10.00").await;
        let outcomes = join_all((0..50).map(|_| {
            let (services, request) = (shop.services.clone(), request(&payment, Some(30)));
            tokio::spawn(async move {
                persistently(|| payments::request_refund(&services, request.clone(), None)).await
            })
        }))
        .await;
        let n_done = outcomes
            .iter()
            .filter(|outcome| outcome.as_ref().unwrap().is_ok())
            .count();
        assert_eq!(n_done, 33);
        assert_eq!(available(shop).await, 990);
    })
    .await;
}
