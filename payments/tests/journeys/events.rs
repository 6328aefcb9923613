//! Events: every change is told once, in an order that is stable, and none appears behind a cursor.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::{EventId, EventType, Method, Money, Refund};
use futures_util::future::{join, join_all};
use payments::{
    Adjustment, Error, FeedPage, FeedQuery, RefundRequest, Requester, Services, find_event, list_events,
};
use serde_json::Value;

use crate::shop::{Shop, on_each_engine, persistently};

async fn read_feed(services: &Services, query: FeedQuery) -> Result<FeedPage, Error> {
    list_events(services, &query).await
}

/// The whole feed as JSON, page by page.
pub async fn read_all(services: &Services) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let query = FeedQuery {
            after: after.clone(),
            kind: None,
            limit: 3,
        };
        let page = read_feed(services, query).await.unwrap();
        if page.events.is_empty() {
            return events;
        }
        events.extend(
            page.events
                .iter()
                .map(|event| serde_json::to_value(event).unwrap()),
        );
        after = page.next_after.as_deref().and_then(EventId::parse);
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

async fn refund(shop: &Shop, payment: &domain::Payment, fen: Option<i64>) -> Refund {
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        amount: fen.map(|fen| Money::from_fen(fen).unwrap()),
        reason: "不想要了".to_owned(),
        refund_no: None,
        by: Requester::Rule,
    };
    payments::request_refund(&shop.services, request, None)
        .await
        .unwrap()
        .into_value()
        .unwrap()
}

#[tokio::test]
async fn the_life_of_an_order_is_told_in_its_order() {
    on_each_engine(async |shop| {
        let order = shop.order("99.90").await;
        let payment = shop.start(&order, Method::Alipay).await;
        shop.scan_and_pay(&payment).await;
        shop.pass(Duration::from_secs(10)).await;
        refund(shop, &payment, Some(990)).await;
        shop.pass(Duration::from_secs(10)).await;
        refund(shop, &payment, None).await;
        shop.pass(Duration::from_secs(10)).await;
        let events = read_all(&shop.services).await;
        assert_eq!(
            types(&events),
            [
                "order.created",
                "payment.processing",
                "payment.succeeded",
                "order.paid",
                "refund.created",
                "refund.succeeded",
                "order.partially_refunded",
                "refund.created",
                "refund.succeeded",
                "order.refunded",
            ]
        );
        for event in &events {
            assert_eq!(event["orderId"], order.id.as_str(), "{event}");
            let id = EventId::parse(event["id"].as_str().unwrap()).unwrap();
            let alone = find_event(&shop.services, &id).await.unwrap();
            assert_eq!(serde_json::to_value(&alone).unwrap(), *event);
        }
        let data = |index: usize| &events[index]["data"];
        assert_eq!(data(0)["status"], "pending");
        assert_eq!(
            data(0)["checkoutUrl"],
            format!("https://shop.example/checkout/{}", order.token)
        );
        assert_eq!(data(1)["paymentUrl"], payment.prompt.as_deref().unwrap());
        assert_eq!(events[2]["paymentId"], payment.id.as_str());
        assert_eq!(data(2)["status"], "success");
        assert_eq!(data(3)["paidAmount"], 9990);
        assert_eq!(data(5)["status"], "success");
        assert_eq!(data(6)["refundedAmount"], 990);
        assert_eq!(data(9)["refundedAmount"], 9990);
        assert_eq!(data(9)["refundReason"], "不想要了");
        assert_eq!(events[8]["refundId"], data(8)["id"]);
    })
    .await;
}

