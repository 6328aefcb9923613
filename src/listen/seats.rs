//! The limit of connections. When it is reached, the connection that has kept us waiting longest is closed, so that slow
//! clients cannot keep others out.
//!
//! A connection whose request is being handled is never closed. Of the others, those whose client is slow go first (sending
//! a head or a body, reading an answer), then event streams, which browsers reopen by themselves. Bodies, unread answers and
//! streams are bounded each for itself too, because they cost more than a seat.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Does not apply to private addresses and trusted proxies, which many visitors share.
const MAX_PER_ADDRESS: usize = 100;
/// Bytes that all incomplete request bodies may hold together.
const MAX_BODY_BYTES: usize = 48 * 1024 * 1024;
/// One part in so many of the seats is reserved for notifications and health checks.
const RESERVED_PART: usize = 16;
/// One part in so many of the seats may be event streams.
const STREAMING_PART: usize = 2;
/// One part in so many of the seats may wait for a body: each holds some 80 KB.
const BODY_PART: usize = 8;
/// One part in so many of the seats may wait for an answer to be read: each holds a full buffer of the system, which is
/// short of memory for everybody when thousands are full.
const ANSWERING_PART: usize = 4;
/// One part in so many of the seats is freed at once, so that the list is not searched for each new connection.
const FREED_PART: usize = 64;
/// Minimum age before a connection may be closed while the reserve lasts: its head is probably on its way.
const GRACE: Duration = Duration::from_secs(1);
/// Part of the grace that still applies when the reserve is used up: a fresh connection's request has not been read yet, and
/// the seats are searched before the next connection.
const YOUNG_PART: u32 = 4;
/// Part of the grace that passes between two searches without a result.
const PAUSE_PART: u32 = 20;
/// Wait of a new connection before the seats are searched again.
const PAUSE: Duration = Duration::from_millis(100);

/// Current phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A request's head is incomplete, be it the first or the next one.
    Head,
    Body,
    /// The body of a notification or health check.
    ReservedBody,
    Working,
    Answering,
    Streaming,
    /// Told to end.
    Leaving,
}

/// All connections of one listener; cheap to clone.
#[derive(Debug, Clone)]
pub struct Seats(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Above this number a connection has to end.
    n_max: usize,
    /// Including the reserve.
    n_all: usize,
    grace: Duration,
    started: Instant,
    /// Time of the last search that found no slow connection: the list is not searched again at once.
    fruitless_at: AtomicU64,
    taken: Mutex<Taken>,
    /// Excluding those that are leaving.
    n_staying: AtomicUsize,
    n_working: AtomicUsize,
    n_in_body: AtomicUsize,
    n_answering: AtomicUsize,
    n_streaming: AtomicUsize,
    n_body_bytes: AtomicUsize,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next_id: u64,
    by_id: HashMap<u64, Arc<Occupant>>,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection; dropping it frees the seat.
#[derive(Debug)]
pub struct Seat {
    id: u64,
    occupant: Arc<Occupant>,
}

/// State of a connection.
#[derive(Debug)]
pub struct Occupant {
    seats: Arc<Shared>,
    address: IpAddr,
    /// [`Phase`] and its start time, in one word, so that a phase that has just changed is not taken for the old one.
    state: AtomicU64,
    /// Told to end.
    ending: Notify,
}

const PHASE_BITS: u32 = 3;

fn as_nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX >> PHASE_BITS)
}

const fn pack_state(phase: Phase, since: u64) -> u64 {
    let word = match phase {
        Phase::Head => 0,
        Phase::Body => 1,
        Phase::ReservedBody => 2,
        Phase::Working => 3,
        Phase::Answering => 4,
        Phase::Streaming => 5,
        Phase::Leaving => 6,
    };
    (since << PHASE_BITS) | word
}

const fn phase_of(state: u64) -> Phase {
    match state & ((1 << PHASE_BITS) - 1) {
        0 => Phase::Head,
        1 => Phase::Body,
        2 => Phase::ReservedBody,
        3 => Phase::Working,
        4 => Phase::Answering,
        5 => Phase::Streaming,
        _ => Phase::Leaving,
    }
}

impl Seats {
    pub fn new(n_connections: usize) -> Seats {
        Seats::with_grace(n_connections, GRACE)
    }

    fn with_grace(n_connections: usize, grace: Duration) -> Seats {
        let n_reserved = 1.max(n_connections / RESERVED_PART);
        let n_max = 1.max(n_connections.saturating_sub(n_reserved));
        Seats(Arc::new(Shared {
            n_max,
            n_all: n_max + n_reserved,
            grace,
            started: Instant::now(),
            fruitless_at: AtomicU64::new(0),
            taken: Mutex::default(),
            n_staying: AtomicUsize::new(0),
            n_working: AtomicUsize::new(0),
            n_in_body: AtomicUsize::new(0),
            n_answering: AtomicUsize::new(0),
            n_streaming: AtomicUsize::new(0),
            n_body_bytes: AtomicUsize::new(0),
            freed: Notify::new(),
        }))
    }

