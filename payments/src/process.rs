//! This server among those that share its database: the holder of its leases, and the release of dead servers' leases.
//!
//! An embedded database has one server, ensured by a lock on the file: all leases at its start are a dead server's. On
//! PostgreSQL each server updates a heartbeat, and the others see when it stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Timestamp, schedule};
use futures_util::FutureExt;

use crate::store::servers::{self, ServerRow};
use crate::store::{
    Db, StoreError, Tx, deliveries, due_times, incidents, orders, payments, reconciliations, refunds,
    shipping_uploads,
};
use crate::{Clock, Error, Services};

/// A server without a heartbeat for this long is dead: four heartbeats, each of which a busy database may delay.
const DEAD_AFTER: Duration = Duration::from_secs(8);
/// A server that has not checked for this long was suspended itself, and learns the heartbeats anew before it judges
/// others.
const LOOKS_APART: Duration = Duration::from_secs(5);
/// A smaller setback of the clock is waited out.
const LEAST_SETBACK: Duration = Duration::from_secs(30);

/// Identity of a running server, and the heartbeats that it has seen of the others; cheap to clone.
#[derive(Debug, Clone)]
pub struct Process(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    peers: Mutex<Peers>,
    /// Wall clock and monotonic clock at the last check.
    times: Mutex<Option<(Timestamp, Duration)>>,
}

#[derive(Debug, Default)]
struct Peers {
    looked_at: Option<Duration>,
    counts: HashMap<String, Beat>,
}

#[derive(Debug, Clone, Copy)]
struct Beat {
    n: i64,
    /// First observation of this value, by this server's monotonic clock.
    since: Duration,
}

impl Process {
    pub fn new(clock: &Clock) -> Process {
        Process(Arc::new(Inner {
            id: clock.nonce(),
            peers: Mutex::default(),
            times: Mutex::default(),
        }))
    }

    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Subject of an incident that is about this server only.
    pub(crate) fn sign(&self, subject: &str) -> String {
        format!("{subject} {}", signature_of(&self.0.id))
    }

    pub(crate) fn has_signed(&self, subject: &str) -> bool {
        subject.ends_with(signature_of(&self.0.id))
    }

    /// Setback of the wall clock since the last check.
    fn measure_setback(&self, clock: &Clock) -> Duration {
        let (now, monotonic) = (clock.now(), clock.monotonic());
        let mut times = self
            .0
            .times
            .lock()
            .expect("nothing panics while it holds the times");
        let Some((wall_before, monotonic_before)) = times.replace((now, monotonic)) else {
            return Duration::ZERO;
        };
        let expected = wall_before + monotonic.saturating_sub(monotonic_before);
        let setback = expected.duration_since(now);
        if setback > LEAST_SETBACK {
            setback
        } else {
            Duration::ZERO
        }
    }

    fn find_dead(&self, now: Duration, others: &[ServerRow]) -> Vec<String> {
        let mut peers = self
            .0
            .peers
            .lock()
            .expect("nothing panics while it holds the peers");
        peers.find_dead(now, others)
    }
}

