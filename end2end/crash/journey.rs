//! One journey through all money operations; afterwards the books of all parties are compared.

use serde_json::{Value, json};
use simulator::Books;

use super::merchant::Merchant;
use super::stage::Stage;

/// Results of one journey, to be looked up later.
pub struct Journey {
    tag: String,
    sale: Sale,
    returned: Sale,
    cancelled: Sale,
    topup: Sale,
}

/// An order with the payment of it.
pub struct Sale {
    pub order: String,
    payment: Value,
}

impl Journey {
    /// Sells, refunds a part and the whole, cancels, tops up a balance and spends it. `tag` makes its numbers unique.
    pub async fn take(stage: &Stage, merchant: &Merchant, tag: &str) -> Journey {
        let sale = open(merchant, tag, "sale", 1_000, "wechat").await;
        pay(stage, merchant, &sale).await;
        refund(merchant, tag, &sale, "part", Some(400)).await;
        let returned = open(merchant, tag, "returned", 2_000, "alipay").await;
        pay(stage, merchant, &returned).await;
        refund(merchant, tag, &returned, "whole", None).await;
        let cancelled = open(merchant, tag, "cancelled", 3_000, "wechat").await;
        cancel(merchant, tag, &cancelled).await;
        let topup = top_up(merchant, tag).await;
        pay(stage, merchant, &topup).await;
        spend(merchant, tag).await;
        Journey {
            tag: tag.to_owned(),
            sale,
            returned,
            cancelled,
            topup,
        }
    }

    /// Nothing is lost, and nothing is there twice.
    pub async fn check(&self, books: &Books, merchant: &Merchant) {
        let orders = [
            (&self.sale, "partially_refunded", 1_000, 400),
            (&self.returned, "refunded", 2_000, 2_000),
            (&self.cancelled, "cancelled", 0, 0),
            (&self.topup, "paid", 5_000, 0),
        ];
        for (sale, status, paid, refunded) in orders {
            let order = merchant.get(&format!("/orders/{}", sale.order)).await;
            assert_eq!(order["status"], status, "{}: {order}", self.tag);
            assert_eq!(order["paidAmount"], paid, "{order}");
            assert_eq!(order["refundedAmount"], refunded, "{order}");
            let payments = merchant.get(&format!("/payments?orderId={}", sale.order)).await;
            assert_eq!(payments["data"].as_array().unwrap().len(), 1, "{payments}");
            let number = sale.payment["paymentNo"].as_str().unwrap();
            let trade = books.trade(number);
            assert_eq!(trade.map_or(0, |trade| trade.paid_fen), paid, "{number}");
            let back: Vec<i64> = books
                .refunds
                .iter()
                .filter(|refund| refund.out_trade_no == number)
                .map(|refund| refund.fen)
                .collect();
            let wanted: &[i64] = if refunded > 0 { &[refunded] } else { &[] };
            assert_eq!(back, wanted, "{number}");
        }
        let is_payable = books
            .trade(self.cancelled.payment["paymentNo"].as_str().unwrap())
            .is_some_and(|trade| trade.state == "NOTPAY");
        assert!(!is_payable, "{}: a cancelled order can still be paid", self.tag);
        let balance = merchant.get(&format!("/balance/{}", self.tag)).await;
        assert_eq!(balance["available"], 3_800, "{balance}");
        let entries = merchant.get(&format!("/balance/{}/entries", self.tag)).await;
        assert_eq!(entries["data"].as_array().unwrap().len(), 2, "{entries}");
    }