    /// Closes slow connections when seats run short; returns when a new one can be accepted.
    pub async fn wait_for_room(&self) {
        let shared = &self.0;
        loop {
            let freed = shared.freed.notified();
            if shared.has_room() {
                return;
            }
            // The timeout is for seats whose phase changes without one being freed.
            drop(tokio::time::timeout(PAUSE, freed).await);
        }
    }

    /// Closes slow connections after `accept` found no file descriptor.
    pub fn shrink(&self) {
        let shared = &self.0;
        shared.end_slowest(&shared.lock(), Duration::ZERO);
    }

    /// Takes a seat; `None`: all connections of this address are being served. IPv6 counts by network, because one visitor has
    /// all of its addresses. `is_shared`: many visitors have this address.
    pub fn take(&self, address: IpAddr, is_shared: bool) -> Option<Seat> {
        let shared = &self.0;
        let mut taken = shared.lock();
        let n_of_address = taken.by_address.get(&address).copied().unwrap_or(0);
        if n_of_address >= MAX_PER_ADDRESS && !is_shared {
            let is_theirs = |occupant: &Occupant, phase| occupant.address == address && is_ended_early(phase);
            if shared.end_oldest(
                &taken,
                1 + MAX_PER_ADDRESS / FREED_PART,
                Duration::ZERO,
                is_theirs,
            ) == 0
            {
                return None;
            }
        }
        let occupant = Arc::new(Occupant {
            seats: Arc::clone(shared),
            address,
            state: AtomicU64::new(pack_state(Phase::Head, shared.now())),
            ending: Notify::new(),
        });
        let id = taken.next_id;
        taken.next_id += 1;
        taken.by_id.insert(id, Arc::clone(&occupant));
        *taken.by_address.entry(address).or_default() += 1;
        shared.n_staying.fetch_add(1, Ordering::Relaxed);
        Some(Seat { id, occupant })
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.0.lock().by_id.len()
    }
}

/// Returns whether a connection may be closed in favour of another one of the same address.
const fn is_ended_early(phase: Phase) -> bool {
    !matches!(phase, Phase::Working | Phase::Leaving)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nanoseconds by the monotonic clock.
    fn now(&self) -> u64 {
        as_nanoseconds(self.started.elapsed())
    }

    /// Ends slow connections when few seats are left; returns whether one is free.
    fn has_room(&self) -> bool {
        let taken = self.lock();
        let n_staying = || self.n_staying.load(Ordering::Relaxed);
        let pause = as_nanoseconds(self.grace / PAUSE_PART);
        let is_due = || self.now() >= self.fruitless_at.load(Ordering::Relaxed).saturating_add(pause);
        if n_staying() >= self.n_max && is_due() && self.end_slowest(&taken, self.grace) == 0 {
            self.fruitless_at.store(self.now(), Ordering::Relaxed);
        }
        if n_staying() >= self.n_all {
            self.end_slowest(&taken, self.grace / YOUNG_PART);
        }
        taken.by_id.len() < self.n_all
    }

    fn count_in(&self, phase: Phase) {
        if let Some(count) = self.count_of(phase) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count_out(&self, phase: Phase) {
        if let Some(count) = self.count_of(phase) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    const fn count_of(&self, phase: Phase) -> Option<&AtomicUsize> {
        match phase {
            Phase::Working => Some(&self.n_working),
            Phase::Body => Some(&self.n_in_body),
            Phase::Answering => Some(&self.n_answering),
            Phase::Streaming => Some(&self.n_streaming),
            Phase::Head | Phase::ReservedBody | Phase::Leaving => None,
        }
    }

    /// Number of connections that may be in a phase at once; `None`: all of them.
    const fn max_in(&self, phase: Phase) -> Option<usize> {
        match phase {
            Phase::Body => Some(self.n_max.div_ceil(BODY_PART)),
            Phase::Answering => Some(self.n_max.div_ceil(ANSWERING_PART)),
            Phase::Streaming => Some(self.n_max.div_ceil(STREAMING_PART)),
            Phase::Head | Phase::ReservedBody | Phase::Working | Phase::Leaving => None,
        }
    }

    const fn n_freed_at_once(&self) -> usize {
        1 + self.n_max / FREED_PART
    }

    /// Ends the oldest connections of a phase that too many are in.
    fn bound(&self, phase: Phase) {
        let (Some(count), Some(max)) = (self.count_of(phase), self.max_in(phase)) else {
            return;
        };
        if count.load(Ordering::Relaxed) > max {
            let is_in_phase = |_: &Occupant, found| found == phase;
            self.end_oldest(&self.lock(), self.n_freed_at_once(), Duration::ZERO, is_in_phase);
        }
    }

    /// Ends slow connections, or event streams when there are none; returns how many.
    fn end_slowest(&self, taken: &Taken, grace: Duration) -> usize {
        let is_reserved = |occupant: &&Arc<Occupant>| occupant.phase() == Phase::ReservedBody;
        let n_reserved = taken.by_id.values().filter(is_reserved).count();
        // A client that sends many notifications slowly gets no more than the reserve.
        let spares_reserved = n_reserved <= self.n_all - self.n_max;
        let is_slow = |_: &Occupant, phase| match phase {
            Phase::Head | Phase::Body | Phase::Answering => true,
            Phase::ReservedBody => !spares_reserved,
            Phase::Working | Phase::Streaming | Phase::Leaving => false,
        };
        let n = self.n_freed_at_once();
        match self.end_oldest(taken, n, grace, is_slow) {
            0 => self.end_oldest(taken, n, grace, |_, phase| phase == Phase::Streaming),
            n_ended => n_ended,
        }
    }

    /// Ends the `n` connections that are longest in their phase, and longer than `grace`, among those that `may_end`; returns how
    /// many were ended.
    fn end_oldest(
        &self,
        taken: &Taken,
        n: usize,
        grace: Duration,
        may_end: impl Fn(&Occupant, Phase) -> bool,
    ) -> usize {
        let Some(before) = self.now().checked_sub(as_nanoseconds(grace)) else {
            return 0;
        };
        let mut found: Vec<(u64, &Occupant)> = Vec::new();
        for occupant in taken.by_id.values() {
            let state = occupant.state.load(Ordering::Relaxed);
            if state >> PHASE_BITS <= before && may_end(occupant, phase_of(state)) {
                found.push((state, &**occupant));
            }
        }
        if found.len() > n {
            found.select_nth_unstable_by_key(n, |(state, _)| state >> PHASE_BITS);
            found.truncate(n);
        }
        let told = found.iter().filter(|(state, occupant)| occupant.end(*state));
        told.count()
    }
}

impl Seat {
    pub fn occupant(&self) -> &Arc<Occupant> {
        &self.occupant
    }

    /// Returns when another connection needs the seat.
    pub async fn must_end(&self) {
        self.occupant.ending.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let occupant = &self.occupant;
        let shared = &occupant.seats;
        let state = occupant
            .state
            .swap(pack_state(Phase::Leaving, 0), Ordering::Relaxed);
        occupant.count_out(phase_of(state));
        let mut taken = shared.lock();
        taken.by_id.remove(&self.id);
        if let Some(count) = taken.by_address.get_mut(&occupant.address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&occupant.address);
            }
        }
        drop(taken);
        shared.freed.notify_one();
    }
}

