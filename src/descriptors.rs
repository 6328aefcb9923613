//! File descriptors: raises the limit at the start, and reserves a part that connections may not use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for the database, the gateways, files and listeners. Without them connections would block notifications.
const RESERVE: usize = 512;

/// Raises the soft limit to the hard one, and returns how many descriptors the process may have.
pub fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of file descriptors cannot be raised");
            limit.current
        }
    };
    // `None` is unlimited.
    current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// Returns how many of the wanted connections these descriptors allow.
pub fn bound_connections(wanted: usize, n_descriptors: usize) -> usize {
    let reserve = RESERVE.min(n_descriptors / 2);
    wanted.min(n_descriptors - reserve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        assert_eq!(bound_connections(4096, 20_000), 4096);
        assert_eq!(bound_connections(4096, 4096), 4096 - RESERVE);
        assert_eq!(bound_connections(4096, 256), 128);
        assert_eq!(bound_connections(4096, usize::MAX), 4096);
    }

    #[test]
    fn the_limit_is_what_the_system_allows() {
        let allowed = getrlimit(Resource::Nofile).maximum;
        let n_descriptors = raise_limit();
        assert_eq!(
            Some(n_descriptors),
            allowed.map(|n| usize::try_from(n).unwrap()).or(Some(usize::MAX))
        );
        assert_eq!(getrlimit(Resource::Nofile).current, allowed);
    }
}
