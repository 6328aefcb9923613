//! T-30 to T-37 and T-40: refunds.

use std::time::Duration;

use domain::{Method, Money, OrderStatus, Payment, PaymentState, RefundNo, RefundReport, Report};
use payments::gateway::alipay::{Alipay, CancelEffect};
use payments::gateway::{Gateway, GatewayError, NotificationContent, RefundAsk};
use serde_json::json;
use simulator::{Alteration, Endpoint, Fault, FaultKind, Faults};

use crate::harness::{NOWHERE, cases, headers, now, read, text, wechat_at, wechat_settings};
use crate::shop::{BOTH, Engine, Shop};

const A_MINUTE: Duration = Duration::from_secs(61);

async fn paid(shop: &Shop, method: Method) -> Payment {
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, method).await;
    shop.scan_and_pay(&payment).await;
    let payment = shop.payment(&payment).await;
    assert_eq!(payment.state, PaymentState::Paid);
    payment
}

fn gateway(shop: &Shop, method: Method) -> &Gateway {
    shop.services.gateways.get(method.channel().unwrap()).unwrap()
}

fn alipay(shop: &Shop) -> &Alipay {
    match gateway(shop, Method::Alipay) {
        Gateway::Alipay(alipay) => alipay,
        Gateway::Wechat(_) => unreachable!("it was asked for Alipay"),
    }
}

fn number(text: &str) -> RefundNo {
    RefundNo::parse(text).unwrap()
}

fn ask<'a>(payment: &'a Payment, refund_no: &'a RefundNo, yuan: &str) -> RefundAsk<'a> {
    RefundAsk {
        refund_no,
        payment_no: &payment.payment_no,
        transaction_id: payment.transaction_id.as_deref().unwrap(),
        amount: Money::parse_yuan(yuan).unwrap(),
        total: payment.amount,
        reason: "缺货",
    }
}

fn is_done(report: &Result<RefundReport, GatewayError>) -> bool {
    matches!(report, Ok(RefundReport::Succeeded { .. }))
}

#[tokio::test]
async fn t_30_a_refund_that_was_accepted_is_not_done() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    shop.sim.set_alipay_refund_ms(5_000);
    for (method, _) in BOTH {
        let payment = paid(&shop, method).await;
        let no = number(&format!("R30{method}"));
        let accepted = gateway(&shop, method).refund(&ask(&payment, &no, "9.99")).await;
        assert!(
            matches!(accepted, Ok(RefundReport::Processing { .. })),
            "{accepted:?}"
        );
        let asked = gateway(&shop, method)
            .query_refund(&ask(&payment, &no, "9.99"))
            .await;
        assert!(!is_done(&asked), "{asked:?}");
        shop.sleep(Duration::from_secs(6)).await;
        let asked = gateway(&shop, method)
            .query_refund(&ask(&payment, &no, "9.99"))
            .await;
        assert!(is_done(&asked), "{asked:?}");
    }
    shop.close().await;
}

#[tokio::test]
async fn t_31_a_notification_calls_its_status_otherwise() {
    let file = read("b_wechat_callback");
    let case = cases(&file)
        .iter()
        .find(|case| text(case, "name") == "refund_success")
        .unwrap();
    let gateway = wechat_at(wechat_settings(&file, NOWHERE), now(case));
    let notification = gateway
        .read_notification(&headers(case), text(case, "body").as_bytes())
        .await
        .unwrap();
    let NotificationContent::Refund(news) = notification.content else {
        panic!("{notification:?}");
    };
    assert!(
        matches!(news.report, Some(RefundReport::Succeeded { .. })),
        "{news:?}"
    );
    assert!(news.refund_no.is_some() && news.amount.is_some() && news.total.is_some());
}

#[tokio::test]
async fn t_32_a_repeat_is_the_same_refund() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        let payment = paid(&shop, method).await;
        let no = number(&format!("R32{method}"));
        for _ in 0..3 {
            let report = gateway(&shop, method).refund(&ask(&payment, &no, "4.00")).await;
            assert!(report.is_ok(), "{method} {report:?}");
            shop.sleep(Duration::from_secs(6)).await;
        }
        let books = shop.sim.books();
        let given_back: i64 = books
            .refunds
            .iter()
            .filter(|refund| refund.out_trade_no == payment.payment_no.as_str())
            .map(|refund| refund.fen)
            .sum();
        assert_eq!(given_back, 400, "{method}");
        // Another amount under this number is refused, not refunded additionally.
        let other = gateway(&shop, method).refund(&ask(&payment, &no, "5.00")).await;
        assert!(
            matches!(
                other,
                Err(GatewayError::Declined {
                    is_authentic: true,
                    ..
                })
            ),
            "{other:?}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn t_33_an_error_with_effect_is_unknown_and_the_repeat_finds_it() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, kind) in [
        (Method::Wechat, FaultKind::BusyAfter),
        (Method::Wechat, FaultKind::ErrorAfter),
        (Method::Wechat, FaultKind::Html502After),
        (Method::Alipay, FaultKind::ErrorAfter),
        (Method::Alipay, FaultKind::Html502After),
        (Method::Alipay, FaultKind::NoSignature),
    ] {
        let payment = paid(&shop, method).await;
        let no = number(&format!("R33{}", payment.payment_no));
        shop.sim.fault(Fault::new(kind).at(Endpoint::Refund));
        let lost = gateway(&shop, method).refund(&ask(&payment, &no, "9.99")).await;
        assert!(
            matches!(
                lost,
                Err(GatewayError::Unknown { .. } | GatewayError::RetrySame { .. })
            ),
            "{method} {kind:?} {lost:?}"
        );
        shop.sim.faults(Faults::none());
        shop.sleep(A_MINUTE).await;
        let again = gateway(&shop, method).refund(&ask(&payment, &no, "9.99")).await;
        assert!(is_done(&again), "{method} {kind:?} {again:?}");
        assert_eq!(shop.sim.books().refund(no.as_str()).unwrap().fen, 999);
    }
    shop.close().await;
}

