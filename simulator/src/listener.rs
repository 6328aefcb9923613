//! Listener of one of the two addresses: it can refuse connections, and it can reset one.
//!
//! axum's own server always answers; a gateway that resets the connection, or is down, does not.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::dispatcher::Dispatcher;
use crate::faults::Host;
use crate::server;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Out of file descriptors, most likely: one of them comes back soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) host: Host,
    address: SocketAddr,
    socket: Mutex<Socket>,
    changed: Notify,
    /// The thread that reopens a listener may be outside the runtime.
    runtime: Handle,
}

#[derive(Debug)]
enum Socket {
    Listening(TcpListener),
    /// Bound, so that no other process gets the port, but not listening: connections are refused.
    /// None when the port could not be bound again.
    Held(Option<TcpSocket>),
}

impl Listener {
    pub(crate) async fn open(host: Host, listen: SocketAddr) -> io::Result<Listener> {
        let listener = TcpListener::bind(listen).await?;
        Ok(Listener {
            host,
            address: listener.local_addr()?,
            socket: Mutex::new(Socket::Listening(listener)),
            changed: Notify::new(),
            runtime: Handle::current(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn socket(&self) -> MutexGuard<'_, Socket> {
        self.socket.lock().expect("no change of a door panics")
    }

    /// Once this has returned, a new connection is refused, or is served again.
    pub(crate) fn set_shut(&self, shut: bool) {
        let mut socket = self.socket();
        match &mut *socket {
            Socket::Listening(_) if shut => {
                // The listener must be gone before its port can be bound.
                *socket = Socket::Held(None);
                *socket = Socket::Held(log_failure(self.address, bind_socket(self.address)));
            }
            Socket::Held(held) if !shut => {
                let _context = self.runtime.enter();
                let again = held.take().map_or_else(|| bind_socket(self.address), Ok);
                let again = again.and_then(|again| again.listen(BACKLOG));
                if let Some(listener) = log_failure(self.address, again) {
                    *socket = Socket::Listening(listener);
                }
                self.changed.notify_one();
            }
            Socket::Listening(_) | Socket::Held(_) => {}
        }
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|context| match &*self.socket() {
            Socket::Listening(listener) => listener.poll_accept(context),
            Socket::Held(_) => Poll::Pending,
        })
        .await
    }

    /// Serves until told to stop, then until all connections have ended.
    pub(crate) async fn serve(self: Arc<Listener>, dispatcher: Arc<Dispatcher>) {
        let mut guests = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let serve_connection = serve_connection(stream, peer, self.host, Arc::clone(&dispatcher));
                        drop(guests.spawn(serve_connection));
                    }
                    Err(error) => {
                        tracing::warn!("{} cannot accept: {error}", self.address);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                // The next round uses the new socket.
                () = self.changed.notified() => {}
                Some(_) = guests.join_next() => {}
                () = dispatcher.until_stopped() => break,
            }
        }
        while guests.join_next().await.is_some() {}
    }
}

fn bind_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // As a listener does: earlier connections may linger on this port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn log_failure<T>(address: SocketAddr, outcome: io::Result<T>) -> Option<T> {
    outcome
        .inspect_err(|error| tracing::error!("{address} cannot be bound again: {error}"))
        .ok()
}

/// Requests of one connection, until it ends, breaks, or the simulator stops.
async fn serve_connection(stream: TcpStream, peer: SocketAddr, host: Host, dispatcher: Arc<Dispatcher>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("small packets may be late: {error}");
    }
    let service = service_fn(|request| server::receive(Arc::clone(&dispatcher), host, peer.ip(), request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut stopping = false;
    let outcome = loop {
        tokio::select! {
            outcome = &mut connection => break outcome,
            () = dispatcher.until_stopped(), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if outcome.is_err_and(|error| error.is_user()) {
        // Closed without a shutdown, so that the peer's system reports a reset.
        let stream = connection.into_parts().io.into_inner();
        if let Err(error) = stream.set_zero_linger() {
            tracing::debug!("this connection ends politely: {error}");
        }
    }
}
