//! The metrics listener: the names of the contract, on an address of their own.

use std::collections::BTreeSet;
use std::time::Duration;

use super::api::{Api, client, pay, send};
use super::server::Server;

/// Names without the suffixes of histograms.
const NAMES: [&str; 14] = [
    "tongqian_payments_total",
    "tongqian_payment_duration_seconds",
    "tongqian_refunds_total",
    "tongqian_notifications_total",
    "tongqian_notification_delay_seconds",
    "tongqian_gateway_requests_total",
    "tongqian_gateway_request_duration_seconds",
    "tongqian_incidents_open",
    "tongqian_overdue_seconds",
    "tongqian_webhook_deliveries_total",
    "tongqian_webhook_backlog",
    "tongqian_http_requests_total",
    "tongqian_http_request_duration_seconds",
    "tongqian_build_info",
];

async fn read(url: &str) -> String {
    let answer = send(client().get(url)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    answer.text
}

#[tokio::test]
async fn metrics_have_the_names_of_the_contract_on_a_listener_of_their_own() {
    let server = Server::simulated(&[("METRICS_LISTEN", "127.0.0.1:0")]);
    let url = server.printed("Metrics at ");
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "alipay").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await;
    let page = read(&url).await;
    for name in NAMES {
        assert!(page.contains(&format!("# TYPE {name} ")), "{name} in\n{page}");
    }
    for line in [
        "tongqian_payments_total{method=\"alipay\",product=\"qr\",outcome=\"succeeded\"} 1",
        "tongqian_payments_total{method=\"wechat\",product=\"native\",outcome=\"succeeded\"} 0",
        "tongqian_webhook_backlog 0",
        &format!(
            "tongqian_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        ),
        "tongqian_http_requests_total{route=\"/api/billing/orders\",method=\"POST\",status=\"201\"} 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
    assert!(!page.contains("# EOF"), "that is OpenMetrics");
    let open = send(
        client()
            .get(&url)
            .header("accept", "application/openmetrics-text;version=1.0.0"),
    )
    .await;
    assert!(open.text.ends_with("# EOF\n"));
    let elsewhere = send(client().get(format!("{}/metrics", server.url))).await;
    assert_eq!(elsewhere.status, 404, "the world cannot read them");
}

#[tokio::test]
async fn every_series_of_alerts_and_dashboard_is_there() {
    let server = Server::simulated(&[("METRICS_LISTEN", "127.0.0.1:0")]);
    let url = server.printed("Metrics at ");
    Api::of(&server).order().await;
    let mut page = read(&url).await;
    for _ in 0..100 {
        if page.contains("tongqian_job_runs_total{") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = read(&url).await;
    }
    for file in ["alerts.yml", "dashboard.json"] {
        let path = format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let names = names_in(&text);
        assert!(names.len() > 8, "{file}");
        for name in names {
            let is_there = page.lines().any(|line| {
                line.strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.starts_with(['{', ' ']))
            });
            assert!(is_there, "{file} names {name}, which is no series");
        }
    }
}

fn names_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    text.match_indices("tongqian_")
        .map(|(at, _)| text[at..].chars().take_while(|c| is_part(*c)).collect())
        .collect()
}