#[tokio::test]
async fn ends_and_balances_and_incidents_are_told() {
    on_each_engine(async |shop| {
        let order = shop.order("10").await;
        shop.start(&order, Method::Wechat).await;
        shop.cancel(&order.id).await.unwrap();
        let adjustment = Adjustment {
            user_id: "ann".to_owned(),
            change: domain::Change::from_fen(500).unwrap(),
            number: "gift-1".to_owned(),
            note: "gift".to_owned(),
            by: Requester::Rule,
        };
        payments::adjust_balance(&shop.services, adjustment, None)
            .await
            .unwrap();
        let small = shop.order("3").await;
        shop.start(&small, Method::Balance).await;
        let events = read_all(&shop.services).await;
        assert_eq!(
            types(&events),
            [
                "order.created",
                "payment.processing",
                "payment.cancelled",
                "order.cancelled",
                "balance.changed",
                "order.created",
                "payment.succeeded",
                "order.paid",
                "balance.changed",
            ]
        );
        assert_eq!(events[4]["data"]["userId"], "ann");
        assert_eq!(events[4]["data"]["amount"], 500);
        assert_eq!(events[8]["data"]["balanceAfter"], 200);
        assert!(events[4].get("orderId").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_reader_is_told_where_to_go_on() {
    on_each_engine(async |shop| {
        let query = |after: Option<&str>, kind, limit| FeedQuery {
            after: after.map(|id| EventId::parse(id).unwrap()),
            kind,
            limit,
        };
        let empty = read_feed(&shop.services, query(None, None, 10)).await.unwrap();
        assert_eq!(empty.next_after, None);
        for _ in 0..3 {
            shop.order("1").await;
        }
        let first = read_feed(&shop.services, query(None, None, 2)).await.unwrap();
        assert_eq!(first.events.len(), 2);
        assert_eq!(first.next_after.as_deref(), Some(first.events[1].id()));
        let after = first.next_after.as_deref();
        let second = read_feed(&shop.services, query(after, None, 2)).await.unwrap();
        assert_eq!(second.events.len(), 1);
        let after = second.next_after.as_deref();
        let third = read_feed(&shop.services, query(after, None, 2)).await.unwrap();
        assert!(third.events.is_empty());
        assert_eq!(third.next_after.as_deref(), after);
        // Nothing of a type that has not happened: what comes is behind the last of all.
        let none = read_feed(&shop.services, query(None, Some(EventType::OrderPaid), 2))
            .await
            .unwrap();
        assert!(none.events.is_empty());
        assert_eq!(none.next_after.as_deref(), after);
        let unknown = read_feed(
            &shop.services,
            query(Some("evt_01J00000000000000000000000"), None, 2),
        )
        .await;
        assert!(matches!(unknown, Err(Error::NotFound)));
    })
    .await;
}

/// Follows the feed while others write, and a little longer.
async fn follow(services: &Services, is_over: &AtomicBool) -> Vec<String> {
    let mut seen = Vec::new();
    let mut after: Option<EventId> = None;
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let query = || FeedQuery {
            after: after.clone(),
            kind: None,
            limit: 7,
        };
        let page = persistently(|| list_events_owned(services, query()))
            .await
            .unwrap();
        seen.extend(page.events.iter().map(|event| event.id().to_owned()));
        after = page.next_after.as_deref().and_then(EventId::parse);
        if page.events.is_empty() && was_over {
            return seen;
        }
    }
}

async fn list_events_owned(services: &Services, query: FeedQuery) -> Result<FeedPage, Error> {
    list_events(services, &query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_beside_fifty_writers_misses_nothing_and_sees_nothing_twice() {
    on_each_engine(async |shop| {
        let is_over = &AtomicBool::new(false);
        let write = async {
            let writers = (0..50).map(|writer| async move {
                for _ in 0..4 {
                    let order = create(&shop.services, writer).await;
                    persistently(|| shop.cancel(&order)).await.unwrap();
                }
            });
            join_all(writers).await;
            is_over.store(true, Ordering::SeqCst);
        };
        let (seen, ()) = join(follow(&shop.services, is_over), write).await;
        let all = read_all(&shop.services).await;
        let ids: Vec<String> = all
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids.len(), 400);
        assert_eq!(seen, ids, "the order is stable, and each event is seen once");
        let mut created = BTreeMap::new();
        for (place, event) in all.iter().enumerate() {
            let order = event["orderId"].as_str().unwrap();
            match event["type"].as_str().unwrap() {
                "order.created" => assert!(created.insert(order, place).is_none()),
                "order.cancelled" => assert!(created[order] < place, "the cause comes first"),
                other => panic!("{other}"),
            }
        }
    })
    .await;
}

async fn create(services: &Services, writer: usize) -> domain::OrderId {
    let new = || payments::NewOrder {
        order_no: None,
        user_id: format!("user-{writer}"),
        subject: "plan".to_owned(),
        amount: Money::from_fen(100).unwrap(),
        return_url: None,
        metadata: None,
        allows_balance: false,
        expires_in: None,
    };
    persistently(|| payments::create_order(services, new(), None))
        .await
        .unwrap()
        .into_value()
        .unwrap()
        .id
}
