//! Refunds under gateway faults: an unknown outcome is queried, and only the gateway's answer ends a refund.

use std::time::Duration;

use domain::{LatePolicy, Method, OrderStatus, Payment, PaymentStatus, RefundRefusal, RefundState};
use payments::{Error, Policy};
use simulator::{Alteration, Endpoint, Fault, FaultKind, Faults, RefundOutcome, WechatKeys};

use crate::refunds::{fen, paid, refund, state};
use crate::shop::{BOTH, Engine, Shop, on_each_engine};

const HOUR: Duration = Duration::from_hours(1);

fn n_booked(shop: &Shop, payment: &Payment) -> usize {
    let books = shop.sim.books();
    let of_payment = |no: &String| no == payment.payment_no.as_str();
    books
        .refunds
        .iter()
        .filter(|refund| of_payment(&refund.out_trade_no))
        .count()
}

#[tokio::test]
async fn an_unknown_outcome_is_never_a_failure_and_never_a_second_refund() {
    on_each_engine(async |shop| {
        let kinds = [
            FaultKind::ResetBefore,
            FaultKind::ResetAfter,
            FaultKind::ErrorBefore,
            FaultKind::ErrorAfter,
            FaultKind::Html502,
            FaultKind::Html502After,
            FaultKind::Busy,
            FaultKind::BusyAfter,
            FaultKind::Truncate,
            FaultKind::BadSignature,
            FaultKind::NoSignature,
            FaultKind::OtherTrade,
        ];
        for (method, _) in BOTH {
            for kind in kinds {
                let (_, payment) = paid(shop, "5.00", method).await;
                shop.sim.fault(Fault::new(FaultKind::Mute));
                shop.sim.fault(Fault::new(kind).at(Endpoint::Refund));
                let refund = refund(shop, &payment, Some(200)).await.unwrap();
                payments::reconcile_refunds(&shop.services).await.unwrap();
                let unknown = state(shop, &refund).await;
                assert!(!unknown.is_final(), "{method} {kind:?}: {unknown:?}");
                assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunding);
                shop.sim.faults(Faults::none().with(Fault::new(FaultKind::Mute)));
                shop.pass(Duration::from_secs(100)).await;
                assert_eq!(
                    state(shop, &refund).await,
                    RefundState::Succeeded,
                    "{method} {kind:?}"
                );
                assert_eq!(n_booked(shop, &payment), 1, "{method} {kind:?}");
                assert_eq!(shop.payment(&payment).await.refunded, fen(200));
                shop.sim.faults(Faults::none());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_refund_unknown_to_the_gateway_is_sent_again_under_the_same_number() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (_, payment) = paid(shop, "5.00", method).await;
            // Accepted the first time, then denied for a while: the retry must not be a second refund.
            shop.sim
                .fault(Fault::new(FaultKind::ResetAfter).at(Endpoint::Refund).times(2));
            shop.sim
                .fault(Fault::new(FaultKind::NotFound).at(Endpoint::QueryRefund).times(2));
            let refund = refund(shop, &payment, None).await.unwrap();
            shop.pass(Duration::from_mins(3)).await;
            assert_eq!(state(shop, &refund).await, RefundState::Succeeded, "{method}");
            assert_eq!(n_booked(shop, &payment), 1);
            shop.sim.faults(Faults::none());
        }
    })
    .await;
}

