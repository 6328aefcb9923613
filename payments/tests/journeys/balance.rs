//! Balances: topped up, spent, adjusted, and never below zero.

use std::sync::Arc;
use std::time::Duration;

use domain::{Change, EntryKind, Method, Money, Order, OrderStatus, Payment, PaymentStatus, Refusal};
use futures_util::future::join_all;
use payments::{Adjustment, Entry, Error, Idempotency, KeptAnswer, Outcome, Requester, StartPayment, TopUp};

use crate::shop::{BOTH, Engine, Shop, on_each_engine, persistently};

pub fn adjustment(number: &str, fen: i64) -> Adjustment {
    Adjustment {
        user_id: "ann".to_owned(),
        change: Change::from_fen(fen).unwrap(),
        number: number.to_owned(),
        note: "春节红包".to_owned(),
        by: Requester::Rule,
    }
}

async fn try_adjust(shop: &Shop, number: &str, fen: i64) -> Result<Outcome<Entry>, Error> {
    payments::adjust_balance(&shop.services, adjustment(number, fen), None).await
}

pub async fn adjust(shop: &Shop, number: &str, fen: i64) -> Entry {
    try_adjust(shop, number, fen).await.unwrap().into_value().unwrap()
}

pub async fn top_up(shop: &Shop, fen: i64) -> Order {
    let top_up = TopUp {
        user_id: "ann".to_owned(),
        amount: Money::from_fen(fen).unwrap(),
        order_no: None,
        return_url: None,
    };
    let made = payments::top_up(&shop.services, top_up, None).await.unwrap();
    made.into_value().unwrap()
}

pub async fn available(shop: &Shop) -> i64 {
    let balance = payments::find_balance(&shop.services, "ann").await.unwrap();
    balance.available.fen()
}

/// The whole history, newest first.
pub async fn history(shop: &Shop) -> Vec<(EntryKind, i64, i64)> {
    let page = payments::list_entries(&shop.services, "ann", None, 100)
        .await
        .unwrap();
    page.data
        .iter()
        .map(|entry| (entry.kind, entry.amount.fen(), entry.balance_after.fen()))
        .collect()
}

#[track_caller]
pub fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>, refusal: Refusal) {
    match outcome {
        Err(Error::Refused(said)) => assert_eq!(said, refusal),
        other => panic!("{other:?} instead of {refusal:?}"),
    }
}

