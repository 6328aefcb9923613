//! Bills of both gateways: downloaded, verified and parsed.

use std::time::Duration;

use chrono::NaiveDate;
use domain::{Method, Money, Payment, RefundNo};
use payments::gateway::bill::{BillDay, BillError, BillKind, FundLine, TradeKind, TradeLine};
use payments::gateway::{Gateway, RefundAsk};
use simulator::{Endpoint, Fault, FaultKind, Faults};

use crate::shop::{BOTH, Engine, Shop};

/// Beijing day on which the shop opens.
fn opening_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
}

fn gateway(shop: &Shop, method: Method) -> &Gateway {
    shop.services.gateways.get(method.channel().unwrap()).unwrap()
}

/// The trade statement of a day, read whole.
async fn trades(shop: &Shop, method: Method, date: NaiveDate) -> Result<Vec<TradeLine>, BillError> {
    let gateway = gateway(shop, method);
    let file = gateway.download_bill(date, BillKind::Trade).await?;
    let mut lines = Vec::new();
    let day = BillDay::of(date).unwrap();
    gateway
        .read_trades(&file, day, &mut |line| lines.push(line))
        .map_err(BillError::Unreadable)?;
    Ok(lines)
}

async fn funds(shop: &Shop, method: Method, date: NaiveDate) -> Result<Vec<FundLine>, BillError> {
    let gateway = gateway(shop, method);
    let file = gateway.download_bill(date, BillKind::FundFlow).await?;
    let mut lines = Vec::new();
    let day = BillDay::of(date).unwrap();
    gateway
        .read_funds(&file, day, &mut |line| lines.push(line))
        .map_err(BillError::Unreadable)?;
    Ok(lines)
}

async fn paid(shop: &Shop, method: Method, yuan: &str) -> Payment {
    let order = shop.order(yuan).await;
    let payment = shop.start(&order, method).await;
    shop.scan_and_pay(&payment).await;
    shop.payment(&payment).await
}

async fn give_back(shop: &Shop, payment: &Payment, number: &RefundNo, yuan: &str) {
    let ask = RefundAsk {
        refund_no: number,
        payment_no: &payment.payment_no,
        transaction_id: payment.transaction_id.as_deref().unwrap(),
        amount: Money::parse_yuan(yuan).unwrap(),
        total: payment.amount,
        reason: "缺货, `退`",
    };
    gateway(shop, payment.method()).refund(&ask).await.unwrap();
}

#[tokio::test]
async fn a_days_bill_holds_every_payment_and_refund_and_no_other() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        let number = RefundNo::parse(&format!("RB{method}")).unwrap();
        let first = paid(&shop, method, "49.90").await;
        paid(&shop, method, "100.00").await;
        let unpaid = shop.order("1.00").await;
        shop.start(&unpaid, method).await;
        give_back(&shop, &first, &number, "9.90").await;
    }
    for (method, _) in BOTH {
        let early = trades(&shop, method, opening_day()).await;
        assert!(early.is_err(), "the day is not over: {early:?}");
    }
    shop.sleep(Duration::from_hours(24)).await;
    for (method, _) in BOTH {
        let lines = trades(&shop, method, opening_day()).await.unwrap();
        let mut sums: Vec<(bool, i64)> = lines
            .iter()
            .map(|line| (line.kind == TradeKind::Payment, line.amount.fen()))
            .collect();
        sums.sort_unstable();
        assert_eq!(sums, [(false, 990), (true, 4990), (true, 10_000)], "{method}");
        let refund = lines.iter().find(|line| line.kind != TradeKind::Payment).unwrap();
        let TradeKind::Refund { refund_no, .. } = &refund.kind else {
            panic!("{method}")
        };
        assert_eq!(*refund_no, format!("RB{method}"));
        let of = lines.iter().find(|line| line.amount.fen() == 4990).unwrap();
        assert_eq!(
            (&refund.payment_no, &refund.transaction_id),
            (&of.payment_no, &of.transaction_id)
        );

        let flows = funds(&shop, method, opening_day()).await.unwrap();
        let came_in: i64 = flows
            .iter()
            .filter(|flow| flow.is_income)
            .map(|flow| flow.amount.fen())
            .sum();
        assert!(came_in >= 14_990, "{method} {flows:?}");
        assert!(
            flows.iter().any(|flow| !flow.is_income),
            "{method}: the refund, or a fee"
        );

        let empty = trades(&shop, method, opening_day().pred_opt().unwrap()).await;
        assert!(matches!(empty, Err(BillError::Empty)), "{method} {empty:?}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_bill_that_differs_from_our_books_is_returned_unchanged() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        paid(&shop, method, "49.90").await;
    }
    shop.sleep(Duration::from_hours(24)).await;
    for (method, _) in BOTH {
        for (kind, sums) in [
            (FaultKind::BillDiffers, &[4991][..]),
            (FaultKind::BillInvents, &[4990, 4990]),
            (FaultKind::BillOmits, &[]),
        ] {
            shop.sim.faults(Faults::none().with(Fault::new(kind).times(1)));
            let bill = trades(&shop, method, opening_day()).await;
            let found: Vec<i64> = match bill {
                Ok(lines) => lines.iter().map(|line| line.amount.fen()).collect(),
                Err(BillError::Empty) => Vec::new(),
                Err(error) => panic!("{method} {kind:?} {error}"),
            };
            assert_eq!(found, sums, "{method} {kind:?}");
        }
        assert_eq!(trades(&shop, method, opening_day()).await.unwrap().len(), 1);
    }
    shop.close().await;
}

#[tokio::test]
async fn an_unverifiable_bill_is_refused() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        paid(&shop, method, "49.90").await;
    }
    shop.sleep(Duration::from_hours(24)).await;
    for (method, _) in BOTH {
        for kind in [
            FaultKind::BadSignature,
            FaultKind::NoSignature,
            FaultKind::Truncate,
            FaultKind::Html502,
            FaultKind::ErrorBefore,
        ] {
            shop.sim.fault(Fault::new(kind).at(Endpoint::Bill));
            let bill = trades(&shop, method, opening_day()).await;
            assert!(
                matches!(bill, Err(BillError::Gateway(_) | BillError::Unreadable(_))),
                "{method} {kind:?} {bill:?}"
            );
            shop.sim.faults(Faults::none());
        }
        assert_eq!(trades(&shop, method, opening_day()).await.unwrap().len(), 1);
    }
    shop.close().await;
}