#[tokio::test]
async fn a_notification_that_overtakes_the_answer_and_comes_five_times_ends_it_once() {
    on_each_engine(async |shop| {
        let (order, payment) = paid(shop, "5.00", Method::Wechat).await;
        shop.sim.set_refund_delay_ms(0);
        shop.sim.fault(Fault::new(FaultKind::Duplicate { copies: 5 }));
        shop.sim
            .fault(Fault::new(FaultKind::ResetAfter).at(Endpoint::Refund));
        shop.sim
            .fault(Fault::new(FaultKind::Html502).at(Endpoint::QueryRefund));
        let refund = refund(shop, &payment, None).await.unwrap();
        payments::reconcile_refunds(&shop.services).await.unwrap();
        shop.sleep(Duration::from_secs(1)).await;
        assert_eq!(state(shop, &refund).await, RefundState::Succeeded);
        assert_eq!(shop.status(&order).await, OrderStatus::Refunded);
        let told = shop.sim.books().notifications;
        assert!(
            told.iter().all(|notification| notification.acknowledged),
            "{told:?}"
        );
        shop.pass(Duration::from_mins(1)).await;
        assert_eq!(shop.payment(&payment).await.refunded, payment.amount);
    })
    .await;
}

#[tokio::test]
async fn an_alipay_refund_in_progress_is_not_shown_as_done() {
    on_each_engine(async |shop| {
        let (order, payment) = paid(shop, "5.00", Method::Alipay).await;
        shop.sim.set_alipay_refund_ms(40_000);
        let refund = refund(shop, &payment, Some(100)).await.unwrap();
        shop.pass(Duration::from_secs(30)).await;
        assert_eq!(state(shop, &refund).await, RefundState::Pending);
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        shop.pass(Duration::from_secs(90)).await;
        assert_eq!(state(shop, &refund).await, RefundState::Succeeded);
        assert_eq!(shop.status(&order).await, OrderStatus::PartiallyRefunded);
        assert_eq!(n_booked(shop, &payment), 1);
    })
    .await;
}

#[tokio::test]
async fn a_refund_without_funds_is_stuck_and_later_succeeds_under_the_same_number() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (_, payment) = paid(shop, "5.00", method).await;
            shop.sim
                .fault(Fault::new(FaultKind::NotEnough).at(Endpoint::Refund));
            let stuck = refund(shop, &payment, None).await.unwrap();
            shop.pass(Duration::from_secs(10)).await;
            assert_eq!(state(shop, &stuck).await, RefundState::Stuck, "{method}");
            let (row, _) = payments::find_refund(&shop.services, &stuck.id).await.unwrap();
            assert!(row.failure_reason.is_some());
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunding);
            shop.sim.faults(Faults::none());
            // No retry was requested.
            shop.pass(Duration::from_mins(1)).await;
            assert_eq!(state(shop, &stuck).await, RefundState::Stuck);
            let retried = payments::retry_refund(&shop.services, &stuck.id).await.unwrap();
            assert_eq!(retried.id, stuck.id);
            shop.pass(Duration::from_secs(20)).await;
            let (done, _) = payments::find_refund(&shop.services, &stuck.id).await.unwrap();
            assert_eq!(done.state, RefundState::Succeeded, "{method}");
            assert_eq!(done.failure_reason, None);
            assert_eq!(n_booked(shop, &payment), 1);
            let again = payments::retry_refund(&shop.services, &stuck.id).await;
            assert!(
                matches!(again, Err(Error::RefundRefused(RefundRefusal::NotRetryable))),
                "{again:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_abnormal_refund_waits_for_a_person_and_is_noticed_when_one_has_acted() {
    on_each_engine(async |shop| {
        let (_, payment) = paid(shop, "5.00", Method::Wechat).await;
        shop.sim
            .fault(Fault::new(FaultKind::RefundAbnormal).at(Endpoint::Refund));
        let abnormal = refund(shop, &payment, None).await.unwrap();
        shop.pass(Duration::from_secs(30)).await;
        assert_eq!(state(shop, &abnormal).await, RefundState::Stuck);
        // Sending the same call again changes nothing: it is settled in the gateway's own console.
        payments::retry_refund(&shop.services, &abnormal.id)
            .await
            .unwrap();
        shop.pass(Duration::from_secs(10)).await;
        assert_eq!(state(shop, &abnormal).await, RefundState::Stuck);
        shop.sim.faults(Faults::none().with(Fault::new(FaultKind::Mute)));
        let number = abnormal.refund_no.as_str();
        shop.sim
            .settle_refund(number, RefundOutcome::Success)
            .await
            .unwrap();
        shop.pass(HOUR + Duration::from_secs(10)).await;
        assert_eq!(state(shop, &abnormal).await, RefundState::Succeeded);
        assert_eq!(n_booked(shop, &payment), 1);
    })
    .await;
}

