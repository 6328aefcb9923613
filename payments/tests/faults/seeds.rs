//! Runs of many seeds, on every core.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::life::{Life, live};
use crate::plan::Plan;

const SEEDS: u64 = 500;

#[expect(
    clippy::disallowed_methods,
    reason = "how long the tests search is no setting of the product"
)]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[derive(Default)]
struct Tally {
    n_lives: u64,
    n_steps: u64,
    n_paid: usize,
    n_acks: u64,
    n_forged: u64,
    n_crashes: u64,
    n_pauses: u64,
    n_refused: u64,
    n_dropped: u64,
    healed_within: Vec<Duration>,
    failed: Vec<Life>,
}

impl Tally {
    fn add(&mut self, life: Life) {
        self.n_lives += 1;
        self.n_steps += life.n_steps;
        self.n_paid += life.facts.paid.len();
        self.n_acks += life.facts.n_acks;
        self.n_forged += life.facts.n_forged;
        self.n_crashes += life.facts.n_crashes;
        self.n_pauses += life.facts.n_pauses;
        self.n_refused += life.facts.n_refused;
        self.n_dropped += life.n_dropped;
        self.healed_within.extend(life.healed_within);
        if !life.failures.is_empty() {
            self.failed.push(life);
        }
    }

    fn say(&mut self, took: Duration) {
        self.healed_within.sort();
        let at = |thousandths: usize| {
            self.healed_within
                .get(self.healed_within.len() * thousandths / 1000)
        };
        println!(
            "{} lives in {took:?}: {} steps, {} payments, {} acknowledgements, {} forgeries, {} crashes, {} pauses, {} refusals, {} dropped",
            self.n_lives,
            self.n_steps,
            self.n_paid,
            self.n_acks,
            self.n_forged,
            self.n_crashes,
            self.n_pauses,
            self.n_refused,
            self.n_dropped
        );
        println!(
            "both books agree after: half {:?}, 99% {:?}, all {:?}",
            at(500),
            at(990),
            self.healed_within.last()
        );
    }
}

/// Runs all of these seeds; returns the failed ones in the order of their seeds.
fn live_all(first: u64, n_seeds: u64) -> Tally {
    let next = AtomicU64::new(first);
    let tally = Mutex::new(Tally::default());
    let n_threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + n_seeds {
                        return;
                    }
                    let life = live(Plan::of(seed), n_seeds == 1);
                    tally.lock().unwrap().add(life);
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap();
    tally.failed.sort_by_key(|life| life.plan.seed);
    tally
}

#[test]
fn every_seed_keeps_the_books_right() {
    let started = Instant::now();
    let (first, n_seeds) = (number("FAULT_FIRST", 0), number("FAULT_SEEDS", SEEDS));
    let mut tally = live_all(first, n_seeds);
    tally.say(started.elapsed());
    for life in tally.failed.iter().take(5) {
        println!(
            "\nseed {} failed: {:#?}\n{:?}",
            life.plan.seed, life.failures, life.plan
        );
        for line in &life.tail {
            println!("  {line}");
        }
    }
    let seeds: Vec<u64> = tally.failed.iter().map(|life| life.plan.seed).collect();
    assert!(seeds.is_empty(), "{} seeds failed: {seeds:?}", seeds.len());
    assert!(
        n_seeds < 100 || tally.n_paid > 100,
        "a world in which nobody pays passes every check"
    );
    assert!(
        n_seeds < 100 || (tally.n_refused > 1_000 && tally.n_dropped > 100),
        "a world in which nobody is refused or dropped shows nothing about them"
    );
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 0..20 {
        let hashes = [0, 1].map(|_| live(Plan::of(seed), false).hash);
        assert_eq!(hashes[0], hashes[1], "seed {seed}");
    }
}
