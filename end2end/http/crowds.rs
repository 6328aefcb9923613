//! Many slow clients at once, with limits low enough to be reached.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::api::{Api, client, send};
use super::branding::times_left;
use super::callbacks::{deliver, headers_of, letter};
use super::server::Server;

const PROMPT: Duration = Duration::from_secs(5);

/// Opens connections that send this and then nothing more.
async fn crowd(server: &Server, n: usize, beginning: &str) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..n {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        // The server may have closed it already to make room.
        drop(stream.write_all(beginning.as_bytes()).await);
        crowd.push(stream);
    }
    crowd
}

/// Checks that others are served meanwhile and at once: pages, the API, health checks and notifications, over new connections.
async fn others_are_served(server: &Server, payment: &Value) {
    let started = Instant::now();
    let told = letter(server, payment, &json!({})).await;
    let body = told["body"].as_str().unwrap().as_bytes().to_vec();
    for _ in 0..5 {
        let answers = [
            send(client().get(format!("{}/health/ready", server.url))).await,
            send(client().get(format!("{}/", server.url))).await,
            Api::of(server).get("/orders").await,
            deliver(server, "alipay", headers_of(&told), body.clone()).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    assert!(started.elapsed() < PROMPT, "{:?}", started.elapsed());
}

/// Counts those that the server has closed.
async fn count_closed(crowd: &mut [TcpStream]) -> usize {
    let ends = crowd.iter_mut().map(async |stream| {
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_millis(100), stream.read_to_end(&mut answer))
            .await
            .is_ok()
    });
    join_all(ends)
        .await
        .into_iter()
        .filter(|is_closed| *is_closed)
        .count()
}

#[tokio::test]
async fn many_slow_clients_do_not_block_others() {
    let server = Server::simulated(&[("MAX_CONNECTIONS", "32")]);
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "alipay").await;
    let half_bodies = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{{"
        )
    };
    for beginning in [
        "GET / HTTP/1.1\r\nHost: a\r\n",
        &half_bodies("/ui/buy_plan"),
        &half_bodies("/api/billing/payments/notify/wechat"),
        "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut crowd = crowd(&server, 200, beginning).await;
        others_are_served(&server, &payment).await;
        let n_closed = count_closed(&mut crowd).await;
        assert!(n_closed >= 200 - 32, "{n_closed} of {beginning}");
    }
}

#[tokio::test]
async fn many_open_streams_do_not_block_others() {
    let server = Server::simulated(&[("MAX_CONNECTIONS", "32")]);
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "alipay").await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let order = api.order().await;
        for _ in 0..10 {
            let page = order["checkoutUrl"].as_str().unwrap();
            streams.push(client().get(format!("{page}/events")).send().await.unwrap());
        }
    }
    others_are_served(&server, &payment).await;
    // The newest goes on.
    assert!(!is_over(streams.pop().unwrap()).await);
}

/// Returns whether a stream ends soon.
async fn is_over(stream: reqwest::Response) -> bool {
    let mut events = stream.bytes_stream();
    let end = async { while events.next().await.is_some_and(|event| event.is_ok()) {} };
    tokio::time::timeout(Duration::from_secs(1), end).await.is_ok()
}

