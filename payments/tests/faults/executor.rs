//! Executor of the simulation: runs all tasks one step at a time, in an order that the seed chooses; when no task is ready,
//! time jumps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use domain::Timestamp;
use futures_util::future::BoxFuture;
use payments::Timeline;
use payments::faults::{cut_after, take_cut};

use crate::rng::Rng;

/// Owner of a task: it dies with its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Payers, merchants, gateways, the network: they do not crash with our servers.
    Outside,
    Server(usize),
}

/// Cut points within a write from which the seed chooses: one per statement, and the commit.
const PLACES: u64 = 16;

/// Whether a task may be dropped while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    ItsOwn,
    /// At any await, as a handler whose client has gone.
    Anywhere,
}

enum Command {
    Spawn(Owner, End, BoxFuture<'static, ()>),
    /// From now on, in percent of the steps of droppable tasks.
    Drop(u64),
    Kill(Owner),
    Freeze(Owner, Timestamp),
    Thaw(Owner),
}

/// Commands of running tasks to the executor.
#[derive(Clone, Default)]
pub struct Commands(Arc<Mutex<Vec<Command>>>);

impl Commands {
    fn give(&self, command: Command) {
        self.0.lock().unwrap().push(command);
    }

    pub fn spawn(&self, owner: Owner, task: impl Future<Output = ()> + Send + 'static) {
        self.give(Command::Spawn(owner, End::ItsOwn, Box::pin(task)));
    }

    /// Like [`Commands::spawn`], for a task that may be dropped at any await.
    pub fn spawn_droppable(&self, owner: Owner, task: impl Future<Output = ()> + Send + 'static) {
        self.give(Command::Spawn(owner, End::Anywhere, Box::pin(task)));
    }

    pub fn drop_steps(&self, percent: u64) {
        self.give(Command::Drop(percent));
    }

    /// Drops every task of this owner.
    pub fn kill(&self, owner: Owner) {
        self.give(Command::Kill(owner));
    }

    /// Freezes the owner's tasks, like those of a stopped process.
    pub fn freeze(&self, owner: Owner, until: Timestamp) {
        self.give(Command::Freeze(owner, until));
    }

    pub fn thaw(&self, owner: Owner) {
        self.give(Command::Thaw(owner));
    }
}

struct Task {
    number: u64,
    owner: Owner,
    end: End,
    future: BoxFuture<'static, ()>,
    flag: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Trace of a run: a hash for comparing runs, and its last lines.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    hash: u64,
    tail: VecDeque<String>,
    is_kept: bool,
}

const TAIL: usize = 400;

impl Trace {
    pub fn keep(&self) {
        self.0.lock().unwrap().is_kept = true;
    }

    /// FNV-1a: the standard hasher promises nothing from one release to the next.
    fn mix(&self, bytes: &[u8]) {
        let mut told = self.0.lock().unwrap();
        for byte in bytes {
            told.hash = (told.hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    pub fn tell(&self, now: Timestamp, text: &str) {
        self.mix(text.as_bytes());
        let mut told = self.0.lock().unwrap();
        if told.is_kept {
            if told.tail.len() == TAIL {
                told.tail.pop_front();
            }
            told.tail
                .push_back(format!("{} {text}", now.millis() % 100_000_000));
        }
    }

    pub fn hash(&self) -> u64 {
        self.0.lock().unwrap().hash
    }

    pub fn tail(&self) -> Vec<String> {
        self.0.lock().unwrap().tail.iter().cloned().collect()
    }
}

pub struct Executor {
    pub commands: Commands,
    pub timeline: Arc<Timeline>,
    pub trace: Trace,
    pub n_steps: u64,
    /// Number of tasks that were dropped in the middle.
    pub n_dropped: u64,
    dropped_percent: u64,
    tasks: Vec<Task>,
    frozen: Vec<(Owner, Timestamp)>,
    n_spawned: u64,
    rng: Rng,
}

impl Executor {
    pub fn new(start: Timestamp, seed: u64) -> Executor {
        Executor {
            commands: Commands::default(),
            timeline: Timeline::starting_at(start),
            trace: Trace::default(),
            n_steps: 0,
            n_dropped: 0,
            dropped_percent: 0,
            tasks: Vec::new(),
            frozen: Vec::new(),
            n_spawned: 0,
            rng: Rng::new(seed),
        }
    }

    /// Runs until this time, even when no task is ready.
    pub fn run_until(&mut self, end: Timestamp) {
        loop {
            self.obey();
            let now = self.timeline.now();
            self.frozen.retain(|(_, until)| *until > now);
            let ready: Vec<usize> = (0..self.tasks.len())
                .filter(|place| self.is_ready(*place))
                .collect();
            if !ready.is_empty() {
                let place = ready[self.rng.place(ready.len())];
                self.step(place);
                continue;
            }
            let thaws = self.frozen.iter().map(|(_, until)| *until).min();
            match self.timeline.next_waking().into_iter().chain(thaws).min() {
                Some(next) if next <= end => self.timeline.advance_to(next),
                _ => {
                    self.timeline.advance_to(end);
                    return;
                }
            }
        }
    }

    fn is_ready(&self, place: usize) -> bool {
        let task = &self.tasks[place];
        task.flag.0.load(Ordering::SeqCst) && self.frozen.iter().all(|(owner, _)| *owner != task.owner)
    }

    fn step(&mut self, place: usize) {
        let task = &mut self.tasks[place];
        self.n_steps += 1;
        self.trace.mix(&task.number.to_le_bytes());
        self.trace.mix(&self.timeline.now().millis().to_le_bytes());
        if task.end == End::Anywhere && self.rng.percent(self.dropped_percent) {
            if self.rng.percent(30) {
                self.n_dropped += 1;
                drop(self.tasks.remove(place));
                return;
            }
            // In the middle of the write that this step may be.
            let n_places = u32::try_from(self.rng.below(PLACES)).unwrap();
            cut_after(Some(n_places));
        }
        task.flag.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&task.flag));
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        cut_after(None);
        let is_cut = take_cut();
        self.n_dropped += u64::from(is_cut);
        if is_cut || polled == Poll::Ready(()) {
            drop(self.tasks.remove(place));
        }
    }

    fn obey(&mut self) {
        loop {
            let commands = std::mem::take(&mut *self.commands.0.lock().unwrap());
            if commands.is_empty() {
                return;
            }
            for command in commands {
                match command {
                    Command::Drop(percent) => self.dropped_percent = percent,
                    Command::Spawn(owner, end, future) => {
                        self.n_spawned += 1;
                        self.tasks.push(Task {
                            number: self.n_spawned,
                            owner,
                            end,
                            future,
                            flag: Arc::new(Flag(AtomicBool::new(true))),
                        });
                    }
                    Command::Kill(owner) => {
                        self.frozen.retain(|(frozen, _)| *frozen != owner);
                        self.tasks.retain(|task| task.owner != owner);
                    }
                    Command::Thaw(owner) => self.frozen.retain(|(frozen, _)| *frozen != owner),
                    Command::Freeze(owner, until) => self.frozen.push((owner, until)),
                }
            }
        }
    }

    /// Stops all tasks.
    pub fn end(&mut self) {
        self.tasks.clear();
        self.obey();
        self.tasks.clear();
    }
}
