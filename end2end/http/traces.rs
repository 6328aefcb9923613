//! Traces, sent to a collector that decodes what it is sent.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{Answer, Api, client, pay, send};
use super::callbacks::ONLY_CALLBACKS;
use super::database::new_database;
use super::server::{API_KEY, Gateways, Server, run};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const USER: &str = "user-who-pays";

#[derive(Default)]
struct Received {
    spans: Mutex<Vec<Span>>,
    services: Mutex<Vec<String>>,
    n_requests: Mutex<usize>,
}

async fn serve(app: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// A collector that keeps the spans it is sent.
async fn collect() -> (String, Arc<Received>) {
    let received = Arc::<Received>::default();
    let kept = Arc::clone(&received);
    let app = axum::Router::new().route(
        "/v1/traces",
        post(move |headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            *kept.n_requests.lock().unwrap() += 1;
            for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                let attributes = resource.resource.unwrap().attributes;
                let name = attributes.iter().find(|pair| pair.key == "service.name").unwrap();
                kept.services
                    .lock()
                    .unwrap()
                    .push(text_of(name.value.as_ref().unwrap().value.as_ref()));
                let scopes = resource.scope_spans.into_iter();
                kept.spans
                    .lock()
                    .unwrap()
                    .extend(scopes.flat_map(|scope| scope.spans));
            }
            StatusCode::OK
        }),
    );
    (serve(app).await, received)
}

/// Proxy before a gateway or a merchant's program: keeps the path and trace context of each request, and passes it on when
/// there is an address.
async fn watch(onward: Option<String>) -> (String, Arc<Mutex<Vec<(String, Option<String>)>>>) {
    let seen = Arc::<Mutex<Vec<(String, Option<String>)>>>::default();
    let kept = Arc::clone(&seen);
    let app = axum::Router::new().fallback(move |request: Request| async move {
        let path = request.uri().path_and_query().unwrap().as_str().to_owned();
        let context = request.headers().get("traceparent");
        let context = context.map(|value| value.to_str().unwrap().to_owned());
        kept.lock().unwrap().push((path.clone(), context));
        let Some(onward) = onward else {
            return axum::response::Response::new(Body::empty());
        };
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let mut headers = head.headers;
        headers.remove("host");
        let sent = client()
            .request(head.method, format!("{onward}{path}"))
            .headers(headers)
            .body(body);
        let answer = sent.send().await.unwrap();
        let mut response = axum::response::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
    });
    (serve(app).await, seen)
}

