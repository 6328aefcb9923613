//! Fault injection: points where tests may kill the process, and switches that tests turn. Without the feature `faults`
//! every macro here is empty.
//!
//! A crash point stands before and after every durable step: a commit, a gateway call, an answer to one. Planted bugs are a
//! patch that is applied to a copy of the product (`scripts/planted.sh`); only their switch stands here.

#[cfg(feature = "faults")]
mod crash;
#[cfg(feature = "faults")]
mod cut;
#[cfg(feature = "faults")]
mod lease;
#[cfg(feature = "planted")]
mod planted;

#[cfg(feature = "faults")]
pub use crash::{CRASH_POINTS, STATEMENT_CRASH_POINTS, crash_point};
#[cfg(feature = "faults")]
pub use cut::{cut_after, take_cut};
#[cfg(feature = "faults")]
pub(crate) use cut::{cut_point, is_cut};
#[cfg(feature = "faults")]
pub use lease::{ignore_leases, lease};
#[cfg(feature = "planted")]
pub use planted::{is_planted, plant};

/// Kills the process when `CRASH_AT` says `name:n` and this is the n-th pass.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::faults::crash_point($name)
    };
}

#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {};
}

/// Length of a lease: the given one, unless a test shortens it, because it cannot wait for a dead server's leases.
#[cfg(feature = "faults")]
macro_rules! lease {
    ($usual:expr) => {
        $crate::faults::lease($usual)
    };
}

#[cfg(not(feature = "faults"))]
macro_rules! lease {
    ($usual:expr) => {
        $usual
    };
}
