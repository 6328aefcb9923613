//! State of one simulated run: time, gateways, the shop's servers and their database, and the oracle.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::Timestamp;
use payments::store::Db;
use payments::{Services, Timeline};
use simulator::{InProcess, KeyRing};
use tokio::sync::Notify;

use crate::executor::{Commands, Executor, Owner, Trace};
use crate::peek::Peek;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::words::Words;

/// Cheap to clone; every task has one.
#[derive(Clone)]
pub struct Simulation(Arc<Inner>);

pub struct Inner {
    pub plan: Plan,
    pub keys: KeyRing,
    pub timeline: Arc<Timeline>,
    pub commands: Commands,
    pub trace: Trace,
    pub db: Db,
    gateways: Mutex<InProcess>,
    rng: Mutex<Rng>,
    servers: Mutex<Vec<Option<Services>>>,
    pub n_boots: AtomicU64,
    peek: Mutex<Peek>,
    facts: Mutex<Facts>,
    pub words: Mutex<Words>,
    failures: Mutex<Vec<String>>,
    /// Signals that the gateways may have notifications to deliver.
    pub post_bell: Notify,
    in_trouble: AtomicBool,
    /// Factor on the jobs' intervals; more than one only while nothing happens for hours.
    pub slowdown: AtomicU64,
}

impl std::ops::Deref for Simulation {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A payment at the moment of paying.
#[derive(Debug, Clone)]
pub struct Paid {
    pub at: Timestamp,
    /// States of the order and of the payment in our database.
    pub order: String,
    pub payment: String,
}

/// Facts observed from outside.
#[derive(Default)]
pub struct Facts {
    /// By payment number: payments at the gateway, and our state at that moment.
    pub paid: BTreeMap<String, Paid>,
    /// Numbers of payments whose code was shown.
    pub shown: Vec<String>,
    pub n_acks: u64,
    pub n_forged: u64,
    pub n_crashes: u64,
    pub n_pauses: u64,
    pub n_refused: u64,
    /// The thirty-day run has reached its end.
    pub is_told: bool,
}

impl Simulation {
    pub fn found(executor: &Executor, plan: Plan, keys: &KeyRing, db: Db, file: &Path) -> Simulation {
        let seed = plan.seed;
        let mut gateways = InProcess::new(keys, seed);
        gateways.faults(&plan.faults(true));
        Simulation(Arc::new(Inner {
            servers: Mutex::new(vec![None; plan.n_servers]),
            plan,
            keys: keys.clone(),
            timeline: Arc::clone(&executor.timeline),
            commands: executor.commands.clone(),
            trace: executor.trace.clone(),
            db,
            gateways: Mutex::new(gateways),
            rng: Mutex::new(Rng::new(seed)),
            n_boots: AtomicU64::new(0),
            peek: Mutex::new(Peek::open(file)),
            facts: Mutex::default(),
            words: Mutex::default(),
            failures: Mutex::default(),
            post_bell: Notify::new(),
            in_trouble: AtomicBool::new(true),
            slowdown: AtomicU64::new(1),
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.timeline.now()
    }

    pub fn now_ms(&self) -> i64 {
        self.timeline.now().millis()
    }

    pub async fn sleep(&self, duration: Duration) {
        self.timeline.sleep(duration).await;
    }

    pub fn rng(&self) -> MutexGuard<'_, Rng> {
        self.rng.lock().unwrap()
    }

    pub fn peek(&self) -> MutexGuard<'_, Peek> {
        self.peek.lock().unwrap()
    }

    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap()
    }

    /// Acts on the gateways; their notifications are delivered afterwards.
    pub fn gateways<T>(&self, act: impl FnOnce(&mut InProcess, i64) -> T) -> T {
        let outcome = act(&mut self.gateways.lock().unwrap(), self.now_ms());
        self.post_bell.notify_one();
        outcome
    }

    /// Reads the gateways, without an act that others wait for.
    pub fn gateways_unheard(&self) -> MutexGuard<'_, InProcess> {
        self.gateways.lock().unwrap()
    }

    pub fn tell(&self, text: &str) {
        self.trace.tell(self.now(), text);
    }

    pub fn fail(&self, text: String) {
        self.tell(&format!("FAILED {text}"));
        self.failures.lock().unwrap().push(text);
    }

    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap().clone()
    }

    pub fn in_trouble(&self) -> bool {
        self.in_trouble.load(Ordering::SeqCst)
    }

    pub fn spawn(&self, owner: Owner, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        self.trace.tell(self.now(), name);
        self.commands.spawn(owner, task);
    }

    /// Spawns a request to a server, which may be dropped at any await.
    pub fn spawn_request(&self, owner: Owner, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        self.trace.tell(self.now(), name);
        self.commands.spawn_droppable(owner, task);
    }

    pub fn server(&self, place: usize) -> Option<Services> {
        self.servers.lock().unwrap()[place].clone()
    }

    pub fn set_server(&self, place: usize, services: Option<Services>) {
        self.servers.lock().unwrap()[place] = services;
    }

    /// One of the running servers, as chosen by a load balancer.
    pub fn any_server(&self) -> Option<(usize, Services)> {
        let servers = self.servers.lock().unwrap();
        let up: Vec<(usize, &Services)> = servers
            .iter()
            .enumerate()
            .filter_map(|(place, services)| Some((place, services.as_ref()?)))
            .collect();
        if up.is_empty() {
            return None;
        }
        let (place, services) = up[self.rng().place(up.len())];
        Some((place, services.clone()))
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.in_trouble.store(false, Ordering::SeqCst);
        self.commands.drop_steps(0);
        let faults = self.plan.faults(false);
        self.gateways(|gateways, _| gateways.faults(&faults));
        self.tell("healed");
        for place in 0..self.plan.n_servers {
            self.commands.thaw(Owner::Server(place));
            if self.server(place).is_none() {
                self.boot(place);
            }
        }
    }

    /// Breaks the reference cycle of servers, gateways and this simulation, or it would never be freed.
    pub fn leave(&self) {
        self.servers.lock().unwrap().clear();
    }
}
