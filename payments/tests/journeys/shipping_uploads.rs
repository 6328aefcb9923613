//! Shipping information of payments in a mini program: WeChat is told once of each, or a person is.

use std::time::Duration;

use domain::{Payment, PaymentStatus, Product};
use payments::console::{GatewayCall, IncidentKind, Operation, Verdict, list_open_incidents, open_file};
use payments::{Logistics, Policy, StartPayment};
use simulator::{BookedShipping, Endpoint, Fault, FaultKind, WechatKeys};

use crate::refunds::refund;
use crate::shop::{Shop, engines};

const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
const SUBJECT: &str = "会员 & 月卡 100%";
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Runs a journey on every engine, in a shop that tells WeChat of its deliveries.
async fn on_each_engine(shipping: Option<Logistics>, journey: impl AsyncFn(&Shop)) {
    for engine in engines() {
        let policy = Policy {
            shipping,
            ..Policy::default()
        };
        let mut shop = Shop::open(engine, WechatKeys::PublicKey, policy).await;
        Box::pin(journey(&shop)).await;
        shop.close().await;
    }
}

async fn paid_in(shop: &Shop, product: Product, subject: &str) -> Payment {
    let order = shop.order_of(subject, "9.90").await;
    let start = StartPayment {
        openid: Some(OPENID.to_owned()),
        ..StartPayment::new(order.id.clone(), product)
    };
    let payment = payments::start_payment(&shop.services, start, None)
        .await
        .unwrap()
        .into_value()
        .unwrap();
    shop.scan_and_pay(&payment).await;
    let paid = shop.payment(&payment).await;
    assert_eq!(paid.status(), PaymentStatus::Success);
    paid
}

async fn paid(shop: &Shop) -> Payment {
    paid_in(shop, Product::WechatMini, SUBJECT).await
}

async fn upload(shop: &Shop) -> usize {
    payments::upload_shipping(&shop.services).await.unwrap()
}

fn shipping_of(shop: &Shop, payment: &Payment) -> Option<BookedShipping> {
    let books = shop.sim.books();
    books.trade(payment.payment_no.as_str()).unwrap().shipping.clone()
}

fn n_uploads(shop: &Shop, payment: &Payment) -> u32 {
    shipping_of(shop, payment).map_or(0, |shipping| shipping.n_uploads)
}

/// Details of the open incidents about uploads.
async fn told(shop: &Shop) -> Vec<String> {
    let open = list_open_incidents(&shop.services, None, 50).await.unwrap().data;
    let kind = Some(IncidentKind::ShippingNotUploaded);
    let of_kind = open.into_iter().filter(|incident| incident.kind == kind);
    of_kind.map(|incident| incident.detail).collect()
}

async fn fail(shop: &Shop, kind: FaultKind, n_times: u32) {
    shop.sim
        .fault(Fault::new(kind).at(Endpoint::Shipping).times(n_times));
}

#[tokio::test]
async fn a_payment_in_the_mini_program_is_reported_once() {
    for (logistics, code) in [(Logistics::Virtual, 3), (Logistics::Pickup, 4)] {
        on_each_engine(Some(logistics), async |shop| {
            let payment = paid(shop).await;
            let other = paid_in(shop, Product::Jsapi, SUBJECT).await;
            assert_eq!(upload(shop).await, 1);
            let shipping = shipping_of(shop, &payment).unwrap();
            assert_eq!(
                (shipping.logistics_type, shipping.item_desc.as_str()),
                (code, SUBJECT)
            );
            shop.sleep(2 * DAY).await;
            assert_eq!(upload(shop).await, 0);
            assert_eq!(n_uploads(shop, &payment), 1);
            assert_eq!(shipping_of(shop, &other), None);
            assert!(told(shop).await.is_empty());
        })
        .await;
    }
}

