//! Who looks at a checkout page: one follower reads for all viewers of an order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{OrderId, PaymentId, Timestamp, schedule};
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};

use crate::error::logged;
use crate::order::load_checkout;
use crate::store::payments;
use crate::{Checkout, Error, Services};

/// Another server may have received the callback: the rows are read this often while somebody looks.
const BETWEEN_READS: Duration = Duration::from_secs(2);
/// A viewer's presence is written down this often, well before [`schedule::PRESENCE`] runs out.
const BETWEEN_SIGNS: Duration = Duration::from_secs(8);
/// Whoever was woken needs a moment to ask, and may be busy asking about others.
const AFTER_A_RING: Duration = Duration::from_millis(500);

/// The orders that are looked at in this process.
#[derive(Debug, Clone, Default)]
pub struct Watchers(Arc<Mutex<HashMap<OrderId, Followed>>>);

#[derive(Debug, Clone)]
struct Followed {
    latest: watch::Sender<Option<Arc<Checkout>>>,
    changed: Arc<Notify>,
}

impl Watchers {
    /// What the order looks like now and whenever it changes; `None` until the first read.
    ///
    /// While anybody holds a receiver, the order's open payment is asked about every few seconds.
    pub fn follow(&self, services: &Services, order_id: &OrderId) -> watch::Receiver<Option<Arc<Checkout>>> {
        let mut followed = self.0.lock().expect("nothing panics while it holds the watchers");
        if let Some(followed) = followed.get(order_id) {
            return followed.latest.subscribe();
        }
        let new = Followed {
            latest: watch::Sender::new(None),
            changed: Arc::new(Notify::new()),
        };
        let receiver = new.latest.subscribe();
        followed.insert(order_id.clone(), new.clone());
        tokio::spawn(read_for_viewers(services.clone(), order_id.clone(), new));
        receiver
    }

    /// Something about the order was committed.
    pub(crate) fn changed(&self, order_id: &OrderId) {
        let followed = self.0.lock().expect("nothing panics while it holds the watchers");
        if let Some(followed) = followed.get(order_id) {
            followed.changed.notify_one();
        }
    }

    /// Forgets an order that nobody looks at any more; says whether it did.
    fn forget_unwatched(&self, order_id: &OrderId) -> bool {
        let mut followed = self.0.lock().expect("nothing panics while it holds the watchers");
        let is_unwatched = followed
            .get(order_id)
            .is_none_or(|followed| followed.latest.receiver_count() == 0);
        if is_unwatched {
            followed.remove(order_id);
        }
        is_unwatched
    }
}

async fn read_for_viewers(services: Services, order_id: OrderId, followed: Followed) {
    let mut attended = None;
    loop {
        let pause = match read(&services, &order_id, &mut attended).await {
            Ok((checkout, question)) => {
                followed.latest.send_if_modified(|latest| {
                    let is_news = latest.as_deref() != Some(&checkout);
                    if is_news {
                        *latest = Some(Arc::new(checkout));
                    }
                    is_news
                });
                until_next_look(&services, question)
            }
            Err(error) => {
                tracing::warn!(order.id = %order_id, error = logged(&error), "{order_id} cannot be read for its viewers");
                BETWEEN_READS
            }
        };
        tokio::select! {
            () = followed.changed.notified() => {}
            () = services.clock.sleep(pause) => {}
        }
        if services.watchers.forget_unwatched(&order_id) {
            return;
        }
    }
}

/// The rhythm of the jobs is made for nobody in particular; somebody who looks has a question asked when it is due.
fn until_next_look(services: &Services, question: Option<Timestamp>) -> Duration {
    let Some(due_at) = question else {
        return BETWEEN_READS;
    };
    let now = services.clock.now();
    if due_at <= now {
        services.wake.ring_for_question();
        return AFTER_A_RING;
    }
    BETWEEN_READS.min(due_at.since(now))
}

/// The payment that was attended to, and when.
type Attended = Option<(PaymentId, Timestamp)>;

/// The order, and when the gateway is asked about it next.
async fn read(
    services: &Services,
    order_id: &OrderId,
    attended: &mut Attended,
) -> Result<(Checkout, Option<Timestamp>), Error> {
    let checkout = load_checkout(services, order_id).await?;
    let now = services.clock.now();
    let Some(open) = checkout.payments.iter().find(|payment| payment.state.is_open()) else {
        return Ok((checkout, None));
    };
    let is_attended = attended
        .as_ref()
        .is_some_and(|(id, at)| *id == open.id && now.since(*at) < BETWEEN_SIGNS);
    if !is_attended {
        attend(services, order_id).await?;
        *attended = Some((open.id.clone(), now));
    }
    let question = services
        .db
        .snapshot(|tx| async move { payments::next_question(tx, order_id).await }.boxed())
        .await
        .map_err(Error::Internal)?;
    Ok((checkout, question))
}

/// Somebody looks at the order's page: its open payment is asked about soon and often.
pub async fn attend(services: &Services, order_id: &OrderId) -> Result<(), Error> {
    let now = services.clock.now();
    let soon = schedule::next_question(now, 0, true);
    services
        .db
        .write(|tx| {
            async move { payments::attend(tx, order_id, now.after(schedule::PRESENCE), soon, now).await }
                .boxed()
        })
        .await
        .map_err(Error::Internal)
}