#[tokio::test]
async fn streams_are_limited_per_order_and_visitor_and_the_oldest_ends() {
    let server = Server::simulated(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let api = Api::of(&server);
    let client = client();
    let look = async |order: &Value, visitor: &str| {
        let page = order["checkoutUrl"].as_str().unwrap();
        let request = client.get(format!("{page}/events"));
        let stream = request.header("x-forwarded-for", visitor).send().await.unwrap();
        assert_eq!(stream.status().as_u16(), 200);
        stream
    };
    let order = api.order().await;
    let mut of_order = Vec::new();
    for n in 0..11 {
        of_order.push(look(&order, &format!("203.0.113.{n}")).await);
    }
    assert!(is_over(of_order.remove(0)).await);
    assert!(!is_over(of_order.remove(0)).await);

    let other = look(&api.order().await, "198.51.100.8").await;
    let mut of_visitor = Vec::new();
    for _ in 0..11 {
        let order = api.order().await;
        for _ in 0..10 {
            of_visitor.push(look(&order, "198.51.100.7").await);
        }
    }
    assert!(is_over(of_visitor.remove(0)).await);
    assert!(!is_over(of_visitor.pop().unwrap()).await && !is_over(other).await);
}

#[tokio::test]
async fn a_stream_ends_after_its_lifetime_and_the_next_resumes() {
    let server = Server::simulated(&[("EVENT_STREAM_MINUTES", "0.02")]);
    let api = Api::of(&server);
    let order = api.order().await;
    let events = format!("{}/events", order["checkoutUrl"].as_str().unwrap());
    let first = tokio::time::timeout(PROMPT, send(client().get(&events))).await;
    let heard = first.expect("the stream ends").text;
    let last = heard.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let resumed = client().get(&events).header("last-event-id", last);
    let resumed = tokio::time::timeout(PROMPT, send(resumed)).await;
    assert!(!resumed.unwrap().text.contains("data:"), "nothing is told twice");
    api.payment(&order, "wechat").await;
    let resumed = client().get(&events).header("last-event-id", last);
    let resumed = tokio::time::timeout(PROMPT, send(resumed)).await;
    assert!(
        resumed.unwrap().text.contains("waiting"),
        "what came between is told"
    );
}

#[tokio::test]
async fn with_all_connections_busy_notifications_and_health_checks_are_served() {
    const PLENTY: u64 = 1_000;
    let server = Server::simulated(&[("MAX_CONNECTIONS", "16")]);
    let api = Api::of(&server);
    let mut orders = Vec::new();
    for _ in 0..15 {
        orders.push(api.order().await);
    }
    let hang = json!({"kind": "hangBefore", "endpoint": "create", "times": PLENTY});
    let faults = format!("{}/faults", server.control());
    send(client().post(&faults).json(&hang)).await.ok(200);
    let calls: Vec<_> = orders
        .iter()
        .map(|order| {
            let api = Api::of(&server);
            let body = json!({"orderId": order["id"], "method": "wechat"});
            tokio::spawn(async move { api.post("/payments", &body).await.status })
        })
        .collect();
    let started = Instant::now();
    while times_left(&send(client().get(&faults)).await.ok(200)) > PLENTY - 15 {
        assert!(started.elapsed() < PROMPT, "the calls never reach the gateway");
    }
    let answer = Api::of(&server).get("/orders").await;
    answer.refused(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.header("connection"), Some("close"));
    let live = send(client().get(format!("{}/health/live", server.url))).await;
    assert_eq!(live.status, 200);
    let forged = client()
        .post(format!("{}/api/billing/payments/notify/wechat", server.url))
        .body("{}");
    assert_eq!(send(forged).await.status, 401);
    for call in calls {
        assert_ne!(call.await.unwrap(), 500);
    }
    assert_eq!(Api::of(&server).get("/orders").await.status, 200);
}

#[tokio::test]
async fn the_server_raises_its_file_descriptor_limit() {
    let server = Server::start_limited("ulimit -S -n 300", &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let numbers: Vec<&str> = line.split_whitespace().skip(3).collect();
    assert_eq!(numbers[0], numbers[1], "{line}");

    // Few descriptors are no reason to stop: connections get fewer of them than there are.
    let poor = Server::start_limited("ulimit -n 120", &[]);
    let payment = {
        let api = Api::of(&poor);
        api.payment(&api.order().await, "alipay").await
    };
    let crowd = crowd(&poor, 300, "GET / HTTP/1.1\r\nHost: a\r\n").await;
    others_are_served(&poor, &payment).await;
    drop(crowd);
}

#[tokio::test]
async fn unread_answers_use_bounded_kernel_memory() {
    let server = Server::simulated(&[]);
    let page = send(client().get(format!("{}/", server.url))).await.text;
    let start = page.find("/assets/main.").expect("the page has a stylesheet");
    let path = page[start..].split('"').next().unwrap();
    let mut deaf = TcpStream::connect(server.address()).await.unwrap();
    let requests = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(100);
    deaf.write_all(requests.as_bytes()).await.unwrap();
    let started = Instant::now();
    let (mut before, mut now) = (0, unsent_bytes(&server, &deaf));
    // Until no more of the three megabytes is taken.
    while now == 0 || now != before {
        assert!(started.elapsed() < PROMPT, "{now}");
        tokio::time::sleep(Duration::from_millis(300)).await;
        (before, now) = (now, unsent_bytes(&server, &deaf));
    }
    assert!(now <= 256 * 1024, "{now}");
}

/// The send queue of the server's end of this connection, as the system reports it.
fn unsent_bytes(server: &Server, peer: &TcpStream) -> u64 {
    let server_port: u16 = server.address().rsplit(':').next().unwrap().parse().unwrap();
    let peer_port = peer.local_addr().unwrap().port();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let ends = [format!(":{server_port:04X}"), format!(":{peer_port:04X}")];
    let of_connection = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        ends.iter()
            .all(|end| fields.next().is_some_and(|field| field.ends_with(end)))
    };
    let line = table.lines().find(of_connection).expect("the connection is open");
    let queues = line.split_whitespace().nth(4).unwrap();
    u64::from_str_radix(queues.split(':').next().unwrap(), 16).unwrap()
}
