//! Bodies that tell the connection's seat which phase it is in.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};

use super::seats::{Occupant, Phase};
use crate::http::body::API_BYTES;

/// The body of a request that is still arriving.
#[derive(Debug)]
pub struct RequestBody {
    body: Incoming,
    occupant: Arc<Occupant>,
    /// Phase of the seat while the body is incomplete.
    phase: Phase,
    n_received: usize,
    n_held: usize,
}

/// The body of an answer; dropping it means waiting for the client's next request.
#[derive(Debug)]
pub struct AnswerBody {
    body: Body,
    occupant: Arc<Occupant>,
}

impl RequestBody {
    pub fn new(body: Incoming, occupant: Arc<Occupant>, has_reserved_seat: bool) -> RequestBody {
        let phase = if has_reserved_seat {
            Phase::ReservedBody
        } else {
            Phase::Body
        };
        RequestBody {
            body,
            occupant,
            phase,
            n_received: 0,
            n_held: 0,
        }
    }

    /// Counts received bytes up to the limit; beyond it handlers discard the whole body.
    fn receive(&mut self, n_bytes: usize) {
        self.n_received += n_bytes;
        if self.n_received <= API_BYTES {
            self.n_held += n_bytes;
            self.occupant.hold_bytes(n_bytes);
        } else {
            self.release();
        }
    }

    fn release(&mut self) {
        self.occupant.release_bytes(std::mem::take(&mut self.n_held));
    }

    fn finish(&mut self) {
        self.release();
        self.occupant.move_on(self.phase, Phase::Working);
    }
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            // The phase starts at the first missing byte: a dripping body must not restart it.
            Poll::Pending => self.occupant.move_on(Phase::Working, self.phase),
            Poll::Ready(Some(Ok(frame))) => {
                let n_bytes = frame.data_ref().map_or(0, Bytes::len);
                self.receive(n_bytes);
            }
            Poll::Ready(Some(Err(_)) | None) => self.finish(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.finish();
    }
}

impl AnswerBody {
    pub fn new(body: Body, occupant: Arc<Occupant>) -> AnswerBody {
        AnswerBody { body, occupant }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.occupant.enter(Phase::Head);
    }
}
