//! T-53 and T-54: Alipay's signed text has no escapes, and not every parameter about refunds makes a refund notification.

use std::time::Duration;

use domain::{Method, OrderStatus, Payment, PaymentStatus};
use payments::RefundRequest;
use payments::console::list_open_incidents;
use serde_json::{Value, json};
use simulator::{Alteration, Fault, FaultKind, Faults, SignedNotification};
use url::form_urlencoded::{Serializer, parse};

use crate::refunds;
use crate::shop::{Shop, on_each_engine};

fn saying(fields: &[(&str, Value)]) -> Alteration {
    let mut alteration = Alteration {
        new_id: true,
        ..Alteration::default()
    };
    for (name, value) in fields {
        alteration.set.insert((*name).to_owned(), value.clone());
    }
    alteration
}

fn letter(shop: &Shop, payment: &Payment, alteration: &Alteration) -> SignedNotification {
    shop.sim.letter(payment.payment_no.as_str(), alteration).unwrap()
}

/// The same signature over the same text, read as other parameters.
fn split_elsewhere(honest: &SignedNotification, split: impl Fn(&str) -> Vec<String>) -> SignedNotification {
    let (unsigned, mut signed): (Vec<_>, Vec<_>) = parse(&honest.body)
        .into_owned()
        .partition(|(name, _)| name == "sign" || name == "sign_type");
    signed.sort();
    let pairs: Vec<String> = signed
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let text = pairs.join("&");
    let parts = split(&text);
    assert_eq!(parts.join("&"), text, "the signed text is the same");
    let mut form = Serializer::new(String::new());
    for part in &parts {
        let (name, value) = part.split_once('=').unwrap();
        form.append_pair(name, value);
    }
    let form = form.extend_pairs(unsigned).finish();
    SignedNotification {
        body: form.into_bytes(),
        ..honest.clone()
    }
}

async fn open_payment(shop: &Shop) -> (domain::Order, Payment) {
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Alipay).await;
    (order, payment)
}

#[tokio::test]
async fn a_signed_text_that_is_split_elsewhere_pays_for_nothing() {
    on_each_engine(async |shop| {
        let (order, payment) = open_payment(shop).await;
        let subject = "Gift&total_amount=9.99&trade_no=T1&trade_status=TRADE_SUCCESS&x=";
        let waiting = saying(&[
            ("subject", json!(subject)),
            ("trade_status", json!("WAIT_BUYER_PAY")),
        ]);
        let honest = letter(shop, &payment, &waiting);
        let forged = split_elsewhere(&honest, |text| {
            let (before, after) = text.split_once("&x=").unwrap();
            let mut parts: Vec<String> = before.split('&').map(str::to_owned).collect();
            parts.push(format!("x={after}"));
            parts
        });
        let shown = String::from_utf8(forged.body.clone()).unwrap();
        assert!(shown.contains("subject=Gift&total_amount=9.99&trade_no=T1&trade_status=TRADE_SUCCESS&"));
        for letter in [&forged, &honest] {
            assert_eq!(shop.deliver(letter).await, 200);
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
            shop.run_jobs().await;
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Processing);
        }
        assert!(
            list_open_incidents(&shop.services, None, 9)
                .await
                .unwrap()
                .data
                .is_empty()
        );
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    })
    .await;
}

#[tokio::test]
async fn an_ambiguous_notification_causes_a_query_at_once() {
    on_each_engine(async |shop| {
        let (order, payment) = open_payment(shop).await;
        shop.sim.fault(Fault::new(FaultKind::Mute));
        shop.scan_and_pay(&payment).await;
        let honest = letter(shop, &payment, &saying(&[("subject", json!("a&b=c"))]));
        assert_eq!(shop.deliver(&honest).await, 200);
        assert_eq!(shop.status(&order).await, OrderStatus::Pending);
        shop.run_jobs().await;
        assert_eq!(
            shop.status(&order).await,
            OrderStatus::Paid,
            "the gateway was asked"
        );
        shop.sim.faults(Faults::none());
    })
    .await;
}