    /// The feed tells each change of state, and each once.
    pub fn check_events(&self, events: &[Value]) {
        let paid = [
            "order.created",
            "order.paid",
            "payment.processing",
            "payment.succeeded",
        ];
        let refund = ["refund.created", "refund.succeeded"];
        let closed = [
            "order.created",
            "order.cancelled",
            "payment.processing",
            "payment.cancelled",
        ];
        let with_refund = |last: &'static str| [&paid[..], &refund, &[last]].concat();
        for (sale, wanted) in [
            (&self.sale, with_refund("order.partially_refunded")),
            (&self.returned, with_refund("order.refunded")),
            (&self.cancelled, closed.to_vec()),
            (&self.topup, paid.to_vec()),
        ] {
            let of_order = events
                .iter()
                .filter(|event| event["orderId"] == sale.order.as_str());
            let mut told: Vec<&str> = of_order.map(|event| event["type"].as_str().unwrap()).collect();
            let mut wanted = wanted;
            told.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(told, wanted, "{}: {}", self.tag, sale.order);
        }
        let of_user = events.iter().filter(|event| {
            event["type"] == "balance.changed" && event["data"]["userId"] == self.tag.as_str()
        });
        assert_eq!(of_user.count(), 2, "{}: a top-up and a payment", self.tag);
    }
}

pub async fn open(merchant: &Merchant, tag: &str, name: &str, fen: i64, method: &str) -> Sale {
    let body =
        json!({"orderNo": format!("{tag}-{name}"), "userId": tag, "subject": "Team plan", "amount": fen});
    let (status, order) = merchant
        .post("/orders", &format!("{tag}-order-{name}"), &body)
        .await;
    assert!(matches!(status, 200 | 201), "{order}");
    start(merchant, tag, &order, method).await
}

async fn start(merchant: &Merchant, tag: &str, order: &Value, method: &str) -> Sale {
    let id = order["id"].as_str().unwrap().to_owned();
    let body = json!({"orderId": id, "method": method});
    let (status, payment) = merchant
        .post("/payments", &format!("{tag}-pay-{id}"), &body)
        .await;
    assert!(matches!(status, 200 | 201), "{payment}");
    Sale { order: id, payment }
}

pub async fn pay(stage: &Stage, merchant: &Merchant, sale: &Sale) {
    stage
        .sim
        .pay(sale.payment["paymentUrl"].as_str().unwrap())
        .await
        .unwrap();
    let path = format!("/payments/{}", sale.payment["id"].as_str().unwrap());
    merchant
        .until(&path, |payment| payment["status"] == "success")
        .await;
}

async fn refund(merchant: &Merchant, tag: &str, sale: &Sale, name: &str, fen: Option<i64>) {
    let mut body = json!({"reason": "changed my mind", "refundNo": format!("{tag}-{name}")});
    if let Some(fen) = fen {
        body["amount"] = json!(fen);
    }
    let path = format!("/payments/{}/refund", sale.payment["id"].as_str().unwrap());
    let (status, refund) = merchant.post(&path, &format!("{tag}-refund-{name}"), &body).await;
    assert!(matches!(status, 200 | 202), "{refund}");
    let path = format!("/refunds/{}", refund["id"].as_str().unwrap());
    merchant
        .until(&path, |refund| refund["status"] == "success")
        .await;
}

async fn cancel(merchant: &Merchant, tag: &str, sale: &Sale) {
    let path = format!("/orders/{}/cancel", sale.order);
    let (status, order) = merchant.post(&path, &format!("{tag}-cancel"), &json!({})).await;
    assert_eq!(status, 200, "{order}");
}

async fn top_up(merchant: &Merchant, tag: &str) -> Sale {
    let body = json!({"amount": 5_000, "orderNo": format!("{tag}-topup")});
    let path = format!("/balance/{tag}/topup");
    let (status, order) = merchant.post(&path, &format!("{tag}-topup"), &body).await;
    assert!(matches!(status, 200 | 201), "{order}");
    start(merchant, tag, &order, "alipay").await
}

async fn spend(merchant: &Merchant, tag: &str) {
    let sale = open(merchant, tag, "spent", 1_200, "balance").await;
    assert_eq!(sale.payment["status"], "success", "{}", sale.payment);
}
