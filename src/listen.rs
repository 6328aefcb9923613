//! The accept loop. `axum::serve` has no deadline for request heads (300 half-sent requests stayed open for ever), so
//! connections are limited here: by time, by number, and by number per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::stop::Stop;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 10_000;
/// Not for private addresses: behind a reverse proxy everybody comes from one of them.
const MAX_CONNECTIONS_PER_ADDRESS: usize = 100;
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// After a failed `accept`, usually because file descriptors ran out: others have to end first.
const BREATH: Duration = Duration::from_millis(100);

/// The other end of the connection; handlers see the visitor instead when `TRUSTED_PROXIES` names who stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Serves until `stop`, then lets what is under way finish, for as long as `patience` allows.
pub async fn serve(listener: TcpListener, router: Router, stop: Stop, patience: Duration) {
    let graceful = GracefulShutdown::new();
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let guests = Guests::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.asked() => break,
            accepted = accept(&listener, &seats) => accepted,
        };
        let Some((stream, address, seat)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let Some(guest) = guests.admit(address) else {
            tracing::debug!(%address, "too many connections from one address");
            continue;
        };
        let watcher = graceful.watcher();
        let router = router.clone();
        tokio::spawn(async move {
            converse(stream, Peer(address.to_canonical()), router, watcher).await;
            drop((seat, guest));
        });
    }
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

async fn accept(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let seat = Arc::clone(seats).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address.ip(), seat)),
        Err(error) => {
            tracing::warn!(%error, "no connection could be accepted");
            None
        }
    }
}

/// HTTP/1 only: without TLS no browser speaks HTTP/2, and its floods stay outside.
async fn converse(stream: TcpStream, peer: Peer, router: Router, watcher: Watcher) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// How many connections each address holds.
#[derive(Debug, Clone, Default)]
struct Guests(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection; leaving is forgetting it.
#[derive(Debug)]
struct Guest {
    guests: Guests,
    address: IpAddr,
}

impl Guests {
    fn admit(&self, address: IpAddr) -> Option<Guest> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= MAX_CONNECTIONS_PER_ADDRESS && !is_private(address) {
            return None;
        }
        *count += 1;
        Some(Guest {
            guests: self.clone(),
            address,
        })
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_holds_a_hundred_connections_and_a_proxy_any_number() {
        let guests = Guests::default();
        let stranger: IpAddr = "203.0.113.7".parse().unwrap();
        let mut held: Vec<_> = (0..MAX_CONNECTIONS_PER_ADDRESS)
            .map(|_| guests.admit(stranger).unwrap())
            .collect();
        assert!(guests.admit(stranger).is_none());
        held.pop();
        assert!(guests.admit(stranger).is_some());
        let mut many = Vec::new();
        for proxy in ["::ffff:127.0.0.1", "::1", "10.0.0.2", "172.18.0.3", "fd00::1"] {
            let proxy: IpAddr = proxy.parse().unwrap();
            many.extend((0..200).map(|_| guests.admit(proxy)));
        }
        assert!(many.iter().all(Option::is_some));
        drop((held, many));
        assert!(guests.0.lock().unwrap().is_empty());
    }
}
