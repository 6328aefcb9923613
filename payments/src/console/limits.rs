//! Rate limits of logins: throttle guesses of a password. A client is known by its connection, never by a header that it can write.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::Timestamp;
use futures_util::FutureExt;

use super::{Browser, ConsoleError};
use crate::Services;
use crate::api_keys::hash_of;
use crate::store::{StoreError, Tx, login_attempts};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Limits memory; a forgotten counter is read from the database again.
const MAX_FULL: usize = 4096;

/// Full counters of login attempts, as known to this process: a flood of refused logins is answered from memory, without
/// the database.
#[derive(Debug, Clone, Default)]
pub struct LoginLimits(Arc<Mutex<HashMap<String, Timestamp>>>);

impl LoginLimits {
    /// Time for which one of these counters stays full; `None`: none is known to be full.
    fn wait(&self, limits: &[Limit], now: Timestamp) -> Option<Duration> {
        let full = self.full();
        limits
            .iter()
            .filter_map(|limit| full.get(&limit.key).copied())
            .filter(|ends_at| *ends_at > now)
            .map(|ends_at| ends_at.duration_since(now))
            .max()
    }

    fn remember(&self, key: &str, ends_at: Timestamp, now: Timestamp) {
        let mut full = self.full();
        if full.len() >= MAX_FULL {
            full.retain(|_, ends_at| *ends_at > now);
        }
        if full.len() < MAX_FULL {
            full.insert(key.to_owned(), ends_at);
        }
    }

    fn forget(&self, key: &str) {
        self.full().remove(key);
    }

    fn full(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0
            .lock()
            .expect("nothing panics while it holds the full counters")
    }
}

/// One counter: its key, window and maximum.
struct Limit {
    key: String,
    window: Duration,
    max: i64,
}

/// Counts one try; it is given back when the login turns out to be right.
///
/// A refused try is not counted, so that one client's flood does not lock out all others.
pub async fn admit_login(
    services: &Services,
    email: &str,
    ip: Option<IpAddr>,
    browser: &Browser,
) -> Result<(), ConsoleError> {
    let (limits, now) = (&login_limits(email, ip, browser), services.clock.now());
    if let Some(wait) = services.login_limits.wait(limits, now) {
        return Err(ConsoleError::TooManyAttempts { wait });
    }
    let full: Result<Option<(&Limit, Timestamp)>, StoreError> = services
        .db
        .write(|tx| async move { count_try(tx, limits, now).await }.boxed())
        .await;
    match full? {
        None => Ok(()),
        Some((limit, ends_at)) => {
            services.login_limits.remember(&limit.key, ends_at, now);
            let wait = ends_at.duration_since(now);
            Err(ConsoleError::TooManyAttempts { wait })
        }
    }
}

/// Counts a try, or returns the full counter and its end. Reads all counters before it writes.
async fn count_try<'l>(
    tx: &mut Tx<'_>,
    limits: &'l [Limit],
    now: Timestamp,
) -> Result<Option<(&'l Limit, Timestamp)>, StoreError> {
    for limit in limits {
        let ends_at = end_of_window(now, limit.window);
        if login_attempts::find(tx, &limit.key, ends_at).await? >= limit.max {
            return Ok(Some((limit, ends_at)));
        }
    }
    login_attempts::forget(tx, now).await?;
    for limit in limits {
        let ends_at = end_of_window(now, limit.window);
        // On PostgreSQL another try may have been counted since the check: then this one is refused and its counts are
        // undone.
        if login_attempts::count(tx, &limit.key, ends_at).await? > limit.max {
            return Err(StoreError::Stale);
        }
    }
    Ok(None)
}

/// Gives back the counts of a login that succeeded.
pub(super) async fn give_back(
    tx: &mut Tx<'_>,
    services: &Services,
    email: &str,
    ip: Option<IpAddr>,
    browser: &Browser,
    now: Timestamp,
) -> Result<(), ConsoleError> {
    for limit in login_limits(email, ip, browser) {
        login_attempts::uncount(tx, &limit.key, end_of_window(now, limit.window)).await?;
        services.login_limits.forget(&limit.key);
    }
    Ok(())
}

fn login_limits(email: &str, ip: Option<IpAddr>, browser: &Browser) -> Vec<Limit> {
    let limit = |key: &str, window, max| Limit {
        key: key.to_owned(),
        window,
        max,
    };
    // Guesses from other browsers are not counted here, so they do not lock out a known browser.
    if let Some(device) = browser.known_hash() {
        let device = hash_of(&format!("device {email} {device}"));
        return vec![limit(&device, MINUTE, 5), limit(&device, HOUR, 20)];
    }
    let ip_text = ip.map_or_else(String::new, |ip| ip.to_string());
    let pair = hash_of(&format!("pair {email} {ip_text}"));
    let mut limits = vec![limit(&pair, MINUTE, 5), limit(&pair, HOUR, 30)];
    // A loopback address may be a proxy: counting it would lock everyone out for the guesses of one.
    if let Some(ip) = ip.filter(|ip| !ip.is_loopback()) {
        limits.push(limit(&hash_of(&format!("net {}", network_of(ip))), HOUR, 60));
    }
    limits.push(limit(&hash_of("all"), MINUTE, 300));
    limits
}

/// Network of an address, because a client may have all its neighbours: /24, and /64 for IPv6.
fn network_of(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

fn end_of_window(now: Timestamp, window: Duration) -> Timestamp {
    let millis = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis((now.millis().div_euclid(millis) + 1).saturating_mul(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_network() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("203.0.113.7"), of("203.0.113.250"));
        assert_ne!(of("203.0.113.7"), of("203.0.114.7"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn full_counters_are_remembered_until_they_end_and_not_without_end() {
        let known = LoginLimits::default();
        let of = |n: usize| {
            vec![Limit {
                key: format!("key {n}"),
                window: MINUTE,
                max: 1,
            }]
        };
        let at = Timestamp::from_millis;
        known.remember("key 0", at(60_000), at(1));
        assert_eq!(known.wait(&of(0), at(59_000)), Some(Duration::from_secs(1)));
        assert_eq!(known.wait(&of(0), at(60_000)), None);
        assert_eq!(known.wait(&of(1), at(1)), None);
        for n in 0..2 * MAX_FULL {
            known.remember(&format!("key {n}"), at(120_000), at(60_001));
        }
        assert_eq!(known.full().len(), MAX_FULL);
        known.forget("key 7");
        assert_eq!(known.wait(&of(7), at(60_001)), None);
    }

    #[test]
    fn windows_end_on_their_own_beat() {
        let at = |millis| end_of_window(Timestamp::from_millis(millis), MINUTE).millis();
        assert_eq!(at(0), 60_000);
        assert_eq!(at(59_999), 60_000);
        assert_eq!(at(60_000), 120_000);
    }
}
