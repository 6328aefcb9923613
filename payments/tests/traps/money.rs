//! T-20 to T-23, T-26 to T-29, T-38, T-45, T-49 and T-50: checks that follow after a valid signature.

use std::time::Duration;

use domain::{
    Channel, LatePolicy, Method, Money, Order, OrderState, OrderStatus, Payment, PaymentState, PaymentStatus,
    RefundState, Refusal, Report, Settlement, settle,
};
use payments::gateway::{Closing, GatewayError, Reception, reply};
use payments::{Error, StartPayment};
use serde_json::{Value, json};
use simulator::{Alteration, Fault, FaultKind, Faults};

use crate::shop::{BOTH, Engine, Shop};

fn saying(name: &str, value: Value) -> Alteration {
    let mut alteration = Alteration {
        new_id: true,
        ..Alteration::default()
    };
    alteration.set.insert(name.to_owned(), value);
    alteration
}

async fn tell(shop: &Shop, payment: &Payment, alteration: &Alteration) -> u16 {
    let letter = shop.sim.letter(payment.payment_no.as_str(), alteration).unwrap();
    shop.deliver(&letter).await.as_u16()
}

async fn open_payment(shop: &Shop, method: Method) -> (Order, Payment) {
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, method).await;
    (order, payment)
}

#[tokio::test]
async fn t_20_account_and_amount_are_compared_as_well() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let wechat = [
        ("mchid", json!("1900000001")),
        ("appid", json!("wx0000000000000000")),
        ("out_trade_no", json!("P00000000000000000000000000")),
        ("total", json!(998)),
        ("total", json!(1000)),
        ("currency", json!("HKD")),
    ];
    let alipay = [
        ("app_id", json!("2021000000000000")),
        ("auth_app_id", json!("2021000000000000")),
        ("seller_id", json!("2088000000000000")),
        ("out_trade_no", json!("P00000000000000000000000000")),
        ("total_amount", json!("9.98")),
        ("total_amount", json!("99.9")),
    ];
    for (method, wrong) in [(Method::Wechat, wechat), (Method::Alipay, alipay)] {
        let (order, payment) = open_payment(&shop, method).await;
        for (name, value) in wrong {
            // Authentic, so a resend would change nothing: acknowledged.
            assert_eq!(
                tell(&shop, &payment, &saying(name, value.clone())).await,
                200,
                "{name}"
            );
            assert_eq!(shop.status(&order).await, OrderStatus::Pending, "{name} {value}");
        }
        assert_eq!(tell(&shop, &payment, &saying("attach", json!("x"))).await, 200);
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    }
    shop.close().await;
}

#[tokio::test]
async fn t_21_the_price_is_always_the_orders() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let cheaper = StartPayment {
        amount: Some(Money::from_fen(1).unwrap()),
        ..StartPayment::new(order.id.clone(), Method::Wechat.default_product())
    };
    let refused = payments::start_payment(&shop.services, cheaper, None).await;
    assert!(
        matches!(refused, Err(Error::Refused(Refusal::AmountMismatch))),
        "{refused:?}"
    );
    assert!(shop.checkout(&order).await.payments.is_empty());
    let payment = shop.start(&order, Method::Wechat).await;
    let request: Value = serde_json::from_str(&payment.request).unwrap();
    assert_eq!(request["amount"]["total"], 999);
    shop.close().await;
}

#[tokio::test]
async fn t_22_a_coupon_makes_the_payer_pay_less_and_the_order_whole() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        let (order, payment) = open_payment(&shop, method).await;
        shop.sim
            .pay_with_coupon(payment.prompt.as_deref().unwrap(), 500)
            .await
            .unwrap();
        assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{method}");
        assert_eq!(shop.payment(&payment).await.amount.fen(), 999);
    }
    shop.close().await;
}

