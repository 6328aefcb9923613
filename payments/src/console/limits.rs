//! How often somebody may try to come in. Who tries is known by the connection, never by a header that anybody can write.

use std::net::IpAddr;
use std::time::Duration;

use domain::Timestamp;
use futures_util::FutureExt;

use super::ConsoleError;
use crate::Services;
use crate::admin::hash_of;
use crate::store::{Tx, login_attempts};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// One counter: whom it counts, over which time, and how far.
struct Limit {
    key: String,
    window: Duration,
    max: i64,
}

/// Counts one try; it is given back when the login turns out to be right.
///
/// A try that is refused counts nowhere, so that one loud neighbour does not shut the door for all.
pub async fn admit_login(services: &Services, email: &str, ip: Option<IpAddr>) -> Result<(), ConsoleError> {
    let (limits, now) = (&limits(email, ip), services.clock.now());
    services
        .db
        .write(|tx| {
            async move {
                login_attempts::forget(tx, now).await?;
                for limit in limits {
                    let ends_at = end_of_window(now, limit.window);
                    if login_attempts::count(tx, &limit.key, ends_at).await? > limit.max {
                        return Err(ConsoleError::TooManyAttempts {
                            wait: ends_at.since(now),
                        });
                    }
                }
                Ok(())
            }
            .boxed()
        })
        .await
}

/// Who came in has shown that the tries were honest.
pub(super) async fn give_back(
    tx: &mut Tx<'_>,
    email: &str,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> Result<(), ConsoleError> {
    for limit in limits(email, ip) {
        login_attempts::uncount(tx, &limit.key, end_of_window(now, limit.window)).await?;
    }
    Ok(())
}

fn limits(email: &str, ip: Option<IpAddr>) -> Vec<Limit> {
    let ip_text = ip.map_or_else(String::new, |ip| ip.to_string());
    let pair = hash_of(&format!("pair {email} {ip_text}"));
    let limit = |key: &str, window, max| Limit {
        key: key.to_owned(),
        window,
        max,
    };
    let mut limits = vec![limit(&pair, MINUTE, 5), limit(&pair, HOUR, 30)];
    // A proxy on this machine stands for everybody: counting it would lock all out for the guesses of one.
    if let Some(ip) = ip.filter(|ip| !ip.is_loopback()) {
        limits.push(limit(&hash_of(&format!("net {}", network_of(ip))), HOUR, 60));
    }
    limits.push(limit(&hash_of("all"), MINUTE, 300));
    limits
}

/// Who has one address has all of its neighbours: /24, and /64 of the longer ones.
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
    fn windows_end_on_their_own_beat() {
        let at = |millis| end_of_window(Timestamp::from_millis(millis), MINUTE).millis();
        assert_eq!(at(0), 60_000);
        assert_eq!(at(59_999), 60_000);
        assert_eq!(at(60_000), 120_000);
    }
}