#[tokio::test]
async fn t_34_a_trade_that_is_not_found_yet_is_asked_for_again() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        let payment = paid(&shop, method).await;
        let no = number(&format!("R34{method}"));
        shop.sim
            .fault(Fault::new(FaultKind::NotFound).at(Endpoint::Refund).times(1));
        let early = gateway(&shop, method).refund(&ask(&payment, &no, "9.99")).await;
        assert!(
            matches!(
                early,
                Err(GatewayError::RetrySame { .. } | GatewayError::Unknown { .. })
            ),
            "{method} {early:?}"
        );
        let later = gateway(&shop, method).refund(&ask(&payment, &no, "9.99")).await;
        assert!(later.is_ok(), "{later:?}");
    }
    shop.close().await;
}

#[tokio::test]
async fn t_35_an_alipay_refund_notification_is_not_a_payment() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for sign_of_refund in ["refund_fee", "gmt_refund", "out_biz_no"] {
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, Method::Alipay).await;
        let mut refund_like = Alteration {
            new_id: true,
            ..Alteration::default()
        };
        let value = if sign_of_refund == "gmt_refund" {
            "2026-11-24 10:00:00.123"
        } else {
            "1.00"
        };
        refund_like.set.insert(sign_of_refund.to_owned(), json!(value));
        let letter = shop
            .sim
            .letter(payment.payment_no.as_str(), &refund_like)
            .unwrap();
        assert!(String::from_utf8_lossy(&letter.body).contains("TRADE_SUCCESS"));
        assert_eq!(shop.deliver(&letter).await, 200);
        assert_eq!(
            shop.status(&order).await,
            OrderStatus::Pending,
            "{sign_of_refund}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn t_36_the_sum_of_all_refunds_is_not_this_one() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let payment = paid(&shop, Method::Alipay).await;
    let (first, second) = (number("R361"), number("R362"));
    let gateway = gateway(&shop, Method::Alipay);
    for (no, yuan) in [(&first, "3.00"), (&second, "2.50")] {
        let report = gateway.refund(&ask(&payment, no, yuan)).await;
        assert!(is_done(&report), "{yuan} {report:?}");
    }
    for (no, yuan) in [(&first, "3.00"), (&second, "2.50")] {
        assert!(
            is_done(&gateway.query_refund(&ask(&payment, no, yuan)).await),
            "{yuan}"
        );
    }
    // The other refund's amount, and the sum of both, match neither.
    for yuan in ["2.50", "5.50"] {
        let asked = gateway.query_refund(&ask(&payment, &first, yuan)).await;
        assert!(
            matches!(asked, Err(GatewayError::Unknown { .. })),
            "{yuan} {asked:?}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn t_37_closed_is_unpaid_or_refunded_in_full() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let unpaid = shop.start(&order, Method::Alipay).await;
    shop.sim.scan(unpaid.prompt.as_deref().unwrap()).await.unwrap();
    let refunded = paid(&shop, Method::Alipay).await;
    let no = number("R37");
    let report = gateway(&shop, Method::Alipay)
        .refund(&ask(&refunded, &no, "9.99"))
        .await;
    assert!(is_done(&report), "{report:?}");
    let state = |payment: &Payment| {
        let books = shop.sim.books();
        books.trade(payment.payment_no.as_str()).unwrap().state.clone()
    };
    assert_eq!(state(&refunded), "TRADE_CLOSED");
    let asked = gateway(&shop, Method::Alipay).query(&refunded.payment_no).await;
    assert!(matches!(asked, Ok(Report::Paid(_))), "{asked:?}");
    // Alipay has sent a notification as well: the payment stays paid.
    assert_eq!(shop.payment(&refunded).await.state, PaymentState::Paid);
    shop.sim.fault(Fault::new(FaultKind::Mute));
    shop.sleep(Duration::from_mins(16)).await;
    assert_eq!(state(&unpaid), "TRADE_CLOSED");
    let asked = gateway(&shop, Method::Alipay).query(&unpaid.payment_no).await;
    assert!(matches!(asked, Ok(Report::Closed)), "{asked:?}");
    shop.close().await;
}

#[tokio::test]
async fn t_40_a_known_payment_is_never_cancelled() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Alipay).await;
    assert_eq!(
        alipay(&shop).cancel(&payment.payment_no).await.unwrap(),
        CancelEffect::Nothing
    );
    shop.sim.scan(payment.prompt.as_deref().unwrap()).await.unwrap();
    assert_eq!(
        alipay(&shop).cancel(&payment.payment_no).await.unwrap(),
        CancelEffect::Closed
    );
    let again = alipay(&shop).cancel(&payment.payment_no).await;
    assert!(matches!(again, Err(GatewayError::AlreadyClosed)), "{again:?}");

    let payment = paid(&shop, Method::Alipay).await;
    let refused = alipay(&shop).cancel(&payment.payment_no).await;
    assert!(matches!(refused, Err(GatewayError::AlreadyPaid)), "{refused:?}");
    assert!(shop.sim.books().refunds.is_empty());
    // Without a verifiable query it cancels, which refunds the payer, and reports that.
    shop.sim
        .fault(Fault::new(FaultKind::BadSignature).at(Endpoint::Query));
    let undone = alipay(&shop).cancel(&payment.payment_no).await.unwrap();
    assert_eq!(undone, CancelEffect::Refunded);
    shop.sim.faults(Faults::none());
    shop.close().await;
}
