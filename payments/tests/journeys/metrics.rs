//! What Prometheus is told: every series from the start, every fact once, and nothing of a write that was taken back.

use std::time::Duration;

use domain::{Method, PaymentStatus};
use payments::{Metrics, refresh_gauges};
use prometheus_client::registry::Registry;
use simulator::{Alteration, SignedBy};

use crate::refunds::{paid, refund};
use crate::shop::{BOTH, Shop, on_each_engine};

fn page(metrics: &Metrics) -> String {
    let mut registry = Registry::with_prefix("tongqian");
    metrics.register(&mut registry);
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
    page
}

/// Value of a series, which must be there.
#[track_caller]
pub fn value(shop: &Shop, series: &str) -> i64 {
    let page = page(&shop.services.metrics);
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(&format!("tongqian_{series} ")));
    line.unwrap_or_else(|| panic!("no series {series} in:\n{page}"))
        .parse()
        .unwrap()
}

#[test]
fn every_series_of_fixed_labels_begins_with_zero() {
    let page = page(&Metrics::default());
    let samples: Vec<&str> = page
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("_sum"))
        .collect();
    for line in &samples {
        assert!(line.ends_with(" 0"), "{line}");
    }
    for (begins, n_series) in [
        ("tongqian_payments_total{", 11 * 3),
        ("tongqian_payment_duration_seconds_count{", 3),
        ("tongqian_refunds_total{", 3 * 2),
        ("tongqian_notifications_total{", 2 * 5),
        ("tongqian_notification_delay_seconds_count{", 2),
        ("tongqian_gateway_requests_total{", 2 * 7 * 3),
        ("tongqian_gateway_request_duration_seconds_count{", 2 * 7),
        ("tongqian_overdue_seconds{", 5),
        ("tongqian_webhook_deliveries_total{", 2),
        ("tongqian_webhook_backlog ", 1),
    ] {
        let n_found = samples.iter().filter(|line| line.starts_with(begins)).count();
        assert_eq!(n_found, n_series, "{begins}");
    }
    for series in [
        "payments_total{method=\"alipay\",product=\"wap\",outcome=\"cancelled\"} 0",
        "payments_total{method=\"balance\",product=\"balance\",outcome=\"succeeded\"} 0",
        "notifications_total{gateway=\"wechat\",verdict=\"not_authentic\"} 0",
        "gateway_requests_total{gateway=\"alipay\",operation=\"refund_query\",outcome=\"unknown\"} 0",
        "incidents_open{kind=\"gateway_silent\"} 0",
        "overdue_seconds{queue=\"statements\"} 0",
        "webhook_deliveries_total{outcome=\"failed\"} 0",
    ] {
        assert!(page.contains(&format!("tongqian_{series}\n")), "{series}");
    }
}

#[tokio::test]
async fn a_payment_is_counted_once_when_it_has_ended() {
    on_each_engine(async |shop| {
        for (method, product) in BOTH {
            let count = |outcome: &str| {
                let (method, product) = (method.as_str(), product.as_str());
                value(
                    shop,
                    &format!(
                        "payments_total{{method=\"{method}\",product=\"{product}\",outcome=\"{outcome}\"}}"
                    ),
                )
            };
            let notified = |verdict: &str| {
                let series = format!("notifications_total{{gateway=\"{method}\",verdict=\"{verdict}\"}}");
                value(shop, &series)
            };
            let order = shop.order("66.00").await;
            let payment = shop.start(&order, method).await;
            assert_eq!((count("succeeded"), count("cancelled")), (0, 0));
            shop.sleep(Duration::from_secs(42)).await;
            shop.scan_and_pay(&payment).await;
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
            let again = Alteration::default();
            let letter = shop.sim.letter(payment.payment_no.as_str(), &again).unwrap();
            assert_eq!(shop.deliver(&letter).await, 200);
            assert_eq!(shop.deliver(&letter).await, 200);
            shop.pass(Duration::from_secs(30)).await;
            assert_eq!(
                (count("succeeded"), count("cancelled"), count("failed")),
                (1, 0, 0)
            );
            assert_eq!(notified("accepted") + notified("duplicate"), 3);
            assert!(notified("duplicate") >= 1);
            let series = format!("payment_duration_seconds_count{{method=\"{method}\"}}");
            assert_eq!(value(shop, &series), 1);
            let within = format!("payment_duration_seconds_bucket{{le=\"60.0\",method=\"{method}\"}}");
            let sooner = format!("payment_duration_seconds_bucket{{le=\"30.0\",method=\"{method}\"}}");
            assert_eq!((value(shop, &sooner), value(shop, &within)), (0, 1));
            let forged = Alteration {
                signed_by: SignedBy::Stranger,
                new_id: true,
                ..Alteration::default()
            };
            let letter = shop.sim.letter(payment.payment_no.as_str(), &forged).unwrap();
            assert_eq!(shop.deliver(&letter).await, 401);
            assert_eq!(notified("not_authentic"), 1);
            let series =
                format!("gateway_requests_total{{gateway=\"{method}\",operation=\"create\",outcome=\"ok\"}}");
            assert_eq!(value(shop, &series), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_payment_whose_time_is_over_is_cancelled_and_counted_so() {
    on_each_engine(async |shop| {
        let order = shop.order("66.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.pass(Duration::from_mins(16)).await;
        assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Cancelled);
        let series = "payments_total{method=\"wechat\",product=\"native\",outcome=\"cancelled\"}";
        assert_eq!(value(shop, series), 1);
        assert!(
            value(
                shop,
                "gateway_requests_total{gateway=\"wechat\",operation=\"close\",outcome=\"ok\"}"
            ) >= 1
        );
        assert!(
            value(
                shop,
                "gateway_requests_total{gateway=\"wechat\",operation=\"query\",outcome=\"ok\"}"
            ) >= 1
        );
    })
    .await;
}

#[tokio::test]
async fn a_refund_is_counted_once_when_it_has_ended() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let (_, payment) = paid(shop, "99.90", method).await;
            let series = format!("refunds_total{{method=\"{method}\",outcome=\"succeeded\"}}");
            refund(shop, &payment, Some(1000)).await.unwrap();
            assert_eq!(value(shop, &series), 0);
            shop.pass(Duration::from_mins(2)).await;
            assert_eq!(value(shop, &series), 1);
            let asked =
                format!("gateway_requests_total{{gateway=\"{method}\",operation=\"refund\",outcome=\"ok\"}}");
            assert_eq!(value(shop, &asked), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn open_incidents_are_shown_by_kind_while_they_are_open() {
    on_each_engine(async |shop| {
        let order = shop.order("66.00").await;
        let payment = shop.start(&order, Method::Wechat).await;
        shop.meddle(format!(
            "insert into incidents (id, kind, subject, payment_id, detail, created_at)
            values ('inc_1', 'wrong_amount', 'x', '{}', 'y', 1)",
            payment.id
        ))
        .await;
        refresh_gauges(&shop.services).await.unwrap();
        assert_eq!(value(shop, "incidents_open{kind=\"wrong_amount\"}"), 1);
        shop.meddle("update incidents set resolved_at = 2".to_owned())
            .await;
        refresh_gauges(&shop.services).await.unwrap();
        assert_eq!(value(shop, "incidents_open{kind=\"wrong_amount\"}"), 0);
    })
    .await;
}
