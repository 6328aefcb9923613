//! Where tests may kill the process or plant a bug. Without the feature `faults` every macro here is nothing.
//!
//! A crash point stands before and after whatever lasts: a commit, a call to a gateway, an answer to one. A planted bug is
//! one that somebody has really made, somewhere; the simulation must find each, or it has gone blind.

#[cfg(feature = "faults")]
mod crash;
#[cfg(feature = "faults")]
mod cut;
#[cfg(feature = "faults")]
mod lease;
#[cfg(feature = "faults")]
pub(crate) mod mistakes;
#[cfg(feature = "faults")]
mod planted;

#[cfg(feature = "faults")]
pub use crash::{CRASH_POINTS, crash_point};
#[cfg(feature = "faults")]
pub use cut::{cut_after, take_cut};
#[cfg(feature = "faults")]
pub(crate) use cut::{cut_point, is_cut};
#[cfg(feature = "faults")]
pub use lease::lease;
#[cfg(feature = "faults")]
pub use planted::{is_planted, plant};

/// Ends the process without a goodbye when `CRASH_AT` says `name:n` and this is the n-th time.
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

/// How long a claim keeps others away: the given time, unless a test cannot wait so long for a dead server's claims.
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

/// Whether a test has planted this bug in the present thread.
#[cfg(feature = "faults")]
macro_rules! planted {
    ($name:literal) => {
        $crate::faults::is_planted($name)
    };
}

#[cfg(not(feature = "faults"))]
macro_rules! planted {
    ($name:literal) => {
        false
    };
}

/// Does this besides where a test has planted the bug.
#[cfg(feature = "faults")]
macro_rules! where_planted {
    ($name:literal, $mistake:block) => {
        if $crate::faults::is_planted($name) $mistake
    };
}

#[cfg(not(feature = "faults"))]
macro_rules! where_planted {
    ($name:literal, $mistake:block) => {};
}