#[tokio::test]
async fn the_gateway_log_shows_each_upload_without_its_token_and_payer() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid(shop).await;
        fail(shop, FaultKind::NotFound, 1).await;
        assert_eq!(upload(shop).await, 1);
        shop.sleep(MINUTE).await;
        assert_eq!(upload(shop).await, 1);
        payments::write_calls(&shop.services).await.unwrap();
        let mut calls = open_file(&shop.services, &payment.order_id).await.unwrap().calls;
        calls.retain(|call| call.operation == Operation::UploadShipping);
        let verdicts: Vec<Verdict> = calls.iter().map(|call| call.verdict).collect();
        assert_eq!(verdicts, [Verdict::Unsigned, Verdict::Unsigned]);
        assert!(calls.iter().all(GatewayCall::is_usual));
        assert!(calls[1].answer.contains("\"errcode\": 0"), "{}", calls[1].answer);
        for call in calls {
            assert_eq!(call.line, "POST /wxa/sec/order/upload_shipping_info");
            assert!(call.request.contains(SUBJECT));
            assert!(!call.request.contains(OPENID));
        }
    })
    .await;
}

#[tokio::test]
async fn a_long_subject_is_cut_to_what_wechat_takes() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid_in(shop, Product::WechatMini, &"卡".repeat(125)).await;
        assert_eq!(upload(shop).await, 1);
        let shipping = shipping_of(shop, &payment).unwrap();
        assert_eq!(shipping.item_desc, "卡".repeat(120));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_uploaded_unless_the_operator_wants_it() {
    on_each_engine(None, async |shop| {
        let payment = paid(shop).await;
        let rows = shop
            .meddle("update shipping_uploads set detail = null".to_owned())
            .await;
        assert_eq!(rows, 0);
        assert_eq!(upload(shop).await, 0);
        assert_eq!(shipping_of(shop, &payment), None);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_over_is_fetched_again_in_the_same_try() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let first = paid(shop).await;
        fail(shop, FaultKind::TokenExpired, 1).await;
        assert_eq!(upload(shop).await, 1);
        assert_eq!(n_uploads(shop, &first), 1);
        // Also by its time, and without a refusal.
        shop.sleep(Duration::from_mins(119)).await;
        let second = paid(shop).await;
        assert_eq!(upload(shop).await, 1);
        assert_eq!(n_uploads(shop, &second), 1);
        assert!(told(shop).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_and_a_busy_wechat_are_tried_again_and_uploaded_once() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid(shop).await;
        for kind in [FaultKind::Busy, FaultKind::NotFound, FaultKind::ResetAfter] {
            // The token is fetched first, and kept.
            let n_times = if kind == FaultKind::ResetAfter { 1 } else { 2 };
            fail(shop, kind, n_times).await;
            assert_eq!(upload(shop).await, 1, "{kind:?}");
            shop.sim.faults(simulator::Faults::none());
            assert_eq!(upload(shop).await, 0, "not due yet");
            shop.sleep(10 * MINUTE).await;
        }
        assert_eq!(n_uploads(shop, &payment), 1, "WeChat has it, and we do not know");
        assert_eq!(upload(shop).await, 1);
        shop.sleep(2 * DAY).await;
        assert_eq!(upload(shop).await, 0);
        assert_eq!(n_uploads(shop, &payment), 1);
        assert!(told(shop).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_another_server_has_claimed_waits_for_its_lease() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid(shop).await;
        let until = shop.services.clock.now().millis() + 60_000;
        let claim = format!("update shipping_uploads set leased_until = {until}, leased_by = 'another'");
        assert_eq!(shop.meddle(claim).await, 1);
        assert_eq!(upload(shop).await, 0);
        assert_eq!(shipping_of(shop, &payment), None);
        shop.sleep(MINUTE).await;
        assert_eq!(upload(shop).await, 1);
        assert_eq!(n_uploads(shop, &payment), 1);
    })
    .await;
}

#[tokio::test]
async fn a_refused_upload_is_an_incident_with_wechats_words_until_it_succeeds() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid(shop).await;
        fail(shop, FaultKind::Declined, 2).await;
        assert_eq!(upload(shop).await, 1);
        let words = told(shop).await;
        assert_eq!(words.len(), 1);
        assert!(
            words[0].contains("10060004: 支付单处于不可发货的状态"),
            "{words:?}"
        );
        shop.sleep(MINUTE).await;
        assert_eq!(upload(shop).await, 1);
        assert_eq!(told(shop).await.len(), 1, "it is one incident");
        shop.sleep(10 * MINUTE).await;
        assert_eq!(upload(shop).await, 1);
        assert_eq!(n_uploads(shop, &payment), 1);
        assert!(told(shop).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_token_that_wechat_does_not_take_is_one_incident_for_all_payments() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let first = paid(shop).await;
        shop.sim
            .fault(Fault::new(FaultKind::TokenExpired).at(Endpoint::Shipping));
        assert_eq!(upload(shop).await, 1);
        let words = told(shop).await;
        assert_eq!(words.len(), 1, "{words:?}");
        assert!(words[0].contains("no access token: 42001"), "{words:?}");
        // These two share a token: the second may hear 40001, because the first has ended it.
        let (second, third) = (paid(shop).await, paid(shop).await);
        assert_eq!(upload(shop).await, 2);
        assert_eq!(told(shop).await.len(), 1);
        shop.sim.faults(simulator::Faults::none());
        shop.sleep(MINUTE).await;
        assert_eq!(upload(shop).await, 3);
        for payment in [&first, &second, &third] {
            assert_eq!(n_uploads(shop, payment), 1);
        }
        assert!(told(shop).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_silent_wechat_is_an_incident_after_three_days_and_given_up_after_a_month() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid(shop).await;
        shop.sim
            .fault(Fault::new(FaultKind::Html502).at(Endpoint::Shipping));
        let mut days_told = Vec::new();
        for day in 0..40 {
            for _ in 0..24 {
                upload(shop).await;
                shop.sleep(DAY / 24).await;
            }
            if !told(shop).await.is_empty() {
                days_told.push(day);
            }
        }
        assert_eq!(days_told.first(), Some(&3), "{days_told:?}");
        shop.sim.faults(simulator::Faults::none());
        assert_eq!(upload(shop).await, 0, "given up");
        assert_eq!(shipping_of(shop, &payment), None);
        assert!(told(shop).await[0].contains("status 502"));
    })
    .await;
}

#[tokio::test]
async fn a_payment_that_was_refunded_before_is_not_reported() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid(shop).await;
        let part = paid(shop).await;
        refund(shop, &payment, None).await.unwrap();
        refund(shop, &part, Some(100)).await.unwrap();
        assert_eq!(upload(shop).await, 2);
        assert_eq!(n_uploads(shop, &part), 1, "some of it is delivered");
        assert_eq!(shipping_of(shop, &payment), None, "its refund is under way");
        shop.pass(MINUTE).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Refunded);
        assert_eq!(upload(shop).await, 1);
        shop.sleep(2 * DAY).await;
        assert_eq!(upload(shop).await, 0);
        assert_eq!(shipping_of(shop, &payment), None);
        assert!(told(shop).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_person_who_is_forgotten_stays_named_until_the_upload_ends() {
    on_each_engine(Some(Logistics::Virtual), async |shop| {
        let payment = paid(shop).await;
        let operator =
            crate::shop::employ(&shop.services, "o@example.com", payments::users::Role::Owner).await;
        let visit = crate::shop::visit_of(&operator);
        let erased = payments::forget_user(&shop.services, &visit, "ann")
            .await
            .unwrap();
        assert_eq!(erased.n_open, 1);
        assert_eq!(upload(shop).await, 1);
        assert_eq!(n_uploads(shop, &payment), 1);
        let erased = payments::forget_user(&shop.services, &visit, "ann")
            .await
            .unwrap();
        assert_eq!(erased.n_open, 0);
        assert_eq!(shop.payment(&payment).await.request, "");
        // After a month an upload that was never made no longer keeps the request.
        let payment = paid(shop).await;
        shop.sleep(31 * DAY).await;
        let erased = payments::forget_user(&shop.services, &visit, "ann")
            .await
            .unwrap();
        assert_eq!(erased.n_open, 0);
        assert_eq!(shop.payment(&payment).await.request, "");
    })
    .await;
}