impl Occupant {
    fn phase(&self) -> Phase {
        phase_of(self.state.load(Ordering::Relaxed))
    }

    /// Returns whether all seats but the reserve are taken by requests, this one among them.
    pub fn is_crowded(&self) -> bool {
        self.seats.n_working.load(Ordering::Relaxed) > self.seats.n_max
    }

    pub fn enter(&self, phase: Phase) {
        self.change(phase, |before| before != Phase::Leaving);
    }

    /// Enters `phase` only from `before`.
    pub fn move_on(&self, before: Phase, phase: Phase) {
        self.change(phase, |found| found == before);
    }

    fn change(&self, phase: Phase, may_change: impl Fn(Phase) -> bool) {
        let entered = pack_state(phase, self.seats.now());
        let update = |state| may_change(phase_of(state)).then_some(entered);
        // Counted before the change is visible: a thread that ends the connection at once subtracts it again.
        self.seats.count_in(phase);
        let changed = self
            .state
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
        self.seats.count_out(changed.map_or(phase, phase_of));
        if changed.is_ok() {
            self.seats.bound(phase);
        }
    }

    /// Counts bytes of incomplete bodies; over the limit, the oldest bodies are ended.
    pub fn hold_bytes(&self, n_bytes: usize) {
        let held = self.seats.n_body_bytes.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes;
        if held > MAX_BODY_BYTES {
            let is_body = |_: &Occupant, phase| matches!(phase, Phase::Body | Phase::ReservedBody);
            let n = self.seats.n_freed_at_once();
            self.seats
                .end_oldest(&self.seats.lock(), n, Duration::ZERO, is_body);
        }
    }

    pub fn release_bytes(&self, n_bytes: usize) {
        self.seats.n_body_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
    }

    /// Ends the connection; `false` when its phase has changed since `state` was read.
    fn end(&self, state: u64) -> bool {
        let leaving = pack_state(Phase::Leaving, 0);
        let is_told = self
            .state
            .compare_exchange(state, leaving, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if is_told {
            self.count_out(phase_of(state));
            self.ending.notify_one();
        }
        is_told
    }

    fn count_out(&self, phase: Phase) {
        if phase != Phase::Leaving {
            self.seats.n_staying.fetch_sub(1, Ordering::Relaxed);
        }
        self.seats.count_out(phase);
    }
}

#[cfg(test)]
mod tests;
