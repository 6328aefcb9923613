//! Two payers, a cancellation, a deadline and a refund, in every order: the outcome depends only on which came first. No
//! money stays here that its order does not account for.

use std::time::Duration;

use domain::{Method, Order, OrderStatus, Payment, PaymentState, RefundRefusal, Refusal};
use payments::Error;
use simulator::{Endpoint, Fault, FaultKind};

use crate::refunds::refund;
use crate::shop::{Engine, Shop};

const MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Pays the code of the first payment, which the second has closed.
    PayFirst,
    PaySecond,
    Cancel,
    Expire,
    /// Refunds the rest of the payment that settles the order.
    Refund,
}

const EVENTS: [Event; 5] = [
    Event::PayFirst,
    Event::PaySecond,
    Event::Cancel,
    Event::Expire,
    Event::Refund,
];

fn orderings(left: &[Event]) -> Vec<Vec<Event>> {
    if left.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in left {
        let rest: Vec<Event> = left.iter().copied().filter(|event| event != first).collect();
        for tail in orderings(&rest) {
            all.push([vec![*first], tail].concat());
        }
    }
    all
}

struct Story {
    events: Vec<Event>,
    order: Order,
    first: Payment,
    second: Payment,
}

/// Outcome after everything has finished.
#[derive(Debug, PartialEq, Eq)]
struct End {
    order: OrderStatus,
    /// The payment that settles the order.
    settled_by: Option<Event>,
    /// Amount paid out to us by the gateways, less refunds.
    kept_fen: i64,
    n_open: usize,
}

/// The rule: a payment while the order is open settles it, and then only a refund returns the money; otherwise the order is
/// cancelled, and every payment is refunded.
fn expected(events: &[Event], amount_fen: i64) -> End {
    let pays = |event: &Event| matches!(event, Event::PayFirst | Event::PaySecond);
    let first = events.iter().find(|event| **event != Event::Refund);
    let settled_by = first.copied().filter(pays);
    let place = |wanted: Event| events.iter().position(|event| *event == wanted);
    let is_refunded = settled_by.is_some_and(|paid| place(Event::Refund) > place(paid));
    let order = match (settled_by, is_refunded) {
        (None, _) => OrderStatus::Cancelled,
        (Some(_), true) => OrderStatus::Refunded,
        (Some(_), false) => OrderStatus::Paid,
    };
    End {
        order,
        settled_by,
        kept_fen: if order == OrderStatus::Paid { amount_fen } else { 0 },
        n_open: 0,
    }
}

async fn begin(shop: &Shop, events: Vec<Event>, methods: [Method; 2]) -> Story {
    let order = shop.order("7.00").await;
    let first = shop.start(&order, methods[0]).await;
    shop.sim.scan(first.prompt.as_deref().unwrap()).await.unwrap();
    let second = shop.start(&order, methods[1]).await;
    shop.sim.scan(second.prompt.as_deref().unwrap()).await.unwrap();
    Story {
        events,
        order,
        first,
        second,
    }
}

async fn happen(shop: &Shop, story: &Story, event: Event) {
    match event {
        Event::PayFirst => shop.scan_and_pay(&story.first).await,
        Event::PaySecond => shop.scan_and_pay(&story.second).await,
        Event::Cancel => match shop.cancel(&story.order.id).await {
            Ok(_) | Err(Error::Refused(Refusal::OrderNotCancellable)) => {}
            Err(other) => panic!("{:?}: {other:?}", story.events),
        },
        Event::Refund => {
            let payments = shop.checkout(&story.order).await.payments;
            let paying = payments.iter().find(|payment| payment.settles);
            let outcome = refund(shop, paying.unwrap_or(&story.second), None).await;
            match outcome {
                Ok(_) => assert!(paying.is_some(), "{:?}", story.events),
                Err(Error::RefundRefused(RefundRefusal::NotPaid | RefundRefusal::NothingLeft)) => {
                    assert!(paying.is_none(), "{:?}", story.events);
                }
                Err(other) => panic!("{:?}: {other:?}", story.events),
            }
        }
        Event::Expire => unreachable!("time passes for all stories at once"),
    }
}

async fn end(shop: &Shop, story: &Story) -> End {
    let checkout = shop.checkout(&story.order).await;
    let books = shop.sim.books();
    let mut kept_fen = 0;
    for payment in &checkout.payments {
        let number = payment.payment_no.as_str();
        kept_fen += books.trade(number).map_or(0, |trade| trade.paid_fen);
        let returned = books
            .refunds
            .iter()
            .filter(|refund| refund.out_trade_no == number);
        kept_fen -= returned.map(|refund| refund.fen).sum::<i64>();
        let is_paid = payment.state == PaymentState::Paid;
        assert!(
            is_paid,
            "both were paid in the end: {:?} {payment:?}",
            story.events
        );
    }
    let settling = checkout.payments.iter().find(|payment| payment.settles);
    End {
        order: checkout.order.status(),
        settled_by: settling.map(|payment| {
            if payment.id == story.first.id {
                Event::PayFirst
            } else {
                Event::PaySecond
            }
        }),
        kept_fen,
        n_open: checkout
            .payments
            .iter()
            .filter(|payment| payment.state.is_open())
            .count(),
    }
}

/// Runs that have the deadline at the same position run side by side, because there is only one clock.
async fn tell(deadline_at: usize, methods: [Method; 2]) -> usize {
    let mut shop = Shop::on(Engine::Sqlite).await;
    shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
    let mut stories = Vec::new();
    for events in orderings(&EVENTS) {
        if events[deadline_at] == Event::Expire {
            stories.push(begin(&shop, events, methods).await);
        }
    }
    for step in 0..EVENTS.len() {
        if step == deadline_at {
            shop.sleep(31 * MINUTE).await;
        } else {
            for story in &stories {
                happen(&shop, story, story.events[step]).await;
            }
        }
        shop.run_jobs().await;
        shop.sleep(Duration::from_secs(7)).await;
    }
    for _ in 0..5 {
        shop.sleep(MINUTE).await;
        shop.run_jobs().await;
    }
    for story in &stories {
        let expected = expected(&story.events, story.order.amount.fen());
        assert_eq!(end(&shop, story).await, expected, "{:?}", story.events);
    }
    shop.close().await;
    stories.len()
}

#[tokio::test]
async fn two_payers_a_cancellation_a_deadline_and_a_refund_end_the_same_in_every_order() {
    let mut n_told = 0;
    for deadline_at in 0..EVENTS.len() {
        n_told += tell(deadline_at, [Method::Wechat, Method::Alipay]).await;
    }
    assert_eq!(n_told, 120);
    // The gateways change places: their codes close and expire in different ways.
    let n_told = tell(2, [Method::Alipay, Method::Wechat]).await;
    assert_eq!(n_told, 24);
}