#[test]
fn t_23_yuan_and_fen_meet_without_a_float() {
    for (yuan, fen) in [
        ("1.10", 110),
        ("19.9", 1990),
        ("9.8", 980),
        ("0.01", 1),
        ("1.1", 110),
    ] {
        assert_eq!(Money::parse_yuan(yuan).unwrap().fen(), fen, "{yuan}");
    }
    for fen in (1..200_000).chain([i64::MAX / 100, 10_000_000_000]) {
        let Ok(money) = Money::from_fen(fen) else {
            continue;
        };
        assert_eq!(Money::parse_yuan(&money.to_yuan()), Ok(money));
    }
    for text in [
        "1.100", "1e2", "+1", "-1", "", ".5", "1.", "1,00", "0x1", "NaN", "１",
    ] {
        assert!(Money::parse_yuan(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn t_26_two_attempts_that_are_both_paid_pay_once_and_give_back_once() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let (order, first) = open_payment(&shop, Method::Wechat).await;
    let second = shop.start(&order, Method::Alipay).await;
    shop.scan_and_pay(&second).await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    // WeChat's payment arrives all the same, and is notified three times.
    for _ in 0..3 {
        assert_eq!(tell(&shop, &first, &Alteration::default()).await, 200);
        assert_eq!(tell(&shop, &first, &saying("attach", json!("again"))).await, 200);
    }
    let (paid, surplus) = (shop.payment(&second).await, shop.payment(&first).await);
    assert!(paid.settles && !surplus.settles);
    assert_eq!(surplus.state, PaymentState::Paid);
    let refunds = payments::list_refunds(&shop.services, &first.id).await.unwrap();
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0].amount, first.amount);
    assert!(!matches!(refunds[0].state, RefundState::Failed));
    assert!(
        payments::list_refunds(&shop.services, &second.id)
            .await
            .unwrap()
            .is_empty()
    );
    shop.close().await;
}

#[tokio::test]
async fn t_27_no_later_message_takes_a_payment_back() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, changes) in [
        (
            Method::Wechat,
            [
                ("trade_state", "NOTPAY"),
                ("trade_state", "CLOSED"),
                ("trade_state", "SUCCESS"),
            ],
        ),
        (
            Method::Alipay,
            [
                ("trade_status", "WAIT_BUYER_PAY"),
                ("trade_status", "TRADE_CLOSED"),
                ("trade_status", "TRADE_SUCCESS"),
            ],
        ),
    ] {
        let (order, payment) = open_payment(&shop, method).await;
        shop.scan_and_pay(&payment).await;
        let paid = shop.payment(&payment).await;
        for (name, value) in changes {
            assert_eq!(
                tell(&shop, &payment, &saying(name, json!(value))).await,
                200,
                "{value}"
            );
            assert_eq!(shop.payment(&payment).await, paid, "{method} {value}");
        }
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    }
    shop.close().await;
}

#[tokio::test]
async fn t_28_a_payment_during_the_close_counts() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        // Just before the close, without a notification.
        let (order, payment) = open_payment(&shop, method).await;
        shop.sim.fault(Fault::new(FaultKind::Mute));
        shop.scan_and_pay(&payment).await;
        let gateway = shop.services.gateways.get(method.channel().unwrap()).unwrap();
        let closing = gateway.close(&payment.payment_no).await;
        assert!(
            matches!(
                closing,
                Err(GatewayError::AlreadyPaid | GatewayError::AlreadyClosed)
            ),
            "{closing:?}"
        );
        let refused = shop.cancel(&order.id).await;
        assert!(
            matches!(refused, Err(Error::Refused(Refusal::OrderNotCancellable))),
            "{method} {refused:?}"
        );
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        // Just after it: a payer who had begun may finish.
        shop.sim
            .faults(Faults::none().with(Fault::new(FaultKind::LatePay)));
        let (order, payment) = open_payment(&shop, method).await;
        shop.sim.scan(payment.prompt.as_deref().unwrap()).await.unwrap();
        shop.cancel(&order.id).await.unwrap();
        shop.scan_and_pay(&payment).await;
        let late = shop.payment(&payment).await;
        assert_eq!(
            (late.state, late.settles),
            (PaymentState::Paid, false),
            "{method}"
        );
        let refunds = payments::list_refunds(&shop.services, &payment.id).await.unwrap();
        assert_eq!(refunds.len(), 1, "it goes back");
        shop.sim.faults(Faults::none());
    }
    shop.close().await;
}

