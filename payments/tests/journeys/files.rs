//! Files for accountants and the totals of lists, on each engine.

use std::time::Duration;

use chrono::NaiveDate;
use domain::{Channel, Method, Money, OrderStatus, Timestamp};
use payments::console::{
    FilePlace, FileSpan, LineKind, MethodTotal, OrderQuery, OrderTotals, find_order_totals, find_orders,
    list_entry_lines, list_paid_orders, list_payment_lines, list_refund_lines, sum_by_method,
};
use payments::reconciliation::{StatementSource, reconcile_day};
use payments::request_refund;

use crate::refunds::{paid, request};
use crate::shop::on_each_engine;

fn span(method: Option<Method>) -> FileSpan {
    FileSpan {
        from: Timestamp::from_millis(0),
        to: Timestamp::from_millis(i64::MAX),
        method,
    }
}

#[tokio::test]
async fn a_file_lists_each_line_once_and_agrees_with_the_sums() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let (order, first) = paid(shop, "99.90", Method::Wechat).await;
        shop.pass(Duration::from_secs(2)).await;
        paid(shop, "50.00", Method::Alipay).await;
        shop.order("1.00").await;
        request_refund(services, request(&first, Some(990), None), None)
            .await
            .unwrap();
        shop.pass(Duration::from_mins(1)).await;

        let all = span(None);
        let (payments, next) = list_payment_lines(services, &all, None).await.unwrap();
        assert_eq!((payments.len(), next), (2, None));
        let line = &payments[0];
        assert_eq!(
            (&line.payment_no, &line.order_no),
            (&first.payment_no, &order.order_no.to_string())
        );
        assert_eq!(
            (line.amount.fen(), line.refunded.fen(), line.settles),
            (9_990, 990, true)
        );
        assert_eq!(
            Some(line.transaction_id.as_str()),
            shop.payment(&first).await.transaction_id.as_deref()
        );
        let place = FilePlace {
            at: line.paid_at,
            id: line.id.clone(),
        };
        let (rest, _) = list_payment_lines(services, &all, Some(&place)).await.unwrap();
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].id, payments[1].id);
        let late = FileSpan {
            from: rest[0].paid_at,
            ..all
        };
        assert_eq!(
            list_payment_lines(services, &late, None).await.unwrap().0.len(),
            1
        );

        let (refunds, _) = list_refund_lines(services, &all, None).await.unwrap();
        assert_eq!(refunds.len(), 1);
        assert_eq!(
            (refunds[0].amount.fen(), &refunds[0].payment_no),
            (990, &first.payment_no)
        );
        assert!(refunds[0].gateway_refund_id.is_some() && refunds[0].finished_at >= refunds[0].created_at);

        let (orders, _) = list_paid_orders(services, &all, None).await.unwrap();
        assert_eq!(orders.len(), 2);
        let paid_by = orders[0].paid_by.as_ref().unwrap();
        assert_eq!(
            (&orders[0].order.id, &paid_by.payment_no),
            (&order.id, &first.payment_no)
        );

        let (entries, _) = list_entry_lines(services, &all, None).await.unwrap();
        assert_eq!(
            entries.iter().map(|entry| entry.amount).sum::<i64>(),
            0,
            "each journal adds up to zero"
        );
        let wechat = entries.iter().filter(|entry| entry.account == "gateway:wechat");
        assert_eq!(wechat.map(|entry| entry.amount).sum::<i64>(), 990 - 9_990);

        let totals = sum_by_method(services, &all).await.unwrap();
        let of = |method| totals.iter().find(|total| total.method == method).unwrap();
        assert_eq!(
            of(Method::Wechat),
            &MethodTotal {
                method: Method::Wechat,
                n_payments: 1,
                paid_fen: 9_990,
                n_refunds: 1,
                refunded_fen: 990,
                fee_fen: 0
            }
        );
        assert_eq!(
            (of(Method::Alipay).paid_fen, of(Method::Balance).n_payments),
            (5_000, 0)
        );
        let alipay = span(Some(Method::Alipay));
        assert_eq!(sum_by_method(services, &alipay).await.unwrap().len(), 1);
        assert_eq!(
            list_payment_lines(services, &alipay, None).await.unwrap().0.len(),
            1
        );
        assert_eq!(
            list_paid_orders(services, &alipay, None).await.unwrap().0.len(),
            1
        );
        assert!(
            list_refund_lines(services, &alipay, None)
                .await
                .unwrap()
                .0
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn an_entry_follows_the_one_before_it_though_they_are_of_one_instant() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        paid(shop, "99.90", Method::Wechat).await;
        paid(shop, "50.00", Method::Alipay).await;
        let all = span(None);
        let (entries, _) = list_entry_lines(services, &all, None).await.unwrap();
        let mut place = None;
        for entry in &entries {
            let (rest, _) = list_entry_lines(services, &all, place.as_ref()).await.unwrap();
            assert_eq!(
                (&rest[0].journal, &rest[0].account),
                (&entry.journal, &entry.account)
            );
            place = Some(FilePlace {
                at: entry.created_at,
                id: format!("{}\u{1F}{}", entry.journal, entry.account),
            });
        }
        assert!(
            list_entry_lines(services, &all, place.as_ref())
                .await
                .unwrap()
                .0
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn the_totals_of_a_list_are_the_sums_of_its_orders() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let (_, first) = paid(shop, "99.90", Method::Wechat).await;
        paid(shop, "50.00", Method::Alipay).await;
        for yuan in ["50.00", "1.00"] {
            shop.order(yuan).await;
        }
        request_refund(services, request(&first, Some(990), None), None)
            .await
            .unwrap();
        shop.pass(Duration::from_mins(1)).await;
        let any = || OrderQuery {
            limit: 100,
            ..OrderQuery::default()
        };
        let fen = |fen| Some(Money::from_fen(fen).unwrap());
        let user = find_orders(services, &any()).await.unwrap().page.data[0]
            .user_id
            .clone();
        for (n_orders, query) in [
            (4, any()),
            (
                1,
                OrderQuery {
                    status: Some(OrderStatus::PartiallyRefunded),
                    ..any()
                },
            ),
            (
                1,
                OrderQuery {
                    method: Some(Method::Alipay),
                    ..any()
                },
            ),
            (
                3,
                OrderQuery {
                    least: fen(5_000),
                    ..any()
                },
            ),
            (
                2,
                OrderQuery {
                    least: fen(5_000),
                    most: fen(5_000),
                    ..any()
                },
            ),
            (
                0,
                OrderQuery {
                    needs_attention: true,
                    ..any()
                },
            ),
            (
                4,
                OrderQuery {
                    text: Some(user),
                    ..any()
                },
            ),
            (
                2,
                OrderQuery {
                    text: Some("¥50".to_owned()),
                    ..any()
                },
            ),
            (
                1,
                OrderQuery {
                    text: Some(first.payment_no.to_string()),
                    ..any()
                },
            ),
            (
                0,
                OrderQuery {
                    to: Some(Timestamp::from_millis(0)),
                    ..any()
                },
            ),
        ] {
            let found = find_orders(services, &query).await.unwrap().page.data;
            let sums = OrderTotals {
                n_orders,
                amount_fen: found.iter().map(|order| order.amount.fen()).sum(),
                refunded_fen: found.iter().map(|order| order.refunded.fen()).sum(),
                only_newest: None,
            };
            assert_eq!(
                find_order_totals(services, &query).await.unwrap(),
                sums,
                "{query:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn fees_are_in_the_files_once_the_statement_was_read() {
    on_each_engine(async |shop| {
        let services = &shop.services;
        let (_, payment) = paid(shop, "99.90", Method::Wechat).await;
        request_refund(services, request(&payment, Some(990), None), None)
            .await
            .unwrap();
        shop.pass(Duration::from_mins(1)).await;
        let all = span(None);
        let before = list_payment_lines(services, &all, None).await.unwrap().0;
        assert_eq!(before[0].fee, None);
        shop.sleep(Duration::from_mins(1470)).await;
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        let source = StatementSource::Gateway;
        let read = reconcile_day(services, day, Channel::Wechat, source)
            .await
            .unwrap();
        assert_eq!(read.n_open(), 0, "{read:?}");

        let payments = list_payment_lines(services, &all, None).await.unwrap().0;
        let refunds = list_refund_lines(services, &all, None).await.unwrap().0;
        assert_eq!((payments[0].fee, refunds[0].fee_returned), (Some(60), Some(6)));
        let totals = sum_by_method(services, &all).await.unwrap();
        assert_eq!(totals.iter().map(|total| total.fee_fen).sum::<i64>(), 54);
        let entries = list_entry_lines(services, &all, None).await.unwrap().0;
        let kinds = [LineKind::Fee, LineKind::FeeReturned]
            .map(|kind| entries.iter().filter(|entry| entry.kind == kind).count());
        assert_eq!(kinds, [2, 2]);
        assert_eq!(entries.iter().map(|entry| entry.amount).sum::<i64>(), 0);
        let at_gateway = entries.iter().filter(|entry| entry.account == "gateway:wechat");
        // The sum of that day's fund flow, with the sign of an asset's account.
        assert_eq!(
            at_gateway.map(|entry| entry.amount).sum::<i64>().abs(),
            9_990 - 990 - 54
        );
    })
    .await;
}
