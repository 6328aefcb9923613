//! Rate limits of the API: throttle by key, and by address for requests without a valid key. Notifications are never limited.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Seconds of calls that a quiet caller may save up as a burst.
const BURST_SECONDS: u32 = 5;
/// Fixed number of counters that all addresses share, so that many addresses cannot exhaust memory.
const N_COUNTERS: u64 = 1 << 16;

/// Calls in a second; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_second: Option<NonZeroU32>,
    /// A default limit does not apply to programs on this machine.
    pub is_default: bool,
}

impl Rate {
    pub const fn default_of(per_second: u32) -> Rate {
        Rate {
            per_second: NonZeroU32::new(per_second),
            is_default: true,
        }
    }

    pub fn parse(text: &str) -> Result<Rate, String> {
        let per_second: u32 = text
            .parse()
            .ok()
            .filter(|number| *number <= 1_000_000)
            .ok_or("must be a number of requests up to 1000000; 0 is no limit")?;
        Ok(Rate {
            is_default: false,
            ..Rate::default_of(per_second)
        })
    }

    fn quota(self) -> Option<Quota> {
        let rate = self.per_second?;
        let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS)?);
        Some(Quota::per_second(rate).allow_burst(burst))
    }

    fn spares(self, address: IpAddr) -> bool {
        self.is_default && address.is_loopback()
    }
}

/// Rate limiters of both kinds.
#[derive(Debug)]
pub struct ApiLimits {
    key_rate: Rate,
    stranger_rate: Rate,
    /// By key id: bounded by the number of keys in the database.
    keys: Option<DefaultKeyedRateLimiter<String>>,
    strangers: Option<DefaultKeyedRateLimiter<u64>>,
    /// Seed of the hash, so that outsiders cannot compute which addresses share a counter.
    secret: RandomState,
}

impl ApiLimits {
    pub fn new(key_rate: Rate, stranger_rate: Rate) -> ApiLimits {
        ApiLimits {
            key_rate,
            stranger_rate,
            keys: key_rate.quota().map(RateLimiter::keyed),
            strangers: stranger_rate.quota().map(RateLimiter::keyed),
            secret: RandomState::new(),
        }
    }

    /// Counts a call with this key; returns the time until the next one is allowed, `None` when this one is.
    pub fn count_key(&self, key_id: &str, address: IpAddr) -> Option<Duration> {
        if self.key_rate.spares(address) {
            return None;
        }
        wait_for_cell(self.keys.as_ref()?, &key_id.to_owned())
    }

    /// The same for a request without a valid key.
    pub fn count_stranger(&self, address: IpAddr) -> Option<Duration> {
        if self.stranger_rate.spares(address) {
            return None;
        }
        let counter = self.secret.hash_one(network_of(address)) % N_COUNTERS;
        wait_for_cell(self.strangers.as_ref()?, &counter)
    }
}

fn wait_for_cell<K: Clone + Eq + std::hash::Hash>(
    counters: &DefaultKeyedRateLimiter<K>,
    key: &K,
) -> Option<Duration> {
    let refused = counters.check_key(key).err()?;
    Some(refused.wait_time_from(DefaultClock::default().now()))
}

/// Returns the /64 of an IPv6 address: one visitor has all 2^64 addresses of it.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_second: &str) -> ApiLimits {
        let rate = Rate::parse(per_second).unwrap();
        ApiLimits::new(rate, rate)
    }

    #[test]
    fn a_key_and_an_address_are_limited_after_a_burst_of_five_seconds() {
        let (limits, ip) = (limits("1"), |text: &str| text.parse::<IpAddr>().unwrap());
        let here = ip("203.0.113.7");
        for _ in 0..5 {
            assert_eq!(limits.count_key("key_1", here), None);
            assert_eq!(limits.count_stranger(here), None);
        }
        assert!(limits.count_key("key_1", here).unwrap() <= Duration::from_secs(1));
        assert!(
            limits.count_key("key_1", ip("198.51.100.1")).is_some(),
            "it is the key that counts"
        );
        assert_eq!(limits.count_key("key_2", here), None);
        assert!(limits.count_stranger(here).is_some());
        let long = |n: u32| ip(&format!("2001:db8::{n:x}"));
        let n_admitted = (0..50)
            .filter(|n| limits.count_stranger(long(*n)).is_none())
            .count();
        assert_eq!(n_admitted, 5, "neighbours in one /64 are one");
    }

    #[test]
    fn a_million_addresses_share_a_bounded_number_of_counters() {
        let limits = limits("1");
        for n in 0..1_000_000_u32 {
            limits.count_stranger(IpAddr::from(n.to_be_bytes()));
        }
        let n_counters = limits.strangers.as_ref().unwrap().len();
        assert!(n_counters <= 1 << 16, "{n_counters}");
    }

    #[test]
    fn zero_is_no_limit_and_a_default_exempts_loopback() {
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        let is_free = |limits: &ApiLimits| (0..1000).all(|_| limits.count_stranger(here).is_none());
        assert!(is_free(&limits("0")));
        assert!(!is_free(&limits("20")));
        let default = Rate::default_of(20);
        assert!(is_free(&ApiLimits::new(default, default)));
        for text in ["", "-1", "1.5", "1000001", "many"] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }
}