#[tokio::test]
async fn an_unknown_user_has_no_balance_and_no_history() {
    on_each_engine(async |shop| {
        let balance = payments::find_balance(&shop.services, "nobody").await.unwrap();
        assert_eq!((balance.available, balance.frozen), (Money::ZERO, Money::ZERO));
        assert_eq!(balance.updated_at, None);
        assert!(history(shop).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_adjustment_happens_once_whatever_is_repeated() {
    on_each_engine(async |shop| {
        let first = adjust(shop, "A-1", 500).await;
        assert_eq!((first.kind, first.amount.fen()), (EntryKind::Adjust, 500));
        assert_eq!(first.reference, "A-1");
        let again = try_adjust(shop, "A-1", 500).await.unwrap();
        assert!(
            matches!(again, Outcome::Existing(ref entry) if *entry == first),
            "{again:?}"
        );
        refused(try_adjust(shop, "A-1", 501).await, Refusal::AdjustmentNoReused);
        let other = Adjustment {
            user_id: "bob".to_owned(),
            ..adjustment("A-1", 500)
        };
        let other = payments::adjust_balance(&shop.services, other, None).await;
        refused(other, Refusal::AdjustmentNoReused);
        adjust(shop, "A-2", -200).await;
        refused(try_adjust(shop, "A-3", -301).await, Refusal::InsufficientBalance);
        // A refused adjustment leaves no trace: the number is free.
        adjust(shop, "A-3", -300).await;
        assert_eq!(
            history(shop).await,
            [
                (EntryKind::Adjust, -300, 0),
                (EntryKind::Adjust, -200, 300),
                (EntryKind::Adjust, 500, 500)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn an_invalid_adjustment_is_refused() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (field, wrong) in [
        (
            "userId",
            Adjustment {
                user_id: "a\nb".to_owned(),
                ..adjustment("A-1", 1)
            },
        ),
        ("adjustmentNo", adjustment("with space", 1)),
        ("adjustmentNo", adjustment(&"a".repeat(65), 1)),
        (
            "note",
            Adjustment {
                note: String::new(),
                ..adjustment("A-1", 1)
            },
        ),
    ] {
        let refused = payments::adjust_balance(&shop.services, wrong, None).await;
        assert!(
            matches!(refused, Err(Error::Invalid { field: at, .. }) if at == field),
            "{refused:?}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn a_history_is_read_in_pages_that_hold_everything_once() {
    on_each_engine(async |shop| {
        for n in 1..=7_i64 {
            adjust(shop, &format!("A-{n}"), n).await;
        }
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let page = payments::list_entries(&shop.services, "ann", before, 3)
                .await
                .unwrap();
            seen.extend(page.data.iter().map(|entry| entry.seq));
            let Some(cursor) = page.next_cursor else { break };
            before = Some(cursor.parse().unwrap());
        }
        assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    })
    .await;
}

#[tokio::test]
async fn a_top_up_fills_the_balance_and_the_balance_pays() {
    on_each_engine(async |shop| {
        let mut expected = 0;
        for (method, _) in BOTH {
            let order = top_up(shop, 5000).await;
            let payment = shop.start(&order, method).await;
            assert_eq!(available(shop).await, expected, "not before it is paid");
            shop.scan_and_pay(&payment).await;
            expected += 5000;
            assert_eq!(available(shop).await, expected);
        }
        let order = shop.order("99.90").await;
        let payment = shop.start(&order, Method::Balance).await;
        assert_eq!(payment.status(), PaymentStatus::Success);
        assert_eq!(
            payment.transaction_id.as_deref(),
            Some(payment.payment_no.as_str())
        );
        let paid = shop.checkout(&order).await.order;
        assert_eq!(
            (paid.status(), paid.paid_amount()),
            (OrderStatus::Paid, order.amount)
        );
        assert_eq!(
            history(shop).await,
            [
                (EntryKind::Payment, -9990, 10),
                (EntryKind::Topup, 5000, 10000),
                (EntryKind::Topup, 5000, 5000)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_lost_and_a_doubled_callback_fill_the_balance_once() {
    on_each_engine(async |shop| {
        for kind in [
            simulator::FaultKind::Mute,
            simulator::FaultKind::Duplicate { copies: 5 },
        ] {
            shop.sim.faults(simulator::Faults::none());
            shop.sim.fault(simulator::Fault::new(kind));
            let before = available(shop).await;
            let order = top_up(shop, 300).await;
            let payment = shop.start(&order, Method::Alipay).await;
            shop.scan_and_pay(&payment).await;
            shop.pass(Duration::from_mins(2)).await;
            assert_eq!(available(shop).await, before + 300, "{kind:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_top_up_cannot_be_paid_by_the_balance_it_fills() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 5000).await;
        let order = top_up(shop, 5000).await;
        refused(
            shop.try_start(&order, Method::Balance).await,
            Refusal::OrderNotPayable,
        );
        assert_eq!(available(shop).await, 5000);
    })
    .await;
}

#[tokio::test]
async fn a_refused_balance_payment_keeps_the_open_code() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 399).await;
        let order = shop.order("4.00").await;
        let code = shop.start(&order, Method::Wechat).await;
        refused(
            shop.try_start(&order, Method::Balance).await,
            Refusal::InsufficientBalance,
        );
        let checkout = shop.checkout(&order).await;
        assert_eq!(
            checkout.payments,
            std::slice::from_ref(&code),
            "nothing was changed"
        );
        shop.scan_and_pay(&code).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        assert_eq!(available(shop).await, 399);
    })
    .await;
}

#[tokio::test]
async fn a_code_is_closed_before_the_balance_pays_and_money_for_it_wins() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 800).await;
        let order = shop.order("4.00").await;
        let code = shop.start(&order, Method::Wechat).await;
        shop.start(&order, Method::Balance).await;
        assert_eq!(shop.payment_status(&code).await, PaymentStatus::Cancelled);
        let books = shop.sim.books();
        assert_eq!(books.trade(code.payment_no.as_str()).unwrap().state, "CLOSED");
        assert_eq!(available(shop).await, 400);

        // The code was paid, and no notification has come yet: the query before the close finds it.
        let order = shop.order("4.00").await;
        shop.sim.fault(simulator::Fault::new(simulator::FaultKind::Mute));
        let code = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&code).await;
        refused(
            shop.try_start(&order, Method::Balance).await,
            Refusal::OrderNotPayable,
        );
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        assert_eq!(available(shop).await, 400, "nobody pays twice");
    })
    .await;
}

#[tokio::test]
async fn the_sum_of_an_order_and_its_deadline_bind_the_balance_too() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 800).await;
        let order = shop.order("4.00").await;
        let start = StartPayment {
            amount: Some(Money::from_fen(1).unwrap()),
            ..StartPayment::new(order.id.clone(), Method::Balance.default_product())
        };
        let wrong = payments::start_payment(&shop.services, start, None).await;
        refused(wrong, Refusal::AmountMismatch);
        shop.pass(Duration::from_mins(31)).await;
        refused(
            shop.try_start(&order, Method::Balance).await,
            Refusal::OrderNotPayable,
        );
        let paid = shop.order("4.00").await;
        shop.start(&paid, Method::Balance).await;
        refused(
            shop.try_start(&paid, Method::Balance).await,
            Refusal::OrderNotPayable,
        );
        assert_eq!(available(shop).await, 400);
    })
    .await;
}

fn idempotency(key: &str) -> Idempotency<Payment> {
    Idempotency {
        route: "POST /payments".to_owned(),
        key: key.to_owned(),
        fingerprint: "same".to_owned(),
        answer: Arc::new(|payment: &Payment, _| KeptAnswer {
            status: 201,
            body: payment.id.to_string(),
        }),
    }
}

/// Each in a task of its own, as requests are.
async fn pay_at_once(
    shop: &Shop,
    orders: &[Order],
    key: Option<&str>,
) -> Vec<Result<Outcome<Payment>, Error>> {
    let pays = orders.iter().map(|order| {
        let services = shop.services.clone();
        let start = StartPayment::new(order.id.clone(), Method::Balance.default_product());
        let idempotency = key.map(idempotency);
        tokio::spawn(async move {
            persistently(|| payments::start_payment(&services, start.clone(), idempotency.clone())).await
        })
    });
    join_all(pays).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_payments_at_once_spend_exactly_what_there_is() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 3049).await;
        let mut orders = Vec::new();
        for _ in 0..50 {
            orders.push(shop.order("1.00").await);
        }
        let outcomes = pay_at_once(shop, &orders, None).await;
        let n_paid = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(n_paid, 30);
        for outcome in outcomes {
            if outcome.is_err() {
                refused(outcome, Refusal::InsufficientBalance);
            }
        }
        assert_eq!(available(shop).await, 49);
        assert_eq!(history(shop).await.len(), 31);
        let mut n_settled = 0;
        for order in &orders {
            n_settled += usize::from(shop.status(order).await == OrderStatus::Paid);
        }
        assert_eq!(n_settled, 30);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clicks_on_one_order_take_the_money_once() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 5000).await;
        let order = shop.order("1.00").await;
        let clicks = vec![order.clone(); 50];
        let outcomes = pay_at_once(shop, &clicks, None).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for outcome in outcomes.into_iter().filter(Result::is_err) {
            refused(outcome, Refusal::OrderNotPayable);
        }
        assert_eq!(available(shop).await, 4900);

        let order = shop.order("1.00").await;
        let clicks = vec![order.clone(); 50];
        let outcomes = pay_at_once(shop, &clicks, Some("key")).await;
        let ids: std::collections::BTreeSet<String> = outcomes
            .into_iter()
            .map(|outcome| match outcome.unwrap() {
                Outcome::New(payment) | Outcome::Existing(payment) => payment.id.to_string(),
                Outcome::Replayed(answer) => answer.body,
            })
            .collect();
        assert_eq!(ids.len(), 1, "with one key everybody is told the same");
        assert_eq!(available(shop).await, 4800);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_adjustments_at_once_add_up() {
    on_each_engine(async |shop| {
        adjust(shop, "A-0", 100).await;
        let all = join_all((0..50).map(|n| {
            let services = shop.services.clone();
            // Twenty-five different ones, each twice; every second takes.
            let fen = if n % 2 == 0 { 7 } else { -3 };
            let adjustment = adjustment(&format!("B-{}", n % 26), fen);
            tokio::spawn(async move {
                persistently(|| payments::adjust_balance(&services, adjustment.clone(), None)).await
            })
        }))
        .await;
        let mut n_new = 0;
        for made in all {
            n_new += usize::from(matches!(made.unwrap().unwrap(), Outcome::New(_)));
        }
        assert_eq!(n_new, 26);
        assert_eq!(available(shop).await, 100 + 13 * 7 - 13 * 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_paid_while_the_balance_pays_takes_the_money_once() {
    on_each_engine(async |shop| {
        adjust(shop, "A-1", 5000).await;
        for _ in 0..10 {
            let before = available(shop).await;
            let order = shop.order("4.00").await;
            let code = shop.start(&order, Method::Wechat).await;
            let letter = shop
                .sim
                .letter(code.payment_no.as_str(), &simulator::Alteration::default())
                .unwrap();
            let (spent, status) =
                tokio::join!(shop.try_start(&order, Method::Balance), shop.deliver(&letter));
            assert_eq!(status, 200);
            let checkout = shop.checkout(&order).await;
            assert_eq!(checkout.order.status(), OrderStatus::Paid);
            let after = available(shop).await;
            match spent {
                Ok(_) => {
                    assert_eq!(after, before - 400);
                    let code = shop.payment(&code).await;
                    assert!(!code.settles && code.refunding == code.amount, "{code:?}");
                }
                Err(Error::Refused(Refusal::OrderNotPayable)) => assert_eq!(after, before),
                Err(other) => panic!("{other:?}"),
            }
        }
    })
    .await;
}
