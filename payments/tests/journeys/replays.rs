//! Replay of stored notifications: it takes effect once more, and only as it could when it came.

use std::time::Duration;

use domain::{Channel, Method, Order, OrderStatus, Payment};
use payments::console::{self, Actor, ConsoleError, find_notification, replay_notification};
use serde_json::json;
use simulator::{Alteration, SignedNotification};

use super::shop::{BOTH, Shop, on_each_engine};

const ID: &str = "kept-1";

fn actor() -> Actor {
    Actor {
        email: "ann@example.com".to_owned(),
        ip: None,
        request_id: "r1".to_owned(),
    }
}

/// Stores a notification without effect, as in a database that was repaired by hand.
async fn keep(shop: &Shop, channel: Channel, letter: &SignedNotification, id: &str, body: &str) {
    let headers: String = letter
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    let quoted = |text: &str| text.replace('\'', "''");
    let sql = format!(
        "insert into notices (channel, notice_id, payment_no, headers, body, verdict, received_at)
        values ('{channel}', '{id}', '', '{}', '{}', 'payment', {})",
        quoted(&headers),
        quoted(body),
        shop.services.clock.now().millis()
    );
    shop.meddle(sql).await;
}

/// The gateway's notification about this payment, with its id.
fn letter_of(shop: &Shop, method: Method, payment: &Payment) -> (SignedNotification, String) {
    let mut alteration = Alteration::default();
    if method == Method::Alipay {
        alteration.set.insert("notify_id".to_owned(), json!(ID));
    }
    let letter = shop.sim.letter(payment.payment_no.as_str(), &alteration).unwrap();
    let id = match method {
        Method::Alipay => ID.to_owned(),
        _ => {
            let body: serde_json::Value = serde_json::from_slice(&letter.body).unwrap();
            body["id"].as_str().unwrap().to_owned()
        }
    };
    (letter, id)
}

async fn started(shop: &Shop, method: Method) -> (Order, Payment) {
    let order = shop.order("66.00").await;
    let payment = shop.start(&order, method).await;
    (order, payment)
}

#[tokio::test]
async fn a_replayed_notification_takes_effect_only_once() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let channel = method.channel().unwrap();
            let (order, payment) = started(shop, method).await;
            let (letter, id) = letter_of(shop, method, &payment);
            let body = String::from_utf8(letter.body.clone()).unwrap();
            keep(shop, channel, &letter, &id, &body).await;

            // Long after the notification was fresh; from outside it would be rejected now.
            shop.services.clock.advance(Duration::from_mins(10));
            if method == Method::Wechat {
                assert_eq!(shop.deliver(&letter).await, 401);
            }
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
            for _ in 0..3 {
                replay_notification(&shop.services, &actor(), channel, &id)
                    .await
                    .unwrap();
                assert_eq!(shop.status(&order).await, OrderStatus::Paid);
            }
            let file = console::open_file(&shop.services, &order.id).await.unwrap();
            let acts: Vec<&str> = file.acts.iter().map(|line| line.action.as_str()).collect();
            assert_eq!(acts, ["replay_notice"; 3]);
            assert!(file.acts[0].detail.ends_with(": payment"), "{:?}", file.acts[0]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_changed_row_of_the_inbox_is_not_replayed() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let channel = method.channel().unwrap();
            let (order, payment) = started(shop, method).await;
            let (letter, id) = letter_of(shop, method, &payment);
            let body = String::from_utf8(letter.body.clone()).unwrap();
            let altered = body.replacen('1', "2", 1);
            assert_ne!(altered, body);
            keep(shop, channel, &letter, &id, &altered).await;
            // Genuine bytes under the id of another notification.
            keep(shop, channel, &letter, "another", &body).await;
            for name in [id.as_str(), "another"] {
                let refused = replay_notification(&shop.services, &actor(), channel, name).await;
                assert!(
                    matches!(refused, Err(ConsoleError::Unverifiable)),
                    "{method} {name}: {refused:?}"
                );
            }
            assert_eq!(shop.status(&order).await, OrderStatus::Pending);
        }
    })
    .await;
}

#[tokio::test]
async fn decrypted_notifications_are_shown_without_the_payer() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let channel = method.channel().unwrap();
            let (_, payment) = started(shop, method).await;
            shop.scan_and_pay(&payment).await;
            let page = console::list_notifications(&shop.services, None, 1)
                .await
                .unwrap();
            let kept = find_notification(&shop.services, channel, &page.data[0].id)
                .await
                .unwrap();
            let inside = console::read_inside(&shop.services, &kept);
            if method == Method::Alipay {
                assert_eq!(inside, None, "Alipay encrypts nothing");
                continue;
            }
            let inside = inside.unwrap();
            assert!(
                inside.contains(payment.payment_no.as_str()) && inside.contains("\"SUCCESS\""),
                "{inside}"
            );
            assert!(inside.contains("\"openid\": \"••••"), "{inside}");
            assert!(!kept.masked().contains(payment.payment_no.as_str()));
        }
    })
    .await;
}
