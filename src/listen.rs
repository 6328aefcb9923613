//! The accept loop. `axum::serve` has no deadline for request heads (300 half-sent requests stayed open for ever), so
//! connections are limited here: by time, by number, and by number per address.

mod bodies;
mod patient;
mod seats;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use self::bodies::{AnswerBody, RequestBody};
use self::patient::PatientStream;
use self::seats::{Phase, Seat, Seats};
use crate::api_limits::network_of;
use crate::proxies::Proxies;
use crate::stop::Stop;

/// Deadline of a request's head, and of an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Deadline for a client to read any byte of its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bounded so that thousands of half-sent heads do not fill the memory.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Pause after a failed `accept`, usually for want of file descriptors: others have to close first.
const BREATH: Duration = Duration::from_millis(100);
/// Connections that the system queues until they are accepted. With a short queue a burst costs clients a second: the system
/// drops their first packet.
const BACKLOG: u32 = 4096;
/// Send buffer in bytes (Linux doubles it). By default the system would hold 4 MB of unread answers for each of thousands
/// of connections, and the write deadline would begin only after them.
const SEND_BUFFER: u32 = 64 * 1024;
/// Bytes of an answer that the system takes before it has sent them. More of them would only wait there for a slow client:
/// what is on its way is not counted, so a fast one is not slowed down.
const UNSENT_BYTES: u32 = 16 * 1024;

/// Address of the other end of the connection; behind `TRUSTED_PROXIES` handlers see the visitor's address instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Marks a request that came when all seats were taken: only paths with a reserved seat are served.
#[derive(Debug, Clone, Copy)]
pub struct Crowded;

/// Limits of a listener.
#[derive(Debug, Clone)]
pub struct Limits {
    pub max_connections: usize,
    pub proxies: Proxies,
    /// Returns whether a path is served from the reserved seats.
    pub has_reserved_seat: fn(&str) -> bool,
}

impl Limits {
    /// Limits of a listener that one program calls: metrics, and the demo shop.
    pub fn of_one_client() -> Limits {
        Limits {
            max_connections: 64,
            proxies: Proxies::default(),
            has_reserved_seat: |_| false,
        }
    }
}

pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit both.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop`, then lets running requests finish for up to `patience`.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: Stop, patience: Duration) {
    let graceful = GracefulShutdown::new();
    let seats = Seats::new(limits.max_connections);
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.asked() => break,
            accepted = accept_connection(&listener, &seats) => accepted,
        };
        let Some((stream, address)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let is_shared = is_private(address) || limits.proxies.trusts(address);
        let Some(seat) = seats.take(network_of(address.to_canonical()), is_shared) else {
            tracing::debug!(%address, "too many connections from one address");
            continue;
        };
        let guest = Guest {
            peer: Peer(address.to_canonical()),
            seat,
            router: router.clone(),
            has_reserved_seat: limits.has_reserved_seat,
        };
        tokio::spawn(guest.serve_connection(stream, graceful.watcher()));
    }
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

async fn accept_connection(listener: &TcpListener, seats: &Seats) -> Option<(TcpStream, IpAddr)> {
    seats.wait_for_room().await;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address.ip())),
        Err(error) => {
            tracing::warn!(%error, "no connection could be accepted");
            seats.shrink();
            None
        }
    }
}

/// One connection.
struct Guest {
    peer: Peer,
    seat: Seat,
    router: Router,
    has_reserved_seat: fn(&str) -> bool,
}

impl Guest {
    /// Serves HTTP/1 only: browsers use HTTP/2 only over TLS, and HTTP/2 floods are excluded.
    async fn serve_connection(self, stream: TcpStream, watcher: Watcher) {
        let Ok(()) = prepare_stream(&stream) else { return };
        let (peer, has_reserved_seat) = (self.peer, self.has_reserved_seat);
        let router = TowerToHyperService::new(self.router);
        let occupant = Arc::clone(self.seat.occupant());
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let is_reserved = has_reserved_seat(request.uri().path());
            occupant.enter(Phase::Working);
            let body_occupant = Arc::clone(&occupant);
            let mut request =
                request.map(|body| Body::new(RequestBody::new(body, body_occupant, is_reserved)));
            request.extensions_mut().insert(peer);
            if occupant.is_crowded() && !is_reserved {
                request.extensions_mut().insert(Crowded);
            }
            let answering = router.call(request);
            let occupant = Arc::clone(&occupant);
            async move {
                let answer = answering.await?;
                occupant.enter(phase_of(&answer));
                Ok::<_, std::convert::Infallible>(answer.map(|body| AnswerBody::new(body, occupant)))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(PatientStream::new(stream, WRITE_TIMEOUT)), service);
        let ended = tokio::select! {
            biased;
            () = self.seat.must_end() => {
                tracing::debug!("a slow connection was closed in favour of another one");
                return;
            }
            ended = watcher.watch(connection) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

fn phase_of(answer: &hyper::Response<Body>) -> Phase {
    let is_stream = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == HeaderValue::from_static("text/event-stream"));
    if is_stream {
        Phase::Streaming
    } else {
        Phase::Answering
    }
}

fn prepare_stream(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    // For answers that the system buffered and the peer does not acknowledge: an event stream writes too little to block.
    #[cfg(target_os = "linux")]
    rustix::net::sockopt::set_tcp_user_timeout(
        stream,
        u32::try_from(WRITE_TIMEOUT.as_millis()).unwrap_or(u32::MAX),
    )?;
    Ok(())
}

/// Returns whether many visitors may share an address: loopback and private networks, where reverse proxies are.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn accepted_connections_keep_few_bytes_for_a_client_that_reads_nothing() {
        let listener = bind((IpAddr::from([127, 0, 0, 1]), 0).into()).unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, _client) = tokio::join!(listener.accept(), connecting);
        let stream = accepted.unwrap().0;
        let socket = socket2::SockRef::from(&stream);
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), UNSENT_BYTES);
        assert_eq!(
            socket.send_buffer_size().unwrap(),
            2 * usize::try_from(SEND_BUFFER).unwrap()
        );
    }

    #[test]
    fn proxies_stand_on_this_machine_or_in_private_networks() {
        for address in ["::ffff:127.0.0.1", "::1", "10.0.0.2", "172.18.0.3", "fd00::1"] {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in ["203.0.113.7", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
    }
}
