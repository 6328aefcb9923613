//! A transaction as one step of a simulation.
//!
//! SQLite has one writer, so two runs can differ only in what happens between two transactions; a transaction that runs to
//! its end within one poll leaves that choice to the simulation.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::faults::is_cut;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Yields to others, does all the work at once, and yields again before its caller continues.
///
/// At a cut ([`crate::faults::cut_after`]) it stops and never goes on; its caller is dropped.
pub async fn in_one_step<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    give_way().await;
    let value = std::future::poll_fn(|_| {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match work.as_mut().poll(&mut context) {
                Poll::Ready(value) => return Poll::Ready(value),
                Poll::Pending if is_cut() => return Poll::Pending,
                Poll::Pending => thread::park(),
            }
        }
    })
    .await;
    give_way().await;
    value
}

async fn give_way() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
