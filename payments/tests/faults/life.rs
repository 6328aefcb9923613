//! One run of the simulation for one seed, from the opening of the shop to the last check.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::Timestamp;
use payments::store::Db;
use simulator::{KeyRing, WechatKeys};

use crate::executor::Executor;
use crate::peek::{directory, runtime, template, url_of};
use crate::plan::Plan;
use crate::simulation::{Facts, Simulation};

/// 2026-11-24 10:00 in Beijing.
pub const OPENING: Timestamp = Timestamp::from_millis(1_795_485_600_000);
/// Without notifications an open payment is queried every minute, and a dead server's lease lasts one.
const NOTICED_WITHIN: Duration = Duration::from_secs(150);
/// The longest schedule of notifications, and of our own queries.
const LONGEST: Duration = Duration::from_hours(26);

pub struct Life {
    pub plan: Plan,
    pub hash: u64,
    pub failures: Vec<String>,
    pub tail: Vec<String>,
    pub facts: Facts,
    pub n_steps: u64,
    pub n_dropped: u64,
    /// Time from the end of the faults until both books agreed.
    pub healed_within: Option<Duration>,
}

pub fn keys() -> &'static KeyRing {
    static KEYS: OnceLock<KeyRing> = OnceLock::new();
    KEYS.get_or_init(|| KeyRing::load(WechatKeys::PublicKey).unwrap())
}

/// A simulation with its database, in the calling thread.
pub struct Stage {
    pub simulation: Simulation,
    pub executor: Executor,
    db: Db,
    /// Kept until the end.
    _directory: tempfile::TempDir,
}

impl Stage {
    /// Opens the shop without customers. The caller must be inside of [`runtime`].
    pub fn open(plan: Plan) -> Stage {
        let directory = directory();
        let file = directory.path().join("shop.db");
        std::fs::write(&file, template()).unwrap();
        let db = runtime().block_on(Db::simulated(&url_of(&file))).unwrap();
        let executor = Executor::new(OPENING, plan.seed);
        let simulation = Simulation::found(&executor, plan, keys(), db.clone(), &file);
        for place in 0..simulation.plan.n_servers {
            simulation.boot(place);
        }
        Stage {
            simulation,
            executor,
            db,
            _directory: directory,
        }
    }

    pub fn close(mut self) {
        self.simulation.leave();
        self.executor.end();
        runtime().block_on(self.db.close());
    }
}

pub fn live(plan: Plan, is_told: bool) -> Life {
    let _runtime = runtime().enter();
    payments::faults::ignore_leases(plan.leases_ignored);
    let mut stage = Stage::open(plan);
    let (simulation, executor) = (&stage.simulation, &mut stage.executor);
    if is_told {
        executor.trace.keep();
    }
    simulation.commands.drop_steps(simulation.plan.drops);
    simulation.move_in();
    executor.run_until(OPENING + simulation.plan.trouble);
    simulation.check_safety();
    // A run that has failed already need not heal.
    let healed_within = if simulation.plan.heals && simulation.failures().is_empty() {
        heal(simulation, executor)
    } else {
        None
    };
    let life = Life {
        plan: simulation.plan.clone(),
        hash: simulation.trace.hash(),
        failures: simulation.failures(),
        tail: simulation.trace.tail(),
        facts: std::mem::take(&mut *simulation.facts()),
        n_steps: executor.n_steps,
        n_dropped: executor.n_dropped,
        healed_within,
    };
    stage.close();
    payments::faults::ignore_leases(false);
    life
}

/// Runs without faults until both books agree.
fn heal(simulation: &Simulation, executor: &mut Executor) -> Option<Duration> {
    let healed_at = simulation.now();
    simulation.heal();
    executor.run_until(healed_at + NOTICED_WITHIN);
    if simulation.plan.reconciles {
        for unnoticed in simulation.unnoticed() {
            simulation.fail(unnoticed);
        }
    }
    loop {
        let differences = simulation.differences();
        if differences.is_empty() {
            simulation.check_safety();
            simulation.check_fairness();
            return Some(simulation.now().duration_since(healed_at));
        }
        let passed = simulation.now().duration_since(healed_at);
        if passed > LONGEST {
            for difference in differences {
                simulation.fail(format!("never came right: {difference}"));
            }
            return None;
        }
        // In hours without due work there is no need to check every five seconds.
        let (step, slowdown) = if passed < Duration::from_mins(10) {
            (Duration::from_mins(1), 1)
        } else {
            (Duration::from_mins(30), 60)
        };
        simulation.slowdown.store(slowdown, Ordering::SeqCst);
        executor.run_until(simulation.now() + step);
    }
}
