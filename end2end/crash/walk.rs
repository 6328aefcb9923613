//! Every crash point, one after the other: the server dies there, is started again, and the journey goes on.

use std::sync::Arc;
use std::time::Instant;

use payments::faults::CRASH_POINTS;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::journey::Journey;
use super::merchant::Merchant;
use super::stage::{Engine, Stage, engines, number};

/// A server spends most of a journey waiting, so several walks fit beside each other.
const AT_ONCE: usize = 4;
/// Passages of a point at which the server dies: the first ones, and then further and further apart.
const HITS: [u32; 8] = [1, 2, 3, 5, 8, 13, 21, 34];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_die_at_every_point() {
    let started = Instant::now();
    let n_hits = usize::try_from(number("CRASH_HITS", 5)).unwrap();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut walks = JoinSet::new();
    for engine in engines() {
        for point in CRASH_POINTS {
            for hit in HITS.into_iter().take(n_hits) {
                let turns = Arc::clone(&turns);
                walks.spawn(async move {
                    let _turn = turns.acquire_owned().await.unwrap();
                    (point, hit, walk(engine, point, hit).await)
                });
            }
        }
    }
    let (mut n_walks, mut n_deaths) = (0, 0);
    let mut never: Vec<&str> = Vec::new();
    while let Some(walk) = walks.join_next().await {
        let (point, hit, has_died) = walk.unwrap();
        n_walks += 1;
        n_deaths += u32::from(has_died);
        if hit == 1 && !has_died {
            never.push(*point);
        }
    }
    println!(
        "{n_walks} walks, {n_deaths} deaths, nothing lost, nothing twice, in {:?}",
        started.elapsed()
    );
    assert!(never.is_empty(), "no journey passes {never:?}");
}

/// Returns whether the server reached the point that often.
async fn walk(engine: Engine, point: &str, hit: u32) -> bool {
    let stage = Stage::on(engine).await;
    let server = stage.server(Some(format!("{point}:{hit}"))).await;
    let merchant = Merchant::of(&[&server.url]);
    let journey = Journey::take(&stage, &merchant, &format!("walk{hit}")).await;
    journey.check(&stage.sim.books(), &merchant).await;
    stage.receiver.check(&merchant).await;
    let has_died = server.n_deaths() > 0;
    assert!(server.n_deaths() < 2, "{point}:{hit} killed it twice");
    server.stop().await;
    stage.audit().await;
    has_died
}
