//! Many orders paid while the server is killed at random: the feed tells every change once, and a webhook at least once.
//!
//! `ORDERS=1000 ORDER_KILLS=40` is the long form.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::journey;
use super::merchant::Merchant;
use super::server::Server;
use super::stage::{Engine, Stage, engines, number};

const N_PROGRAMS: u32 = 8;
/// Events of an order that was paid, in their order.
const LIFE: [&str; 4] = [
    "order.created",
    "payment.processing",
    "payment.succeeded",
    "order.paid",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_tells_every_order_once_whenever_the_server_is_killed() {
    for engine in engines() {
        sell_between_kills(engine).await;
    }
}

async fn sell_between_kills(engine: Engine) {
    let started = Instant::now();
    let (n_orders, n_kills) = (number("ORDERS", 100), number("ORDER_KILLS", 4));
    let stage = Arc::new(Stage::on(engine).await);
    let server = stage.server(None).await;
    let merchant = Merchant::of(&[&server.url]);
    let is_over = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn(follow(merchant.clone(), Arc::clone(&is_over)));
    let (n_begun, n_paid) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let programs: Vec<_> = (0..N_PROGRAMS)
        .map(|_| {
            let (stage, merchant) = (Arc::clone(&stage), merchant.clone());
            let (n_begun, n_paid) = (Arc::clone(&n_begun), Arc::clone(&n_paid));
            tokio::spawn(async move {
                let mut orders = Vec::new();
                loop {
                    let n = n_begun.fetch_add(1, Ordering::SeqCst);
                    if n >= n_orders {
                        return orders;
                    }
                    let method = if n % 2 == 0 { "wechat" } else { "alipay" };
                    let sale = journey::open(&merchant, &format!("o{n}"), "sale", 1_000, method).await;
                    journey::pay(&stage, &merchant, &sale).await;
                    n_paid.fetch_add(1, Ordering::SeqCst);
                    orders.push(sale.order);
                }
            })
        })
        .collect();
    kill_at_random(&server, n_kills, n_orders, &n_paid).await;
    let mut orders = Vec::new();
    for program in programs {
        orders.extend(program.await.unwrap());
    }
    let events = stage.receiver.check(&merchant).await;
    is_over.store(true, Ordering::SeqCst);
    let followed = follower.await.unwrap();
    assert_eq!(followed, ids(&events), "nothing appeared behind a cursor");
    check_lives(&orders, &events);
    let books = stage.sim.books();
    let n_trades = books.trades.iter().filter(|trade| trade.paid_fen > 0).count();
    assert_eq!(n_trades, orders.len(), "one trade for each order");
    println!(
        "{engine:?}: {} orders paid, {} kills, {} events: each once in the feed and at least once delivered, {} repetitions, in {:?}",
        orders.len(),
        server.n_deaths(),
        events.len(),
        stage.receiver.n_repetitions(),
        started.elapsed()
    );
    server.stop().await;
    stage.audit().await;
}

/// Kills the server again and again while the orders are paid: the share of them is even, the moment is random.
async fn kill_at_random(server: &Server, n_kills: u32, n_orders: u32, n_paid: &AtomicU32) {
    let mut moment = u64::from(std::process::id());
    println!("moments of the kills: seed {moment}");
    for kill in 0..n_kills {
        while n_paid.load(Ordering::SeqCst) < n_orders * (kill + 1) / (n_kills + 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        moment = moment
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis((moment >> 33) % 200)).await;
        server.kill().await;
    }
}

/// Follows the feed by its cursor as a program does, and a little longer; returns the ids in the order of reading.
async fn follow(merchant: Merchant, is_over: Arc<AtomicBool>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let cursor = after.iter().map(|id| format!("&after={id}")).collect::<String>();
        let page = merchant.get(&format!("/events?limit=20{cursor}")).await;
        let events = page["data"].as_array().unwrap();
        seen.extend(ids(events));
        after = page["nextAfter"].as_str().map(str::to_owned).or(after);
        if events.is_empty() {
            if was_over {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn ids(events: &[Value]) -> Vec<String> {
    let ids = events
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned());
    ids.collect()
}

/// Each order has the four changes of its life, each once and in their order; no other order has any.
fn check_lives(orders: &[String], events: &[Value]) {
    let mut told: HashMap<&str, Vec<&str>> = HashMap::new();
    for event in events {
        if let Some(order) = event["orderId"].as_str() {
            told.entry(order)
                .or_default()
                .push(event["type"].as_str().unwrap());
        }
    }
    assert_eq!(told.len(), orders.len());
    for order in orders {
        assert_eq!(told[order.as_str()], LIFE, "{order}");
    }
}