#[tokio::test]
async fn a_closed_refund_has_failed_and_another_number_takes_its_place_at_most_once() {
    on_each_engine(async |shop| {
        let (order, payment) = paid(shop, "5.00", Method::Wechat).await;
        shop.sim
            .fault(Fault::new(FaultKind::RefundClosed).at(Endpoint::Refund).times(1));
        let closed = refund(shop, &payment, Some(300)).await.unwrap();
        shop.pass(Duration::from_secs(30)).await;
        assert_eq!(state(shop, &closed).await, RefundState::Failed);
        let after = shop.payment(&payment).await;
        assert_eq!(
            (after.status(), after.refunding.fen()),
            (PaymentStatus::Success, 0)
        );
        let first = payments::retry_refund(&shop.services, &closed.id).await.unwrap();
        assert_ne!(first.refund_no, closed.refund_no);
        assert_eq!((first.amount, first.reason.as_str()), (fen(300), "不想要了"));
        let second = payments::retry_refund(&shop.services, &closed.id).await.unwrap();
        assert_eq!(second.id, first.id);
        shop.pass(Duration::from_mins(2)).await;
        assert_eq!(state(shop, &first).await, RefundState::Succeeded);
        assert_eq!(state(shop, &closed).await, RefundState::Failed);
        assert_eq!(shop.payment(&payment).await.refunded, fen(300));
        assert_eq!(shop.status(&order).await, OrderStatus::PartiallyRefunded);
    })
    .await;
}

#[tokio::test]
async fn a_failed_refund_is_not_replaced_while_the_gateway_cannot_be_asked_or_the_money_is_gone() {
    on_each_engine(async |shop| {
        let (_, payment) = paid(shop, "5.00", Method::Wechat).await;
        shop.sim
            .fault(Fault::new(FaultKind::RefundClosed).at(Endpoint::Refund).times(1));
        let closed = refund(shop, &payment, None).await.unwrap();
        shop.pass(Duration::from_secs(30)).await;
        assert_eq!(state(shop, &closed).await, RefundState::Failed);
        shop.sim
            .fault(Fault::new(FaultKind::Html502).at(Endpoint::QueryRefund));
        let unknown = payments::retry_refund(&shop.services, &closed.id).await;
        assert!(matches!(unknown, Err(Error::Unreachable { .. })), "{unknown:?}");
        shop.sim.faults(Faults::none());
        refund(shop, &payment, Some(1)).await.unwrap();
        let exceeds = payments::retry_refund(&shop.services, &closed.id).await;
        assert!(
            matches!(exceeds, Err(Error::RefundRefused(RefundRefusal::ExceedsPayment))),
            "{exceeds:?}"
        );
    })
    .await;
}

/// A WeChat payment that was paid after its order was cancelled.
async fn late(shop: &Shop) -> Payment {
    shop.sim.fault(Fault::new(FaultKind::LatePay).at(Endpoint::Close));
    let order = shop.order("8.00").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.cancel(&order.id).await.unwrap();
    shop.scan_and_pay(&payment).await;
    shop.payment(&payment).await
}

