//! One seed's life from the opening of the shop to the last check.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::Timestamp;
use payments::store::Db;
use simulator::{KeyRing, WechatKeys};

use crate::city::{City, Facts};
use crate::executor::Executor;
use crate::peek::{directory, runtime, template, url_of};
use crate::plan::Plan;

/// 2026-11-24 10:00 in Beijing.
pub const OPENING: Timestamp = Timestamp::from_millis(1_795_485_600_000);
/// Without any callback an open payment is asked about every minute, and a dead server's lease lasts one.
const NOTIFICATIOND_WITHIN: Duration = Duration::from_secs(150);
/// The longest schedule of callbacks, and of our own questions.
const LONGEST: Duration = Duration::from_secs(26 * 3600);

pub struct Life {
    pub plan: Plan,
    pub hash: u64,
    pub failures: Vec<String>,
    pub tail: Vec<String>,
    pub facts: Facts,
    pub n_steps: u64,
    pub n_dropped: u64,
    /// From the end of the trouble until both books agreed.
    pub healed_within: Option<Duration>,
}

pub fn keys() -> &'static KeyRing {
    static KEYS: OnceLock<KeyRing> = OnceLock::new();
    KEYS.get_or_init(|| KeyRing::load(WechatKeys::PublicKey).unwrap())
}

/// A city with its database, in the thread that called.
pub struct Stage {
    pub city: City,
    pub executor: Executor,
    db: Db,
    /// Kept until the end.
    _directory: tempfile::TempDir,
}

impl Stage {
    /// The shop has opened; nobody is there yet. Whoever calls is inside [`runtime`].
    pub fn open(plan: Plan) -> Stage {
        let directory = directory();
        let file = directory.path().join("shop.db");
        std::fs::write(&file, template()).unwrap();
        let db = runtime().block_on(Db::simulated(&url_of(&file))).unwrap();
        let executor = Executor::new(OPENING, plan.seed);
        let city = City::found(&executor, plan, keys(), db.clone(), &file);
        for place in 0..city.plan.n_servers {
            city.boot(place);
        }
        Stage {
            city,
            executor,
            db,
            _directory: directory,
        }
    }

    pub fn close(mut self) {
        self.city.leave();
        self.executor.end();
        runtime().block_on(self.db.close());
    }
}

pub fn live(plan: Plan, bug: Option<&'static str>, is_told: bool) -> Life {
    let _runtime = runtime().enter();
    payments::faults::plant(bug.or(plan.leases_ignored.then_some("no leases")));
    let mut stage = Stage::open(plan);
    let (city, executor) = (&stage.city, &mut stage.executor);
    if is_told {
        executor.trace.keep();
    }
    city.commands.drop_steps(city.plan.drops);
    city.move_in();
    executor.run_until(OPENING + city.plan.trouble);
    city.check_safety();
    // What is broken already need not be healed.
    let healed_within = if city.plan.heals && city.failures().is_empty() {
        heal(city, executor)
    } else {
        None
    };
    let life = Life {
        plan: city.plan.clone(),
        hash: city.trace.hash(),
        failures: city.failures(),
        tail: city.trace.tail(),
        facts: std::mem::take(&mut *city.facts()),
        n_steps: executor.n_steps,
        n_dropped: executor.n_dropped,
        healed_within,
    };
    stage.close();
    payments::faults::plant(None);
    life
}

/// Nothing goes wrong any more: both books must come to agree by themselves.
fn heal(city: &City, executor: &mut Executor) -> Option<Duration> {
    let healed_at = city.now();
    city.heal();
    executor.run_until(healed_at + NOTIFICATIOND_WITHIN);
    if city.plan.reconciles {
        for unnoticed in city.unnoticed() {
            city.fail(unnoticed);
        }
    }
    loop {
        let differences = city.differences();
        if differences.is_empty() {
            city.check_safety();
            city.check_fairness();
            return Some(city.now().duration_since(healed_at));
        }
        let passed = city.now().duration_since(healed_at);
        if passed > LONGEST {
            for difference in differences {
                city.fail(format!("never came right: {difference}"));
            }
            return None;
        }
        // Hours in which nothing is due are not worth a question every five seconds.
        let (step, leisure) = if passed < Duration::from_secs(600) {
            (Duration::from_secs(60), 1)
        } else {
            (Duration::from_secs(1800), 60)
        };
        city.leisure.store(leisure, Ordering::SeqCst);
        executor.run_until(city.now() + step);
    }
}
