//! Search tests: a list scans a limited number of orders and still finds everything over its pages.

use futures_util::FutureExt;

use super::super::search::largest::{FoundLargest, Place, find_largest};
use super::super::search::{Filter, Found, IdRange, find};
use super::super::{Db, StoreError};
use super::{run, stores};
use crate::model::sort::Age;

/// Each single filter here matches more orders than a page scans: Ann's are cancelled and Bob's are paid, but for Ann's
/// first.
const ORDERS: &str = "
    with recursive s(n) as (select 0 union all select n + 1 from s where n < 15000)
    insert into orders (id, order_no, token, user_id, subject, amount, state, expires_at, paid_at, created_at, updated_at)
    select 'ord_' || cast(100000 + n as text), 'N' || n, 't' || n, case when n % 2 = 0 then 'ann' else 'bob' end, 's',
        case when n % 2 = 0 then 500 else 700 end, case when n % 2 = 0 and n > 0 then 'cancelled' else 'paid' end, n,
        case when n % 2 = 1 or n = 0 then n end, n, n
    from s";

async fn page(db: &Db, filter: Filter<'_>, below: &str) -> Found {
    let names = IdRange { from: "ord_", below };
    let found: Result<Found, StoreError> = db
        .snapshot(|tx| async move { find(tx, filter, names, Age::Newest, 2).await }.boxed())
        .await;
    found.unwrap()
}

/// The orders of all pages, and the number of pages.
async fn walk(db: &Db, filter: Filter<'_>) -> (Vec<String>, usize) {
    let (mut below, mut ids, mut n_pages) = ("ord_Z".to_owned(), Vec::new(), 0);
    loop {
        let found = page(db, filter, &below).await;
        n_pages += 1;
        ids.extend(found.orders.iter().map(|order| order.id.to_string()));
        let Some(oldest) = found.looked_to else {
            return (ids, n_pages);
        };
        assert!(oldest < below, "a page goes on where the last one ended");
        below = oldest;
    }
}

#[tokio::test]
async fn a_rare_combination_of_filters_is_found_some_pages_later() {
    for store in stores().await {
        run(&store.db, ORDERS).await.unwrap();
        let (ann, paid) = (Some("ann"), Some("paid"));
        let first = || vec!["ord_100000".to_owned()];
        let filter = Filter {
            user_id: ann,
            status: paid,
            ..Filter::default()
        };
        assert_eq!(walk(&store.db, filter).await, (first(), 2));
        let filter = Filter {
            status: paid,
            least: Some(400),
            most: Some(600),
            ..Filter::default()
        };
        assert_eq!(walk(&store.db, filter).await, (first(), 2));
        let filter = Filter {
            user_id: ann,
            method: Some("wechat"),
            ..Filter::default()
        };
        // No WeChat payment is paid, which one scan of the payments shows.
        assert_eq!(walk(&store.db, filter).await, (Vec::new(), 1));
    }
}

#[tokio::test]
async fn a_span_of_amounts_is_read_newest_first() {
    for store in stores().await {
        run(&store.db, ORDERS).await.unwrap();
        run(
            &store.db,
            "update orders set amount = 1000 - expires_at where expires_at < 9",
        )
        .await
        .unwrap();
        let span = Filter {
            least: Some(992),
            most: Some(1000),
            ..Filter::default()
        };
        let found = page(&store.db, span, "ord_Z").await;
        let ids: Vec<_> = found.orders.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["ord_100008", "ord_100007"]);
        assert_eq!(found.looked_to, None);
        let found = page(&store.db, span, "ord_100001").await;
        assert_eq!(found.orders.len(), 1);
    }
}

/// The orders of all pages of the oldest first, and the number of pages.
async fn walk_oldest(db: &Db, filter: Filter<'_>) -> (Vec<String>, usize) {
    let (mut from, mut ids, mut n_pages) = ("ord_".to_owned(), Vec::new(), 0);
    loop {
        let names = IdRange {
            from: &from,
            below: "ord_Z",
        };
        let found: Result<Found, StoreError> = db
            .snapshot(|tx| async move { find(tx, filter, names, Age::Oldest, 2).await }.boxed())
            .await;
        let found = found.unwrap();
        n_pages += 1;
        ids.extend(found.orders.iter().map(|order| order.id.to_string()));
        let Some(last) = found.looked_to else {
            return (ids, n_pages);
        };
        assert!(last > from, "a page goes on where the last one ended");
        from = format!("{last}0");
    }
}

#[tokio::test]
async fn the_oldest_orders_come_first_where_they_are_wanted() {
    for store in stores().await {
        run(&store.db, ORDERS).await.unwrap();
        let names = IdRange {
            from: "ord_100003",
            below: "ord_Z",
        };
        let found: Result<Found, StoreError> = store
            .db
            .snapshot(|tx| async move { find(tx, Filter::default(), names, Age::Oldest, 2).await }.boxed())
            .await;
        let found = found.unwrap();
        let ids: Vec<_> = found.orders.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["ord_100003", "ord_100004"]);
        // Bob's last order is the only one that is cancelled.
        let sql = "update orders set state = 'cancelled', paid_at = null where id = 'ord_114999'";
        run(&store.db, sql).await.unwrap();
        let filter = Filter {
            user_id: Some("bob"),
            status: Some("cancelled"),
            ..Filter::default()
        };
        let (ids, n_pages) = walk_oldest(&store.db, filter).await;
        assert_eq!((ids, n_pages), (vec!["ord_114999".to_owned()], 2));
    }
}

async fn largest(db: &Db, filter: Filter<'_>, after: Option<&Place>) -> FoundLargest {
    let names = IdRange {
        from: "ord_",
        below: "ord_Z",
    };
    let found: Result<FoundLargest, StoreError> = db
        .snapshot(|tx| async move { find_largest(tx, filter, names, after, 2).await }.boxed())
        .await;
    found.unwrap()
}

#[tokio::test]
async fn the_largest_orders_come_first_and_of_one_amount_the_newest() {
    for store in stores().await {
        run(&store.db, ORDERS).await.unwrap();
        let sql = "update orders set amount = 900000 where id in ('ord_100002', 'ord_100005')";
        run(&store.db, sql).await.unwrap();
        let all = Filter::default();
        let (mut after, mut ids) = (None, Vec::new());
        for _ in 0..2 {
            let found = largest(&store.db, all, after.as_ref()).await;
            ids.extend(found.orders.iter().map(|order| order.id.to_string()));
            after = found.orders.last().map(Place::of);
        }
        assert_eq!(ids, ["ord_100005", "ord_100002", "ord_114999", "ord_114997"]);
        let ann = Filter {
            user_id: Some("ann"),
            ..all
        };
        let found = largest(&store.db, ann, None).await;
        let ids: Vec<_> = found.orders.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["ord_100002"], "the others are beyond the scan");
        let place = found.looked_to.unwrap();
        assert_eq!(place.amount.fen(), 700);
        // The next pages go on there, until the smaller amount is reached.
        let mut after = place;
        let found = loop {
            let found = largest(&store.db, ann, Some(&after)).await;
            match found.looked_to {
                Some(place) if found.orders.is_empty() => after = place,
                _ => break found,
            }
        };
        let ids: Vec<_> = found.orders.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["ord_115000", "ord_114998"]);
        let span = Filter {
            least: Some(600),
            most: Some(700),
            ..all
        };
        let found = largest(&store.db, span, None).await;
        let ids: Vec<_> = found.orders.iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["ord_114999", "ord_114997"]);
    }
}