#[tokio::test]
async fn a_late_payment_is_refunded_also_when_the_first_refund_is_closed() {
    on_each_engine(async |shop| {
        shop.sim
            .fault(Fault::new(FaultKind::RefundClosed).at(Endpoint::Refund).times(1));
        let payment = late(shop).await;
        assert_eq!(payment.status(), PaymentStatus::Refunding);
        shop.pass(Duration::from_secs(30)).await;
        let refunds = payments::list_refunds(&shop.services, &payment.id).await.unwrap();
        let states: Vec<_> = refunds.iter().map(|refund| refund.state).collect();
        assert_eq!(states, [RefundState::Requested, RefundState::Failed]);
        let broken = payments::check_invariants(&shop.services).await.unwrap();
        assert!(broken.iter().all(|finding| finding.n_broken == 0), "{broken:?}");
        let taken = refund(shop, &payment, None).await;
        assert!(
            matches!(taken, Err(Error::RefundRefused(RefundRefusal::NothingLeft))),
            "{taken:?}"
        );
        shop.pass(HOUR + Duration::from_secs(30)).await;
        let back = shop.payment(&payment).await;
        assert_eq!(back.status(), PaymentStatus::Refunded);
        assert!(!back.settles);
    })
    .await;
}

#[tokio::test]
async fn a_failed_refund_that_is_done_after_all_stops_the_one_that_was_to_take_its_place() {
    on_each_engine(async |shop| {
        shop.sim
            .fault(Fault::new(FaultKind::RefundClosed).at(Endpoint::Refund).times(1));
        let payment = late(shop).await;
        shop.pass(Duration::from_secs(30)).await;
        let refunds = payments::list_refunds(&shop.services, &payment.id).await.unwrap();
        let [replacement, closed] = refunds.as_slice() else {
            panic!("{refunds:?}")
        };
        let mut alteration = Alteration {
            new_id: true,
            event_type: Some("REFUND.SUCCESS".to_owned()),
            ..Alteration::default()
        };
        alteration
            .set
            .insert("refund_status".to_owned(), serde_json::json!("SUCCESS"));
        let letter = shop.sim.letter(closed.refund_no.as_str(), &alteration).unwrap();
        assert_eq!(shop.deliver(&letter).await, 200);
        assert_eq!(state(shop, closed).await, RefundState::Succeeded);
        assert_eq!(state(shop, replacement).await, RefundState::Failed);
        shop.pass(HOUR + Duration::from_secs(30)).await;
        assert_eq!(n_booked(shop, &payment), 1, "what was withdrawn is never sent");
        assert_eq!(shop.payment(&payment).await.refunded, payment.amount);
    })
    .await;
}

#[tokio::test]
async fn accepted_late_money_can_be_refunded_like_any_other() {
    let policy = Policy {
        late_payment: LatePolicy::Accept,
        ..Policy::default()
    };
    let mut shop = Shop::open(Engine::Sqlite, WechatKeys::PublicKey, policy).await;
    let payment = late(&shop).await;
    assert!(payment.settles);
    refund(&shop, &payment, None).await.unwrap();
    shop.pass(Duration::from_secs(30)).await;
    assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunded);
    shop.close().await;
}

#[tokio::test]
async fn a_refusal_that_the_gateway_signed_fails_a_refund_and_leaves_surplus_to_a_person() {
    on_each_engine(async |shop| {
        let mut asked = Vec::new();
        for (method, _) in BOTH {
            let (_, payment) = paid(shop, "5.00", method).await;
            asked.push((refund(shop, &payment, None).await.unwrap(), payment));
        }
        let late = late(shop).await;
        // No server ran for more than a year: now no gateway accepts these any more.
        shop.sleep(Duration::from_hours(400 * 24)).await;
        shop.run_jobs().await;
        for (refund, payment) in &asked {
            let (failed, _) = payments::find_refund(&shop.services, &refund.id).await.unwrap();
            assert_eq!(failed.state, RefundState::Failed, "{}", payment.method());
            assert!(failed.failure_reason.is_some() && failed.finished_at.is_some());
            assert_eq!(shop.payment_status(payment).await, PaymentStatus::Success);
            assert_eq!(n_booked(shop, payment), 0);
        }
        let refunds = payments::list_refunds(&shop.services, &late.id).await.unwrap();
        let states: Vec<_> = refunds.iter().map(|refund| refund.state).collect();
        assert_eq!(states, [RefundState::Stuck]);
    })
    .await;
}
