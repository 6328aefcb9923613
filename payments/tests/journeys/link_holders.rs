//! Holders of a checkout link: what they may do without limit costs nothing.

use std::time::Duration;

use domain::{Method, Money, Order};
use futures_util::future::join_all;
use payments::{Error, Initiator, OrderFilter, StartPayment};

use crate::shop::{BOTH, Shop, on_each_engine, persistently};

async fn choose(shop: &Shop, order: &Order, method: Method) -> Result<(), Error> {
    let start = StartPayment {
        initiator: Initiator::Payer,
        ..StartPayment::new(order.id.clone(), method.default_product())
    };
    payments::start_payment(&shop.services, start, None)
        .await
        .map(drop)
}

async fn orders(shop: &Shop) -> usize {
    let filter = OrderFilter {
        limit: 100,
        ..OrderFilter::default()
    };
    payments::list_orders(&shop.services, filter)
        .await
        .unwrap()
        .data
        .len()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_top_ups_from_one_page_are_one_order() {
    on_each_engine(async |shop| {
        let order = shop.order("9.00").await;
        let fill = |yuan: &str, page: &str| {
            let (services, order, page) = (shop.services.clone(), order.clone(), page.to_owned());
            let amount = Money::parse_yuan(yuan).unwrap();
            tokio::spawn(async move {
                let fill = || payments::top_up_for_order(&services, &order, amount, page.clone());
                persistently(fill).await.unwrap()
            })
        };
        let made = join_all((0..50).map(|_| fill("4.00", "https://shop.example/a"))).await;
        let ids: std::collections::BTreeSet<String> = made
            .into_iter()
            .map(|order| order.unwrap().id.to_string())
            .collect();
        assert_eq!((ids.len(), orders(shop).await), (1, 2));
        fill("5.00", "https://shop.example/a").await.unwrap();
        fill("4.00", "https://shop.example/b").await.unwrap();
        assert_eq!(
            orders(shop).await,
            4,
            "another sum and another way back are other orders"
        );
        // A top-up that expires soon is not reused, and neither is a paid one.
        shop.sleep(Duration::from_mins(29)).await;
        let later = fill("4.00", "https://shop.example/a").await.unwrap();
        assert!(!ids.contains(later.id.as_str()));
        let payment = shop.start(&later, Method::Wechat).await;
        shop.scan_and_pay(&payment).await;
        let after = fill("4.00", "https://shop.example/a").await.unwrap();
        assert_ne!(after.id, later.id);
    })
    .await;
}

#[tokio::test]
async fn an_order_gets_a_dozen_payments_an_hour_from_its_page_and_more_from_its_merchant() {
    on_each_engine(async |shop| {
        let order = shop.order("9.00").await;
        for n in 0..12 {
            choose(shop, &order, BOTH[n % 2].0).await.unwrap();
        }
        let calls = shop.sim.books().trades.len();
        for n in 0..20 {
            match choose(shop, &order, BOTH[n % 2].0).await {
                // The open one can still be viewed and paid.
                Ok(()) => assert_eq!(n % 2, 1),
                Err(Error::RateLimited { wait }) => {
                    assert!(wait <= Duration::from_hours(1) && !wait.is_zero())
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(shop.sim.books().trades.len(), calls, "a refusal asks no gateway");
        assert_eq!(shop.checkout(&order).await.payments.len(), 12);
        let payment = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&payment).await;
        assert!(shop.checkout(&order).await.order.paid_at.is_some());
    })
    .await;
}
