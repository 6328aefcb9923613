//! Payment links: an order opens at the tap, and the stock is reserved with it.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Method, Money, Order, OrderStatus};
use futures_util::future::join_all;
use payments::console::{
    ManualOrder, NewLink, close_link, close_order, list_links, make_link, make_order, open_link_file,
};
use payments::users::Role;
use payments::{Error, LinkError, LinkState, PaymentLink, find_link, open_link_order};

use crate::refunds::refund;
use crate::shop::{Shop, employ, on_each_engine, visit_of};

fn nine_yuan(stock: Option<i64>) -> NewLink {
    NewLink {
        subject: "Tea".to_owned(),
        amount: Some(Money::parse_yuan("9.00").unwrap()),
        stock,
        expires_at: None,
    }
}

async fn link(shop: &Shop, new: &NewLink) -> PaymentLink {
    let owner = employ(&shop.services, "links@example.com", Role::Owner).await;
    let id = make_link(&shop.services, &visit_of(&owner), new).await.unwrap();
    open_link_file(&shop.services, id.as_str()).await.unwrap().link
}

async fn tap(shop: &Shop, link: &PaymentLink, visitor: &str) -> Result<Order, LinkError> {
    loop {
        match open_link_order(&shop.services, &link.token, None, Some(visitor)).await {
            // Fifty who wait for one row need more patience than a database has on a busy machine.
            Err(LinkError::Failed(Error::Internal(error))) if error.is_absence() => {}
            outcome => return outcome,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_payers_on_a_stock_of_ten_are_ten_paid_orders_and_nobody_is_charged_for_nothing() {
    on_each_engine(async |shop| {
        let link = link(shop, &nine_yuan(Some(10))).await;
        let visitors: Vec<String> = (0..50).map(|n| format!("visitor {n}")).collect();
        let taps = join_all(visitors.iter().map(|visitor| tap(shop, &link, visitor))).await;
        let (opened, refused): (Vec<_>, Vec<_>) = taps.into_iter().partition(Result::is_ok);
        assert_eq!((opened.len(), refused.len()), (10, 40));
        for refusal in refused {
            assert!(
                matches!(refusal, Err(LinkError::Ended(LinkState::Reserved))),
                "{refusal:?}"
            );
        }
        for order in opened {
            let order = order.unwrap();
            let payment = shop.start(&order, Method::Wechat).await;
            shop.scan_and_pay(&payment).await;
            assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        }
        let books = shop.sim.books();
        let paid = books.trades.iter().filter(|trade| trade.paid_fen > 0);
        assert_eq!(paid.map(|trade| trade.paid_fen).collect::<Vec<_>>(), [900; 10]);
        let late = tap(shop, &link, "late").await;
        assert!(
            matches!(late, Err(LinkError::Ended(LinkState::SoldOut))),
            "{late:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_second_tap_is_the_same_order_and_an_order_that_is_not_paid_gives_its_piece_back() {
    on_each_engine(async |shop| {
        let link = link(shop, &nine_yuan(Some(1))).await;
        let first = tap(shop, &link, "one").await.unwrap();
        assert_eq!(tap(shop, &link, "one").await.unwrap().id, first.id);
        let other = tap(shop, &link, "two").await;
        assert!(
            matches!(other, Err(LinkError::Ended(LinkState::Reserved))),
            "{other:?}"
        );
        shop.sleep(Duration::from_mins(16)).await;
        shop.run_jobs().await;
        assert_eq!(shop.status(&first).await, OrderStatus::Cancelled);
        let second = tap(shop, &link, "two").await.unwrap();
        let ids = BTreeSet::from([first.id.to_string(), second.id.to_string()]);
        assert_eq!(ids.len(), 2);
        let file = open_link_file(&shop.services, link.id.as_str()).await.unwrap();
        assert_eq!((file.link.n_open, file.link.n_paid, file.orders.len()), (1, 0, 2));
    })
    .await;
}

#[tokio::test]
async fn a_link_without_an_amount_takes_the_payers_and_one_that_ended_takes_nothing() {
    on_each_engine(async |shop| {
        let owner = employ(&shop.services, "links@example.com", Role::Owner).await;
        let actor = visit_of(&owner);
        let new = NewLink {
            amount: None,
            expires_at: Some(shop.services.clock.now() + Duration::from_hours(1)),
            ..nine_yuan(None)
        };
        let id = make_link(&shop.services, &actor, &new).await.unwrap();
        let link = open_link_file(&shop.services, id.as_str()).await.unwrap().link;
        let open = async |yuan: Option<&str>| {
            let amount = yuan.map(|yuan| Money::parse_yuan(yuan).unwrap());
            open_link_order(&shop.services, &link.token, amount, None).await
        };
        let none = open(None).await;
        assert!(
            matches!(
                none,
                Err(LinkError::Failed(Error::Invalid { field: "amount", .. }))
            ),
            "{none:?}"
        );
        assert_eq!(open(Some("7.50")).await.unwrap().amount.to_yuan(), "7.50");
        shop.sleep(Duration::from_hours(1)).await;
        let late = open(Some("7.50")).await;
        assert!(
            matches!(late, Err(LinkError::Ended(LinkState::Expired))),
            "{late:?}"
        );
        close_link(&shop.services, &actor, id.as_str()).await.unwrap();
        assert!(close_link(&shop.services, &actor, id.as_str()).await.is_err());
        let link = find_link(&shop.services, &link.token).await.unwrap();
        assert_eq!(link.state(shop.services.clock.now()), LinkState::Closed);
        let unknown = open_link_order(&shop.services, "unknown", None, None).await;
        assert!(
            matches!(unknown, Err(LinkError::Failed(Error::NotFound))),
            "{unknown:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn links_are_listed_newest_first() {
    on_each_engine(async |shop| {
        let owner = employ(&shop.services, "links@example.com", Role::Owner).await;
        let mut made = Vec::new();
        for _ in 0..8 {
            let new = nine_yuan(None);
            made.push(make_link(&shop.services, &visit_of(&owner), &new).await.unwrap());
            shop.sleep(Duration::from_millis(5)).await;
        }
        made.reverse();
        let listed = list_links(&shop.services).await.unwrap();
        let listed: Vec<_> = listed.into_iter().map(|link| link.id).collect();
        assert_eq!(listed, made);
    })
    .await;
}

#[tokio::test]
async fn the_orders_of_a_link_are_listed_with_their_refunds() {
    on_each_engine(async |shop| {
        let link = link(shop, &nine_yuan(None)).await;
        let mut orders = Vec::new();
        for (visitor, returned) in [("one", None), ("two", Some(300)), ("three", Some(900))] {
            let order = tap(shop, &link, visitor).await.unwrap();
            let payment = shop.start(&order, Method::Alipay).await;
            shop.scan_and_pay(&payment).await;
            if let Some(fen) = returned {
                refund(shop, &payment, Some(fen)).await.unwrap();
            }
            orders.push(order.id);
            shop.pass(Duration::from_secs(30)).await;
        }
        let file = open_link_file(&shop.services, link.id.as_str()).await.unwrap();
        let listed: Vec<_> = file.orders.iter().map(|order| &order.id).collect();
        assert_eq!(listed, orders.iter().rev().collect::<Vec<_>>());
        let statuses = file.orders.iter().map(Order::status);
        assert_eq!(
            statuses.collect::<Vec<_>>(),
            [
                OrderStatus::Refunded,
                OrderStatus::PartiallyRefunded,
                OrderStatus::Paid
            ]
        );
        let found = payments::console::find_link(&shop.services, link.id.as_str()).await;
        assert_eq!(found.unwrap(), file.link);
        assert_eq!(file.link.n_paid, 3);
    })
    .await;
}

#[tokio::test]
async fn an_order_by_hand_is_paid_or_closed_like_any_other() {
    on_each_engine(async |shop| {
        let owner = employ(&shop.services, "links@example.com", Role::Owner).await;
        let actor = visit_of(&owner);
        let new = ManualOrder {
            subject: "Repair".to_owned(),
            amount: Money::parse_yuan("120.00").unwrap(),
            user_id: "walk-in".to_owned(),
            minutes: Some(60),
        };
        let order = make_order(&shop.services, &actor, &new).await.unwrap();
        let payment = shop.start(&order, Method::Alipay).await;
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
        let refused = close_order(&shop.services, &actor, &order.id, "").await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
        let other = make_order(&shop.services, &actor, &new).await.unwrap();
        shop.start(&other, Method::Wechat).await;
        close_order(&shop.services, &actor, &other.id, "changed their mind")
            .await
            .unwrap();
        assert_eq!(shop.status(&other).await, OrderStatus::Cancelled);
        for minutes in [0, 10_081] {
            let new = ManualOrder {
                minutes: Some(minutes),
                ..new.clone()
            };
            assert!(make_order(&shop.services, &actor, &new).await.is_err());
        }
    })
    .await;
}