#[tokio::test]
async fn an_ambiguous_notification_does_not_replace_the_genuine_one() {
    on_each_engine(async |shop| {
        let (order, payment) = open_payment(shop).await;
        let genuine = letter(shop, &payment, &saying(&[("subject", json!("月卡"))]));
        // Everything behind the subject becomes part of it.
        let merged = split_elsewhere(&genuine, |text| {
            let place = text.find("&subject=").unwrap();
            let mut parts: Vec<String> = text[..place].split('&').map(str::to_owned).collect();
            parts.push(text[place + 1..].to_owned());
            parts
        });
        // The amount becomes part of the next parameter's name.
        let whole = split_elsewhere(&genuine, |text| text.split('&').map(str::to_owned).collect());
        let body = String::from_utf8(whole.body.clone()).unwrap();
        let named = body.replace("total_amount=9.99&trade_no=", "total_amount%3D9.99%26trade_no=");
        assert_ne!(named, body);
        let hidden = SignedNotification {
            body: named.into_bytes(),
            ..whole
        };
        for letter in [&merged, &hidden] {
            assert_eq!(shop.deliver(letter).await, 200);
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
        }
        assert_eq!(shop.deliver(&genuine).await, 200);
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    })
    .await;
}

#[tokio::test]
async fn no_text_to_a_gateway_is_refused_and_the_order_keeps_its_own() {
    on_each_engine(async |shop| {
        for method in [Method::Wechat, Method::Alipay] {
            for subject in ["A/B=C & D %26", &"长".repeat(127)[..], &"🇨🇳".repeat(60)] {
                let order = shop.order_of(subject, "9.99").await;
                let payment = shop.start(&order, method).await;
                shop.scan_and_pay(&payment).await;
                let paid = shop.checkout(&order).await.order;
                assert_eq!(
                    (paid.status(), paid.subject.as_str()),
                    (OrderStatus::Paid, subject),
                    "{method}"
                );
                let request: Value = serde_json::from_str(&payment.request).unwrap();
                let sent = request["subject"]
                    .as_str()
                    .or(request["description"].as_str())
                    .unwrap();
                assert!(
                    sent.len() <= if method == Method::Wechat { 127 } else { 256 },
                    "{sent}"
                );
                if method == Method::Alipay {
                    assert!(!sent.contains(['/', '=', '&']), "{sent}");
                }
                let new = RefundRequest {
                    reason: format!("{}a/b=c&d", "退".repeat(70)),
                    ..refunds::request(&payment, None, None)
                };
                payments::request_refund(&shop.services, new, None).await.unwrap();
                shop.pass(Duration::from_mins(2)).await;
                assert_eq!(
                    shop.payment_status(&payment).await,
                    PaymentStatus::Refunded,
                    "{method}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn t_54_a_refund_fee_of_nothing_is_no_refund() {
    on_each_engine(async |shop| {
        let empty = ("refund_fee", json!("0.00"));
        for (status, paid) in [
            ("TRADE_SUCCESS", true),
            ("TRADE_FINISHED", true),
            ("TRADE_CLOSED", false),
        ] {
            let (order, payment) = open_payment(shop).await;
            let mut fields = vec![empty.clone(), ("trade_status", json!(status))];
            if !paid {
                fields.push(("gmt_payment", Value::Null));
            }
            assert_eq!(shop.deliver(&letter(shop, &payment, &saying(&fields))).await, 200);
            let (of_order, of_payment) = match paid {
                true => (OrderStatus::Paid, PaymentStatus::Success),
                false => (OrderStatus::Pending, PaymentStatus::Cancelled),
            };
            assert_eq!(shop.status(&order).await, of_order, "{status}");
            assert_eq!(shop.payment_status(&payment).await, of_payment, "{status}");
        }
        assert!(
            list_open_incidents(&shop.services, None, 9)
                .await
                .unwrap()
                .data
                .is_empty()
        );
        // Any other value there is about a refund, and none was requested.
        for sum in ["0.01", "9.99", "nothing"] {
            let (order, payment) = open_payment(shop).await;
            let refund = saying(&[("refund_fee", json!(sum))]);
            assert_eq!(shop.deliver(&letter(shop, &payment, &refund)).await, 200);
            assert_eq!(shop.status(&order).await, OrderStatus::Pending, "{sum}");
        }
    })
    .await;
}
