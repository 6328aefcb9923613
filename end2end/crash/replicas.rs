//! Three servers on one PostgreSQL, one of them killed and one of them stopped for longer than its leases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use simulator::{Endpoint, Fault, FaultKind, Faults};

use super::journey::Journey;
use super::merchant::Merchant;
use super::stage::{Engine, Stage, engines};

/// Longer than the leases of the stage.
const PAUSE: Duration = Duration::from_millis(2_500);
const ROUNDS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn three_servers_do_everything_once() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let stage = Arc::new(Stage::on(Engine::Postgres).await);
    // Half of all notifications are lost, so the jobs have something to compete for; and some answers get lost after the
    // effect, so that duplicates would show.
    let lost = |endpoint| Fault::new(FaultKind::ResetAfter).at(endpoint).percent(20);
    stage.sim.faults(
        Faults::none()
            .with(Fault::new(FaultKind::Mute).percent(50))
            .with(lost(Endpoint::Refund))
            .with(lost(Endpoint::Create)),
    );
    let servers = [
        stage.server(None).await,
        stage.server(None).await,
        stage.server(None).await,
    ];
    let urls = [0, 1, 2].map(|place: usize| servers[place].url.as_str());
    let is_over = Arc::new(AtomicBool::new(false));
    let merchants: Vec<_> = (0..4_usize)
        .map(|n| {
            // Each begins with another server.
            let merchant = Merchant::of(&[urls[n % 3], urls[(n + 1) % 3], urls[(n + 2) % 3]]);
            let (stage, is_over) = (Arc::clone(&stage), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut journeys = Vec::new();
                while !is_over.load(Ordering::SeqCst) || journeys.is_empty() {
                    let tag = format!("r{n}j{}", journeys.len());
                    journeys.push(Journey::take(&stage, &merchant, &tag).await);
                }
                journeys
            })
        })
        .collect();
    for round in 0..ROUNDS {
        let (paused, killed) = (&servers[round % 3], &servers[(round + 1) % 3]);
        tokio::time::sleep(Duration::from_millis(300)).await;
        paused.signal("STOP").await;
        tokio::time::sleep(PAUSE).await;
        killed.kill().await;
        paused.signal("CONT").await;
    }
    stage.sim.faults(Faults::none());
    is_over.store(true, Ordering::SeqCst);
    let mut journeys = Vec::new();
    for merchant in merchants {
        journeys.extend(merchant.await.unwrap());
    }
    let books = stage.sim.books();
    let merchant = Merchant::of(&urls);
    for journey in &journeys {
        journey.check(&books, &merchant).await;
    }
    let n_paid = books.trades.iter().filter(|trade| trade.paid_fen > 0).count();
    assert_eq!(n_paid, journeys.len() * 3, "money that no journey knows of");
    assert_eq!(
        books.refunds.len(),
        journeys.len() * 2,
        "refunds that no journey knows of"
    );
    println!(
        "three servers, {ROUNDS} pauses, {ROUNDS} kills, {} journeys, nothing twice",
        journeys.len()
    );
    for server in servers {
        server.stop().await;
    }
    stage.audit().await;
}
