//! Everybody's work, one step at a time, in an order that the seed chooses; when nobody can work, time jumps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use domain::Timestamp;
use futures_util::future::BoxFuture;
use payments::Timeline;

use crate::dice::Dice;

/// Who loses a task when it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Payers, merchants, gateways, the network: they do not crash with our servers.
    Outside,
    Server(usize),
}

enum Command {
    Spawn(Owner, BoxFuture<'static, ()>),
    Kill(Owner),
    Freeze(Owner, Timestamp),
    Thaw(Owner),
}

/// Where running tasks leave what the executor does next.
#[derive(Clone, Default)]
pub struct Commands(Arc<Mutex<Vec<Command>>>);

impl Commands {
    fn give(&self, command: Command) {
        self.0.lock().unwrap().push(command);
    }

    pub fn spawn(&self, owner: Owner, task: impl Future<Output = ()> + Send + 'static) {
        self.give(Command::Spawn(owner, Box::pin(task)));
    }

    /// Everything that this owner is doing is gone, wherever it was.
    pub fn kill(&self, owner: Owner) {
        self.give(Command::Kill(owner));
    }

    /// Its tasks stand still, as those of a process that was stopped.
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
    future: BoxFuture<'static, ()>,
    flag: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What happened, as a number to compare and as the last lines to read.
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
    tasks: Vec<Task>,
    frozen: Vec<(Owner, Timestamp)>,
    n_spawned: u64,
    dice: Dice,
}

impl Executor {
    pub fn new(start: Timestamp, seed: u64) -> Executor {
        Executor {
            commands: Commands::default(),
            timeline: Timeline::starting_at(start),
            trace: Trace::default(),
            n_steps: 0,
            tasks: Vec::new(),
            frozen: Vec::new(),
            n_spawned: 0,
            dice: Dice::new(seed),
        }
    }

    /// Works until this time, even when there is nothing to do.
    pub fn run_until(&mut self, end: Timestamp) {
        loop {
            self.obey();
            let now = self.timeline.now();
            self.frozen.retain(|(_, until)| *until > now);
            let ready: Vec<usize> = (0..self.tasks.len())
                .filter(|place| self.is_ready(*place))
                .collect();
            if !ready.is_empty() {
                let place = ready[self.dice.place(ready.len())];
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
        task.flag.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&task.flag));
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(()) {
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
                    Command::Spawn(owner, future) => {
                        self.n_spawned += 1;
                        self.tasks.push(Task {
                            number: self.n_spawned,
                            owner,
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

    /// Everybody stops where they are.
    pub fn end(&mut self) {
        self.tasks.clear();
        self.obey();
        self.tasks.clear();
    }
}