/// First characters of a server's id: enough to tell the servers of one database apart.
fn signature_of(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

impl Peers {
    fn find_dead(&mut self, now: Duration, others: &[ServerRow]) -> Vec<String> {
        let was_away = self
            .looked_at
            .is_none_or(|at| now.saturating_sub(at) > LOOKS_APART);
        self.looked_at = Some(now);
        self.counts
            .retain(|id, _| others.iter().any(|other| other.id == *id));
        let mut dead = Vec::new();
        for other in others {
            let seen = Beat {
                n: other.beat,
                since: now,
            };
            let beat = self.counts.entry(other.id.clone()).or_insert(seen);
            if was_away || beat.n != other.beat {
                *beat = seen;
            } else if now.saturating_sub(beat.since) >= DEAD_AFTER {
                dead.push(other.id.clone());
            }
        }
        dead
    }
}

/// Announces this server. On an embedded database it releases all leases. When there is no other server, it makes every open
/// payment due, because notifications may have been missed meanwhile.
pub async fn enter_service(services: &Services) -> Result<(), Error> {
    let is_embedded = is_embedded(services);
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                if is_embedded {
                    release_leases(tx, None, now).await?;
                    incidents::settle_of_server(tx, None, now).await?;
                    return payments::claims::hasten_open(tx, now).await;
                }
                servers::beat(tx, services.process.id(), now).await?;
                if servers::list_others(tx, services.process.id()).await?.is_empty() {
                    payments::claims::hasten_open(tx, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await?;
    services.wake.ring();
    Ok(())
}

/// Updates the heartbeat, and releases the leases of dead servers. Returns how many there were.
pub async fn beat(services: &Services) -> Result<usize, Error> {
    if is_embedded(services) {
        return Ok(0);
    }
    let now = services.clock.now();
    let others = services
        .db
        .write(|tx| {
            async move {
                servers::beat(tx, services.process.id(), now).await?;
                servers::list_others(tx, services.process.id()).await
            }
            .boxed()
        })
        .await?;
    let dead = &services.process.find_dead(services.clock.monotonic(), &others);
    if dead.is_empty() {
        return Ok(0);
    }
    tracing::warn!(servers = ?dead, "taking up the work of {} servers that have died", dead.len());
    services
        .db
        .write(|tx| {
            async move {
                for id in dead {
                    release_leases(tx, Some(id), now).await?;
                    incidents::settle_of_server(tx, Some(signature_of(id)), now).await?;
                    servers::remove(tx, id).await?;
                }
                payments::claims::hasten_open(tx, now).await
            }
            .boxed()
        })
        .await?;
    services.wake.ring();
    Ok(dead.len())
}

/// Releases this server's leases at a clean stop.
pub async fn leave_service(services: &Services) -> Result<(), Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let id = services.process.id();
                release_leases(tx, Some(id), now).await?;
                incidents::settle_of_server(tx, Some(signature_of(id)), now).await?;
                servers::remove(tx, id).await
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Repairs due times after the clock was set back: shifts them by the setback that this server has measured; and makes due
/// what waits longer than its longest step, in case the clock was set back unnoticed.
pub async fn mend_times(services: &Services) -> Result<usize, Error> {
    let now = services.clock.now();
    let setback = services.process.measure_setback(&services.clock);
    let latest = |longest: Duration| now + (longest + schedule::CLOCK_SLACK);
    let n_mended = services
        .db
        .write(|tx| {
            async move {
                if !setback.is_zero() {
                    return due_times::shift_back(tx, setback, now).await;
                }
                let open = latest(schedule::LONGEST_QUESTION_STEP);
                let ended = latest(schedule::LONGEST_AFTERCARE_STEP);
                let n_payments = payments::claims::mend_due(tx, open, ended, now).await?;
                let first = latest(schedule::LONGEST_REFUND_STEP);
                let renewed = latest(schedule::LONGEST_RENEWAL_STEP);
                let n_refunds = refunds::claims::mend_due(tx, first, renewed, now).await?;
                let delivery = latest(schedule::LONGEST_WEBHOOK_STEP);
                let n_deliveries = deliveries::mend_due(tx, delivery, now).await?;
                let upload = latest(schedule::LONGEST_SHIPPING_STEP);
                let n_uploads = shipping_uploads::mend_due(tx, upload, now).await?;
                Ok(n_payments + n_refunds + n_uploads + n_deliveries)
            }
            .boxed()
        })
        .await?;
    if n_mended > 0 {
        tracing::warn!(
            n_mended,
            "{n_mended} rows were due too late: has the clock been put back?"
        );
        services.wake.ring();
    }
    Ok(usize::try_from(n_mended).unwrap_or(usize::MAX))
}

fn is_embedded(services: &Services) -> bool {
    matches!(services.db, Db::Sqlite(_))
}

/// Releases the leases of one holder, or all.
async fn release_leases(tx: &mut Tx<'_>, holder: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    payments::claims::release(tx, holder).await?;
    payments::claims::release_calls(tx, holder).await?;
    orders::release(tx, holder).await?;
    refunds::claims::release(tx, holder).await?;
    reconciliations::release(tx, holder).await?;
    shipping_uploads::release(tx, holder).await?;
    deliveries::release(tx, holder, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(counts: &[(&str, i64)]) -> Vec<ServerRow> {
        counts
            .iter()
            .map(|(id, beat)| ServerRow {
                id: (*id).to_owned(),
                beat: *beat,
            })
            .collect()
    }

    fn find_dead(peers: &mut Peers, second: u64, counts: &[(&str, i64)]) -> Vec<String> {
        peers.find_dead(Duration::from_secs(second), &rows(counts))
    }

    #[test]
    fn a_server_without_a_heartbeat_is_dead() {
        let mut peers = Peers::default();
        for second in [0, 2, 4, 6] {
            let n = i64::try_from(second).unwrap();
            assert!(find_dead(&mut peers, second, &[("a", 7), ("b", n)]).is_empty());
        }
        assert_eq!(find_dead(&mut peers, 8, &[("a", 7), ("b", 8)]), ["a"]);
        assert!(
            find_dead(&mut peers, 10, &[("a", 8), ("b", 9)]).is_empty(),
            "it lives"
        );
    }

    #[test]
    fn a_suspended_server_declares_no_other_dead() {
        let mut peers = Peers::default();
        assert!(find_dead(&mut peers, 0, &[("a", 1)]).is_empty());
        assert!(find_dead(&mut peers, 60, &[("a", 1)]).is_empty());
        assert!(find_dead(&mut peers, 64, &[("a", 1)]).is_empty());
        assert_eq!(find_dead(&mut peers, 68, &[("a", 1)]), ["a"]);
    }
}