fn text_of(value: Option<&Attribute>) -> String {
    match value {
        Some(Attribute::StringValue(text)) => text.clone(),
        Some(Attribute::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let pair = span.attributes.iter().find(|pair| pair.key == name);
    pair.map_or_else(String::new, |pair| {
        text_of(pair.value.as_ref().and_then(|value| value.value.as_ref()))
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn context_of(span: &Span) -> String {
    format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
}

#[track_caller]
fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut named = spans.iter().filter(|span| span.name == name);
    let found = named.next().unwrap_or_else(|| panic!("no {name} in {spans:?}"));
    assert!(named.next().is_none(), "{name} stands twice");
    found
}

async fn post_in_trace(api: &Api, path: &str, body: &Value) -> Answer {
    let request = api.request(Method::POST, path).json(body);
    send(request.header("traceparent", format!("00-{TRACE}-{CALLER}-01"))).await
}

async fn buy(api: &Api, method: &str) -> (Value, Value) {
    let order = json!({"userId": USER, "subject": "Team plan", "amount": 9990});
    let order = post_in_trace(api, "/orders", &order).await.ok(201);
    let payment = json!({"orderId": order["id"], "method": method});
    let payment = post_in_trace(api, "/payments", &payment).await.ok(201);
    (order, payment)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_order_is_a_tree_of_spans_that_its_callback_is_linked_to() {
    check_spans("sqlite", None).await;
    if let Some(url) = new_database("http_traces").await {
        check_spans("postgresql", Some(&url)).await;
    }
}

async fn check_spans(engine: &str, database: Option<&str>) {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let (collector, received) = collect().await;
    let (gateway, calls) = watch(Some(gateways.base.clone())).await;
    let (program, told) = watch(None).await;
    let mut settings = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str()),
        ("OTEL_SERVICE_NAME", "shop"),
        ("WECHAT_GATEWAY", &gateway),
        ("WEBHOOK_URL", &program),
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
    ];
    settings.extend(ONLY_CALLBACKS);
    settings.extend(database.map(|url| ("DATABASE_URL", url)));
    let mut server = Server::live(TempDir::new().unwrap(), &gateways, &settings);
    let api = Api::of(&server);
    let (order, payment) = buy(&api, "wechat").await;
    pay(&format!("{}/wallet", gateways.base), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await;
    let began = Instant::now();
    while told.lock().unwrap().len() < 4 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            told.lock().unwrap()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Spans that wait are sent at the stop.
    assert_eq!(server.terminate().0, Some(0));
    assert!(
        received
            .services
            .lock()
            .unwrap()
            .iter()
            .all(|name| name == "shop")
    );
    let spans = received.spans.lock().unwrap();
    let children = |parent: &Span, name: &str| {
        let is_child = |span: &&Span| span.parent_span_id == parent.span_id && span.name == name;
        spans.iter().filter(is_child).count()
    };

    let ordered = only(&spans, "POST /api/billing/orders");
    let started = only(&spans, "POST /api/billing/payments");
    for span in [ordered, started] {
        assert_eq!(
            (hex(&span.trace_id), hex(&span.parent_span_id)),
            (TRACE.into(), CALLER.into())
        );
        assert_eq!(span.kind, i32::from(SpanKind::Server));
        assert_eq!(attribute(span, "http.request.method"), "POST");
        assert_eq!(attribute(span, "http.response.status_code"), "201");
    }
    assert_eq!(attribute(started, "http.route"), "/api/billing/payments");
    let number = payment["paymentNo"].as_str().unwrap();
    assert_eq!(attribute(started, "payment.no"), number);
    assert_eq!(children(ordered, "commit"), 1);
    assert_eq!(
        children(started, "commit"),
        2,
        "the record before the call and the one after it"
    );

    let created = only(&spans, "wechat create");
    assert_eq!(
        (&created.trace_id, &created.parent_span_id),
        (&started.trace_id, &started.span_id)
    );
    assert_eq!(created.kind, i32::from(SpanKind::Client));
    assert_eq!(attribute(created, "payment.no"), number);
    assert_eq!(attribute(created, "outcome"), "ok");
    let (path, context) = calls.lock().unwrap()[0].clone();
    assert_eq!(path, "/v3/pay/transactions/native");
    assert_eq!(context.as_deref(), Some(context_of(created).as_str()));

    let called_back = only(&spans, "POST /api/billing/payments/notify/wechat");
    assert_ne!(called_back.trace_id, started.trace_id);
    assert_eq!(attribute(called_back, "payment.no"), number);
    assert_eq!(children(called_back, "commit"), 1);
    let commits = spans.iter().filter(|span| span.name == "commit");
    assert!(
        commits.clone().count() > 0
            && commits
                .clone()
                .all(|span| attribute(span, "db.system.name") == engine)
    );
    let links: Vec<&Vec<u8>> = called_back.links.iter().map(|link| &link.span_id).collect();
    assert_eq!(links, [&started.span_id]);

    for (_, context) in told.lock().unwrap().iter() {
        let context = context.as_deref().unwrap();
        let sent_by = spans.iter().find(|span| context_of(span) == context).unwrap();
        assert_eq!(sent_by.name, "deliver webhook");
    }
    let shown = format!("{spans:?}");
    let page = order["checkoutUrl"].as_str().unwrap();
    let token = page.rsplit('/').next().unwrap();
    for hidden in [USER, API_KEY, SECRET, token, "127.0.0.1"] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_while_the_collector_hangs_or_is_down() {
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let down = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    for address in [hanging.local_addr().unwrap(), down] {
        let endpoint = format!("http://{address}");
        let mut server = Server::simulated(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
        let api = Api::of(&server);
        let began = Instant::now();
        // More than one batch, so that one is on its way while requests are served.
        for _ in 0..300 {
            api.order().await;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        let payment = api.payment(&api.order().await, "wechat").await;
        pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
        api.wait_for(&payment, "success").await;
        let (code, took) = server.terminate();
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_setting_nothing_is_sent_and_no_context_passed_on() {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let (collector, received) = collect().await;
    let (gateway, calls) = watch(Some(gateways.base.clone())).await;
    let mut server = Server::live(
        TempDir::new().unwrap(),
        &gateways,
        // The first is no setting of ours, but a library might read it.
        &[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &collector),
            ("WECHAT_GATEWAY", &gateway),
        ],
    );
    buy(&Api::of(&server), "wechat").await;
    assert_eq!(server.terminate().0, Some(0));
    assert_eq!(*received.n_requests.lock().unwrap(), 0);
    let calls = calls.lock().unwrap();
    assert!(
        !calls.is_empty() && calls.iter().all(|(_, context)| context.is_none()),
        "{calls:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tells_whether_the_collector_takes_traces() {
    let dir = TempDir::new().unwrap();
    let (collector, received) = collect().await;
    let (other, _) = watch(Some(collector.clone())).await;
    let doctor = |endpoint: &str| {
        let settings = [
            ("LISTEN", "127.0.0.1:0"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ];
        let output = run(dir.path(), &settings, &["doctor"], "");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = said
            .lines()
            .find(|line| line.contains("OTEL_EXPORTER_OTLP_ENDPOINT"));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    let taken = doctor(&collector);
    assert!(
        taken.starts_with("ok ") && taken.contains("takes traces"),
        "{taken}"
    );
    assert_eq!(*received.n_requests.lock().unwrap(), 1);
    let elsewhere = doctor(&format!("{other}/elsewhere"));
    assert!(
        elsewhere.starts_with("warn ") && elsewhere.contains("404"),
        "{elsewhere}"
    );
    let down = doctor("http://127.0.0.1:1");
    assert!(
        down.starts_with("warn ") && down.contains("is not reached"),
        "{down}"
    );
}
