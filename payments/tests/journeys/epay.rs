//! Attempts of the epay protocol: one number is one order at a time, and at most one of its orders is credited.

use std::time::Duration;

use domain::{LatePolicy, Method, Money, OrderStatus, PaymentStatus};
use futures_util::future::join_all;
use payments::console::Actor;
use payments::epay::{
    Attempt, AttemptQuery, Merchant, NewAttempt, Opened, Version, create_merchant, find_attempt,
    find_merchant, open_order,
};
use payments::{Policy, StartPayment};
use simulator::{Endpoint, Fault, FaultKind, WechatKeys};

use crate::shop::{Shop, engines, on_each_engine};

const MINUTE: Duration = Duration::from_mins(1);

async fn merchant_of(shop: &Shop) -> Merchant {
    let actor = Actor::of_command("test");
    let made = create_merchant(&shop.services, &actor, "Shop", None)
        .await
        .unwrap();
    find_merchant(&shop.services, made.pid).await.unwrap().unwrap()
}

fn wanted(number: &str) -> NewAttempt {
    NewAttempt {
        out_trade_no: number.to_owned(),
        amount: Money::parse_yuan("9.90").unwrap(),
        name: "VIP会员".to_owned(),
        notify_url: "https://shop.example/notify".to_owned(),
        return_url: None,
        param: String::new(),
        asked_type: "wxpay".to_owned(),
        client_ip: None,
        version: Version::V1,
    }
}

async fn open(shop: &Shop, merchant: &Merchant, number: &str) -> Attempt {
    match open_order(&shop.services, merchant, &wanted(number))
        .await
        .unwrap()
    {
        Opened::Payable(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

async fn start(shop: &Shop, attempt: &Attempt) -> domain::Payment {
    let start = StartPayment::new(attempt.order_id.clone(), Method::Wechat.default_product());
    let made = payments::start_payment(&shop.services, start, None)
        .await
        .unwrap();
    made.into_value().unwrap()
}

async fn find(shop: &Shop, merchant: &Merchant, attempt: &Attempt) -> Attempt {
    find_attempt(
        &shop.services,
        merchant.pid,
        AttemptQuery::Trade(attempt.trade_no.as_str()),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn e_19_fifty_requests_at_once_make_one_order() {
    on_each_engine(async |shop| {
        let merchant = merchant_of(shop).await;
        let (merchant, wanted) = (&merchant, &wanted("crowd"));
        let requests = (0..50).map(async |_| {
            loop {
                match open_order(&shop.services, merchant, wanted).await {
                    Ok(Opened::Payable(attempt)) => return attempt.trade_no,
                    // PostgreSQL gave no connection in time on a busy machine; a client asks again.
                    Err(payments::epay::Refusal::Broken(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        let mut trades = join_all(requests).await;
        trades.dedup();
        assert_eq!(trades.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn e_18_late_money_is_credited_and_ends_the_attempt_that_is_open() {
    for engine in engines() {
        let policy = Policy {
            late_payment: LatePolicy::Accept,
            ..Policy::default()
        };
        let mut shop = Shop::open(engine, WechatKeys::PublicKey, policy).await;
        let merchant = merchant_of(&shop).await;
        shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
        let first = open(&shop, &merchant, "late").await;
        let late = start(&shop, &first).await;
        shop.pass(31 * MINUTE).await;
        assert!(find(&shop, &merchant, &first).await.is_expired);
        let second = open(&shop, &merchant, "late").await;
        assert_ne!(first.trade_no, second.trade_no);
        let payment = start(&shop, &second).await;
        shop.scan_and_pay(&late).await;
        shop.pass(2 * MINUTE).await;
        let (first, second) = (
            find(&shop, &merchant, &first).await,
            find(&shop, &merchant, &second).await,
        );
        assert_eq!(first.status(), OrderStatus::Paid);
        assert_eq!(second.status(), OrderStatus::Cancelled);
        assert_eq!(
            shop.payment_status(&payment).await,
            PaymentStatus::Cancelled,
            "closed at the gateway"
        );
        let by_number = find_attempt(&shop.services, merchant.pid, AttemptQuery::Number("late"))
            .await
            .unwrap();
        assert_eq!(by_number.trade_no, first.trade_no, "the paid one is found");
        shop.close().await;
    }
}

#[tokio::test]
async fn e_18_money_for_an_older_attempt_goes_back_when_another_one_is_paid() {
    for engine in engines() {
        let policy = Policy {
            late_payment: LatePolicy::Accept,
            ..Policy::default()
        };
        let mut shop = Shop::open(engine, WechatKeys::PublicKey, policy).await;
        let merchant = merchant_of(&shop).await;
        shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
        let first = open(&shop, &merchant, "twice").await;
        let late = start(&shop, &first).await;
        shop.pass(31 * MINUTE).await;
        let second = open(&shop, &merchant, "twice").await;
        let payment = start(&shop, &second).await;
        shop.scan_and_pay(&payment).await;
        shop.scan_and_pay(&late).await;
        shop.pass(3 * MINUTE).await;
        assert_eq!(find(&shop, &merchant, &second).await.status(), OrderStatus::Paid);
        assert_eq!(
            find(&shop, &merchant, &first).await.status(),
            OrderStatus::Cancelled
        );
        assert_eq!(shop.payment_status(&late).await, PaymentStatus::Refunded);
        shop.close().await;
    }
}
