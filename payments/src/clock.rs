//! The only source of time and randomness, so that a run can be repeated.

mod draws;
#[cfg(feature = "faults")]
mod virtual_time;

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, Instant};

use domain::{Timestamp, hex_digits};

pub(crate) use self::draws::Draws;
use self::draws::{fill_for_write, time_of_write};
#[cfg(feature = "faults")]
pub use self::virtual_time::{Timeline, VirtualClock};

/// Source of time, random ids and nonces.
#[derive(Debug, Clone)]
pub enum Clock {
    System,
    Fixed(Arc<FixedClock>),
    /// Clock of a simulation.
    #[cfg(feature = "faults")]
    Virtual(Arc<VirtualClock>),
}

/// Clock that stands still until it is moved, with seeded randomness.
#[derive(Debug)]
pub struct FixedClock {
    millis: AtomicI64,
    /// Sum of all forward moves.
    advanced_ms: AtomicI64,
    dice: Mutex<u64>,
}

impl Clock {
    pub fn fixed(now: Timestamp, seed: u64) -> Clock {
        Clock::Fixed(Arc::new(FixedClock {
            millis: AtomicI64::new(now.millis()),
            advanced_ms: AtomicI64::new(0),
            dice: Mutex::new(seed),
        }))
    }

    /// Current time; within a write the time at which the write began, so that a second run makes the same ids.
    pub fn now(&self) -> Timestamp {
        time_of_write(|| self.read_time())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the product reads the time"
    )]
    fn read_time(&self) -> Timestamp {
        match self {
            Clock::System => {
                let since_epoch = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .expect("the system clock is set after 1970");
                Timestamp::from_millis(0) + since_epoch
            }
            Clock::Fixed(fixed) => Timestamp::from_millis(fixed.millis.load(Ordering::SeqCst)),
            #[cfg(feature = "faults")]
            Clock::Virtual(clock) => clock.now(),
        }
    }

    /// Time since some instant in the past. Setting the clock does not move it, so it measures durations within this
    /// process; it is never stored.
    pub fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        let real = START.get_or_init(Instant::now).elapsed();
        match self {
            Clock::System => real,
            Clock::Fixed(fixed) => {
                let moved = u64::try_from(fixed.advanced_ms.load(Ordering::SeqCst)).unwrap_or(0);
                real + Duration::from_millis(moved)
            }
            #[cfg(feature = "faults")]
            Clock::Virtual(clock) => clock.monotonic(),
        }
    }

    /// Sleeps. A fixed clock still sleeps in real time, because a task that waits for another one needs that.
    pub async fn sleep(&self, duration: Duration) {
        match self {
            Clock::System | Clock::Fixed(_) => tokio::time::sleep(duration).await,
            #[cfg(feature = "faults")]
            Clock::Virtual(clock) => clock.sleep(duration).await,
        }
    }

    /// Advances a fixed clock; the system's clock is unaffected.
    pub fn advance(&self, duration: Duration) {
        if let Clock::Fixed(fixed) = self {
            let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
            fixed.millis.fetch_add(millis, Ordering::SeqCst);
            fixed.advanced_ms.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Sets a fixed clock back, as can happen to the system's.
    pub fn put_back(&self, duration: Duration) {
        if let Clock::Fixed(fixed) = self {
            let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
            fixed.millis.fetch_sub(millis, Ordering::SeqCst);
        }
    }

    /// Random bytes: from the operating system, or from the seed of a fixed clock. A second run of a write gets those of
    /// the first.
    pub fn entropy<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        fill_for_write(&mut bytes, |bytes| self.draw(bytes));
        bytes
    }

    fn draw(&self, bytes: &mut [u8]) {
        match self {
            Clock::System => {
                aws_lc_rs::rand::fill(bytes).expect("the operating system has random bytes");
            }
            Clock::Fixed(fixed) => {
                fill_random(
                    &mut fixed
                        .dice
                        .lock()
                        .expect("nothing panics while it holds the random numbers"),
                    bytes,
                );
            }
            #[cfg(feature = "faults")]
            Clock::Virtual(clock) => fill_random(&mut clock.dice(), bytes),
        }
    }

    /// Nonce of thirty-two characters `[0-9a-f]` for a signature.
    pub fn nonce(&self) -> String {
        hex_digits(&self.entropy::<16>())
    }
}

fn fill_random(state: &mut u64, bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(8) {
        let word = split_mix(state).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

/// SplitMix64: small, and the same on every platform.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