#[tokio::test]
async fn t_29_a_confirmed_close_proves_nothing() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let (order, payment) = open_payment(&shop, Method::Wechat).await;
    let gateway = shop.services.gateways.wechat.as_ref().unwrap();
    let stranger = domain::PaymentNo::parse("P00000000000000000000000000").unwrap();
    assert_eq!(gateway.close(&stranger).await.unwrap(), Closing::Closed);
    assert_eq!(gateway.query(&stranger).await.unwrap(), Report::Absent);
    // So a close is only half of an end, and a payment after it is found.
    shop.cancel(&order.id).await.unwrap();
    assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Cancelled);
    assert_eq!(tell(&shop, &payment, &Alteration::default()).await, 200);
    let late = shop.payment(&payment).await;
    assert_eq!((late.state, late.settles), (PaymentState::Paid, false));
    let refunds = payments::list_refunds(&shop.services, &payment.id).await.unwrap();
    assert_eq!(refunds.len(), 1, "it goes back");
    shop.close().await;
}

#[tokio::test]
async fn t_38_a_finished_trade_is_paid_and_paid_once() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let (order, payment) = open_payment(&shop, Method::Alipay).await;
    let finished = saying("trade_status", json!("TRADE_FINISHED"));
    assert_eq!(tell(&shop, &payment, &finished).await, 200);
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    let paid = shop.payment(&payment).await;
    assert_eq!(tell(&shop, &payment, &finished).await, 200);
    assert_eq!(shop.payment(&payment).await, paid);
    shop.close().await;
}

#[test]
fn t_45_each_gateway_is_answered_in_its_own_words() {
    let done = reply(Channel::Alipay, Reception::Done);
    assert_eq!((done.status, done.body), (200, "success"));
    assert_eq!(reply(Channel::Wechat, Reception::Done).status, 200);
    for reception in [
        Reception::NotAuthentic,
        Reception::Malformed,
        Reception::TooLarge,
        Reception::Failed,
    ] {
        // Alipay reads the body and nothing else, WeChat the status: a 200 with FAIL would be a success.
        assert!(!reply(Channel::Alipay, reception).body.contains("success"));
        let status = reply(Channel::Wechat, reception).status;
        assert!((400..600).contains(&status), "{reception:?}");
    }
}

#[tokio::test]
async fn t_49_an_answer_that_was_overtaken_changes_nothing() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let (order, payment) = open_payment(&shop, Method::Wechat).await;
    shop.sim.fault(Fault::new(FaultKind::Stale { seconds: 60 }));
    shop.scan_and_pay(&payment).await;
    assert_eq!(
        shop.status(&order).await,
        OrderStatus::Paid,
        "the notice came first"
    );
    let gateway = shop.services.gateways.wechat.as_ref().unwrap();
    let stale = gateway.query(&payment.payment_no).await.unwrap();
    assert_eq!(stale, Report::Unpaid);
    for report in [
        stale,
        Report::Absent,
        Report::Closed,
        Report::Declined("X".to_owned()),
    ] {
        let order = OrderState::Paid;
        let settlement = settle(
            order,
            PaymentState::Paid,
            payment.amount,
            LatePolicy::Refund,
            &report,
        );
        assert_eq!(settlement, Settlement::Unchanged, "{report:?}");
    }
    shop.sleep(Duration::from_secs(2)).await;
    shop.run_jobs().await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn t_50_a_hundred_million_yuan_is_more_than_an_i32_of_fen() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        let order = shop.order("100000000.00").await;
        let payment = shop.start(&order, method).await;
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{method}");
        assert_eq!(shop.payment(&payment).await.amount.fen(), 10_000_000_000);
    }
    shop.close().await;
}
