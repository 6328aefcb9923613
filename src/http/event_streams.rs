//! The limit of open event streams, per order and per visitor. One more ends the oldest, whose browser reconnects later or
//! polls instead.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::OrderId;
use tokio::sync::Notify;

use crate::api_limits::network_of;
use crate::listen::is_private;

/// One order may be open in several tabs and on several devices.
const MAX_PER_ORDER: usize = 10;
/// A school or an office may stand behind one address.
const MAX_PER_VISITOR: usize = 100;

#[derive(Debug, Clone)]
pub struct EventStreams {
    /// Lifetime of a stream; its browser then opens another one.
    pub life: Duration,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    by_id: BTreeMap<u64, Entry>,
    /// Ids of the streams, the oldest first.
    by_order: HashMap<OrderId, BTreeSet<u64>>,
    by_visitor: HashMap<IpAddr, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Entry {
    order_id: OrderId,
    visitor: Option<IpAddr>,
    ending: Arc<Notify>,
}

/// One open stream; dropping it is closing it.
#[derive(Debug)]
pub struct OpenStream {
    id: u64,
    ending: Arc<Notify>,
    streams: EventStreams,
}

impl EventStreams {
    pub fn new(life: Duration) -> EventStreams {
        EventStreams {
            life,
            open: Arc::default(),
        }
    }

    /// Opens a stream. `visitor` is not counted when it is a private address, which may be an undeclared reverse proxy.
    pub fn open(&self, order_id: &OrderId, visitor: Option<IpAddr>) -> OpenStream {
        let visitor = visitor.filter(|address| !is_private(*address)).map(network_of);
        let ending = Arc::new(Notify::new());
        let mut open = self.lock();
        let id = open.next_id;
        open.next_id += 1;
        open.end_oldest(order_id, visitor);
        open.by_order.entry(order_id.clone()).or_default().insert(id);
        if let Some(visitor) = visitor {
            open.by_visitor.entry(visitor).or_default().insert(id);
        }
        let entry = Entry {
            order_id: order_id.clone(),
            visitor,
            ending: Arc::clone(&ending),
        };
        open.by_id.insert(id, entry);
        OpenStream {
            id,
            ending,
            streams: self.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Ends the oldest stream where a limit is exceeded.
    fn end_oldest(&mut self, order_id: &OrderId, visitor: Option<IpAddr>) {
        let of_order = oldest_above(&self.by_order, order_id, MAX_PER_ORDER);
        let of_visitor =
            visitor.and_then(|visitor| oldest_above(&self.by_visitor, &visitor, MAX_PER_VISITOR));
        for id in [of_order, of_visitor].into_iter().flatten() {
            if let Some(entry) = self.forget(id) {
                entry.ending.notify_one();
            }
        }
    }

    fn forget(&mut self, id: u64) -> Option<Entry> {
        let entry = self.by_id.remove(&id)?;
        forget_in(&mut self.by_order, &entry.order_id, id);
        if let Some(visitor) = &entry.visitor {
            forget_in(&mut self.by_visitor, visitor, id);
        }
        Some(entry)
    }
}

fn oldest_above<K: Eq + Hash>(by: &HashMap<K, BTreeSet<u64>>, key: &K, n_max: usize) -> Option<u64> {
    by.get(key).filter(|ids| ids.len() >= n_max)?.first().copied()
}

fn forget_in<K: Eq + Hash>(by: &mut HashMap<K, BTreeSet<u64>>, key: &K, id: u64) {
    if let Some(ids) = by.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            by.remove(key);
        }
    }
}

impl OpenStream {
    /// Returns when the stream must end in favour of newer ones.
    pub async fn must_end(&self) {
        self.ending.notified().await;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.lock().forget(self.id);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn order(n: usize) -> OrderId {
        OrderId::parse(&format!("ord_{n:026}")).unwrap()
    }

    fn is_told_to_end(stream: &OpenStream) -> bool {
        stream.must_end().now_or_never().is_some()
    }

    #[test]
    fn one_more_stream_of_an_order_ends_the_oldest() {
        let streams = EventStreams::new(Duration::from_secs(1));
        let open: Vec<OpenStream> = (0..=MAX_PER_ORDER)
            .map(|_| streams.open(&order(1), None))
            .collect();
        let other = streams.open(&order(2), None);
        assert!(is_told_to_end(&open[0]));
        assert!(!open[1..].iter().any(is_told_to_end) && !is_told_to_end(&other));
        drop((open, other));
        let open = streams.lock();
        assert!(open.by_id.is_empty() && open.by_order.is_empty() && open.by_visitor.is_empty());
    }

    #[test]
    fn a_visitor_has_a_hundred_streams_and_a_proxy_any_number() {
        let streams = EventStreams::new(Duration::from_secs(1));
        let visitor = |text: &str| Some(text.parse().unwrap());
        let see = |n: usize, address: &str| streams.open(&order(n), visitor(address));
        let neighbours: Vec<OpenStream> = (0..=MAX_PER_VISITOR)
            .map(|n| see(n, &format!("2001:db8::{n:x}")))
            .collect();
        assert!(is_told_to_end(&neighbours[0]) && !is_told_to_end(&neighbours[1]));
        let inside: Vec<OpenStream> = (0..500).map(|n| see(n, "10.0.0.1")).collect();
        assert!(!inside.iter().any(is_told_to_end));
    }
}
