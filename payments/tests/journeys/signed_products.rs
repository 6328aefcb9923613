//! Products that the merchant has not signed: the payer gets the next one, and the operator an incident.

use domain::{Method, OrderStatus, PaymentStatus, Product};
use payments::console::{IncidentKind, list_open_incidents};
use payments::{Error, Initiator, StartPayment, start_permitted};
use simulator::Products;

use crate::shop::on_each_engine;

fn signed(wechat: &[&str], alipay: &[&str]) -> Products {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Products {
        wechat: set(wechat),
        alipay: set(alipay),
    }
}

#[tokio::test]
async fn a_product_that_is_not_permitted_is_followed_by_the_next_and_told_to_the_operator() {
    on_each_engine(async |shop| {
        shop.sim.sign(signed(&["native"], &["page"]));
        for (products, wanted, refused) in [
            ([Product::H5, Product::Native], Product::Native, "h5"),
            ([Product::Qr, Product::Page], Product::Page, "qr"),
        ] {
            let order = shop.order("9.90").await;
            let start = StartPayment {
                payer_ip: Some("203.0.113.7".parse().unwrap()),
                return_url: Some("https://shop.example/back".to_owned()),
                initiator: Initiator::Payer,
                ..StartPayment::new(order.id.clone(), products[0])
            };
            let made = start_permitted(&shop.services, &products, &start).await.unwrap();
            let payment = made.into_value().unwrap();
            assert_eq!(
                (payment.product, payment.status()),
                (wanted, PaymentStatus::Processing)
            );
            let seen = shop.checkout(&order).await.payments;
            let failed = seen
                .iter()
                .find(|payment| payment.product == products[0])
                .unwrap();
            assert_eq!(failed.status(), PaymentStatus::Failed);
            // The next payer is not made to wait for the same refusal.
            let next = shop.order("9.90").await;
            let start = StartPayment {
                order_id: next.id.clone(),
                ..start
            };
            start_permitted(&shop.services, &products, &start).await.unwrap();
            let seen = shop.checkout(&next).await.payments;
            assert_eq!(
                seen.iter().map(|payment| payment.product).collect::<Vec<_>>(),
                [wanted]
            );
            let open = list_open_incidents(&shop.services, None, 100).await.unwrap().data;
            let told = open.iter().filter(|incident| {
                incident.kind == Some(IncidentKind::ProductNotPermitted)
                    && incident.detail.starts_with(refused)
            });
            assert_eq!(told.count(), 1, "{open:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_payer_without_any_permitted_product_is_told_that_it_was_declined() {
    on_each_engine(async |shop| {
        shop.sim.sign(signed(&[], &[]));
        let order = shop.order("9.90").await;
        let start = StartPayment::new(order.id.clone(), Product::Native);
        let refused = start_permitted(&shop.services, &[Product::Native], &start).await;
        assert!(matches!(refused, Err(Error::Declined { .. })), "{refused:?}");
        let none = start_permitted(&shop.services, &[], &start).await;
        assert!(
            matches!(none, Err(Error::MethodUnavailable(Method::Wechat))),
            "{none:?}"
        );
        shop.sim.sign(Products::default());
        let paid = shop.start(&order, Method::Wechat).await;
        shop.scan_and_pay(&paid).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    })
    .await;
}
