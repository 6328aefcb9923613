//! Kills at random times while merchants work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::journey::Journey;
use super::merchant::Merchant;
use super::stage::{Engine, Stage, engines, number};

const MERCHANTS: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_be_killed_at_any_time() {
    for engine in engines() {
        kill_again_and_again(engine).await;
    }
}

async fn kill_again_and_again(engine: Engine) {
    let started = Instant::now();
    let n_kills = number("KILLS", 25);
    let stage = Arc::new(Stage::on(engine).await);
    let server = stage.server(None).await;
    let merchant = Merchant::of(&[&server.url]);
    let is_over = Arc::new(AtomicBool::new(false));
    let merchants: Vec<_> = (0..MERCHANTS)
        .map(|n| {
            let (stage, merchant, is_over) = (Arc::clone(&stage), merchant.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut journeys = Vec::new();
                while !is_over.load(Ordering::SeqCst) || journeys.is_empty() {
                    let tag = format!("m{n}j{}", journeys.len());
                    journeys.push(Journey::take(&stage, &merchant, &tag).await);
                }
                journeys
            })
        })
        .collect();
    // The moments are random on purpose, and differ from run to run.
    let mut moment = u64::from(std::process::id());
    for _ in 0..n_kills {
        moment = moment
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis(50 + (moment >> 33) % 900)).await;
        server.kill().await;
    }
    let last_kill = Instant::now();
    is_over.store(true, Ordering::SeqCst);
    let mut journeys = Vec::new();
    for merchant in merchants {
        journeys.extend(merchant.await.unwrap());
    }
    let converged = last_kill.elapsed();
    let books = stage.sim.books();
    for journey in &journeys {
        journey.check(&books, &merchant).await;
    }
    let events = stage.receiver.check(&merchant).await;
    for journey in &journeys {
        journey.check_events(&events);
    }
    let n_paid = books.trades.iter().filter(|trade| trade.paid_fen > 0).count();
    assert_eq!(n_paid, journeys.len() * 3, "money that no journey knows of");
    assert_eq!(
        books.refunds.len(),
        journeys.len() * 2,
        "refunds that no journey knows of"
    );
    let mut absences = server.absences();
    absences.sort();
    println!(
        "{engine:?}: {} kills, {} journeys, {} events each delivered, lost 0, doubled 0, in {:?}; all right {converged:?} after the last kill; absent {:?} to {:?}",
        server.n_deaths(),
        journeys.len(),
        events.len(),
        started.elapsed(),
        absences.first(),
        absences.last()
    );
    server.stop().await;
    stage.audit().await;
}
