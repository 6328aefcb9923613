//! Orders per second beside many refused connections: `cargo bench --bench strangers`.
//!
//! The baseline is the same number of connections that load a page: refused ones must not cost the writers more.
//! Ends with 1 when refused connections leave less than four fifths of the orders that page views leave. `ROUND_MS=…` measures longer.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]
#![expect(clippy::print_stdout, reason = "the figures are the answer")]

#[expect(dead_code, reason = "written for the tests over HTTP, which use all of it")]
#[path = "../http/server.rs"]
mod server;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use self::server::{API_KEY, Server};

const N_MERCHANTS: usize = 8;
/// A merchant's address differs from the strangers', which open as many connections as one address may.
const N_STRANGERS: usize = 100;
const ROUNDS: usize = 3;
const LEAST_PERCENT: u32 = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crowd {
    Nobody,
    PageViews,
    RefusedLogins,
    ForgedCallbacks,
    RefusedRefunds,
}

const CROWDS: [Crowd; 5] = [
    Crowd::Nobody,
    Crowd::PageViews,
    Crowd::RefusedLogins,
    Crowd::ForgedCallbacks,
    Crowd::RefusedRefunds,
];

struct Shop {
    url: String,
    token: String,
    payment_id: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let server = Server::simulated(&[]);
    let shop = Arc::new(Shop::open(&server).await);
    let round = Duration::from_millis(number("ROUND_MS", 4_000));
    let mut medians = Vec::new();
    let mut rates = vec![Vec::new(); CROWDS.len()];
    for _ in 0..ROUNDS {
        for (place, crowd) in CROWDS.into_iter().enumerate() {
            rates[place].push(measure(&shop, crowd, round).await);
        }
    }
    for (crowd, mut seen) in CROWDS.into_iter().zip(rates) {
        seen.sort_unstable();
        let (n_orders, n_failed, n_refused) = seen[ROUNDS / 2];
        medians.push(n_orders);
        println!(
            "{crowd:?}: {n_orders} orders/s, {n_failed} failed, beside {n_refused} requests/s of {N_STRANGERS} strangers"
        );
    }
    let n_beside_pages = medians[1];
    let mut is_fair = true;
    for (crowd, n_orders) in CROWDS.into_iter().zip(&medians).skip(2) {
        let percent = n_orders * 100 / n_beside_pages.max(1);
        println!("{crowd:?} leave {percent} % of what page views leave");
        is_fair &= percent >= LEAST_PERCENT;
    }
    ExitCode::from(u8::from(!is_fair))
}

fn number(name: &str, default: u64) -> u64 {
    std::env::vars()
        .find_map(|(known, text)| (known == name).then(|| text.parse().unwrap()))
        .unwrap_or(default)
}

fn client(address: [u8; 4]) -> Client {
    Client::builder()
        .local_address(std::net::IpAddr::from(address))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl Shop {
    async fn open(server: &Server) -> Shop {
        let client = client([127, 0, 0, 2]);
        let post = async |path: &str, body: Value| -> Value {
            let request = client
                .post(format!("{}/api/billing{path}", server.url))
                .bearer_auth(API_KEY)
                .json(&body);
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json().await.unwrap()
        };
        let order = post("/orders", order()).await;
        let payment = post("/payments", json!({"orderId": order["id"], "method": "wechat"})).await;
        let checkout = order["checkoutUrl"].as_str().unwrap();
        Shop {
            url: server.url.clone(),
            token: checkout.rsplit('/').next().unwrap().to_owned(),
            payment_id: payment["id"].as_str().unwrap().to_owned(),
        }
    }

    async fn knock(&self, client: &Client, crowd: Crowd) -> StatusCode {
        let Shop {
            url,
            token,
            payment_id,
        } = self;
        let request = match crowd {
            Crowd::Nobody => unreachable!("nobody asks for nothing"),
            Crowd::PageViews => client.get(format!("{url}/checkout/{token}")),
            Crowd::RefusedLogins => client
                .post(format!("{url}/admin/login"))
                .header("origin", url)
                .form(&[
                    ("email", "owner@example.com"),
                    ("password", "wrong horse battery"),
                ]),
            Crowd::ForgedCallbacks => client
                .post(format!("{url}/api/billing/payments/notify/wechat"))
                .header("wechatpay-timestamp", "1795485600")
                .header("wechatpay-nonce", "nonce")
                .header("wechatpay-serial", "PUB_KEY_ID_0000000000000000000000000000")
                .header("wechatpay-signature", "Zm9yZ2Vk")
                .json(&json!({"id": "forged", "event_type": "TRANSACTION.SUCCESS"})),
            Crowd::RefusedRefunds => client
                .post(format!("{url}/api/billing/payments/{payment_id}/refund"))
                .bearer_auth(API_KEY)
                .json(&json!({"amount": 1, "reason": "not paid"})),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        answer.bytes().await.unwrap();
        status
    }
}

fn order() -> Value {
    json!({"userId": "u1", "subject": "Team plan", "amount": 9990})
}

/// Orders that were made in a second, those that failed, and the answers to the strangers in a second.
async fn measure(shop: &Arc<Shop>, crowd: Crowd, round: Duration) -> (u32, u32, u32) {
    let counters: [Arc<AtomicU32>; 3] = Default::default();
    let [n_orders, n_failed, n_refused] = &counters;
    let started = Instant::now();
    let mut tasks = Vec::new();
    if crowd != Crowd::Nobody {
        for _ in 0..N_STRANGERS {
            let (shop, n_refused) = (Arc::clone(shop), Arc::clone(n_refused));
            tasks.push(tokio::spawn(async move {
                let client = client([127, 0, 0, 1]);
                while started.elapsed() < round {
                    let status = shop.knock(&client, crowd).await;
                    assert_ne!(status.as_u16(), 500, "{crowd:?}");
                    n_refused.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
    }
    for _ in 0..N_MERCHANTS {
        let (shop, n_orders, n_failed) = (Arc::clone(shop), Arc::clone(n_orders), Arc::clone(n_failed));
        tasks.push(tokio::spawn(async move {
            let client = client([127, 0, 0, 2]);
            while started.elapsed() < round {
                let request = client
                    .post(format!("{}/api/billing/orders", shop.url))
                    .bearer_auth(API_KEY)
                    .json(&order());
                let is_made = request.send().await.is_ok_and(|answer| answer.status() == 201);
                let counter = if is_made { &n_orders } else { &n_failed };
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let millis = u32::try_from(started.elapsed().as_millis()).unwrap();
    let [n_orders, n_failed, n_refused] = counters.map(|counter| counter.load(Ordering::Relaxed));
    (n_orders * 1000 / millis, n_failed, n_refused * 1000 / millis)
}
