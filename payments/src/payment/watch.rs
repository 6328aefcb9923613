//! Watchers of checkout pages: one follower reads for all viewers of an order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{OrderId, Payment, PaymentId, Timestamp, schedule};
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};

use crate::error::logged;
use crate::order::load_checkout;
use crate::store::payments;
use crate::{Checkout, Error, Services};

/// Polling interval while a page is open, because another server may receive the notification.
const BETWEEN_READS: Duration = Duration::from_secs(2);
/// Interval at which a viewer's presence is written, well before [`schedule::PRESENCE`] runs out.
const BETWEEN_SIGNS: Duration = Duration::from_secs(8);
/// All followers together read about two hundred times a second, however many orders are watched: with more orders each is
/// read less often. Changes in this process are announced at once all the same.
const SHARE_OF_READS: Duration = Duration::from_millis(5);
/// A woken job needs a moment for its query, and may be busy with others.
const AFTER_A_RING: Duration = Duration::from_millis(500);

const UNBROKEN: &str = "nothing panics while it holds the watchers";

/// Orders that are watched in this process.
#[derive(Debug, Clone, Default)]
pub struct Watchers {
    followed: Arc<Mutex<HashMap<OrderId, Followed>>>,
    signs: Arc<Mutex<Signs>>,
}

/// Times at which payments were last marked as watched: neither reloading a page nor opening it in many tabs is a write
/// each time.
#[derive(Debug, Default)]
struct Signs {
    at: HashMap<PaymentId, Timestamp>,
    pruned_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Followed {
    latest: watch::Sender<Option<Arc<Checkout>>>,
    changed: Arc<Notify>,
}

impl Watchers {
    /// Subscribes to an order: its current view and every change; `None` until the first read.
    ///
    /// While there is a receiver, the order's open payment is queried every few seconds.
    pub fn follow(&self, services: &Services, order_id: &OrderId) -> watch::Receiver<Option<Arc<Checkout>>> {
        let mut followed = self.followed.lock().expect(UNBROKEN);
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

    /// Announces that a change of the order was committed.
    pub(crate) fn changed(&self, order_id: &OrderId) {
        let followed = self.followed.lock().expect(UNBROKEN);
        if let Some(followed) = followed.get(order_id) {
            followed.changed.notify_one();
        }
    }

    /// Claims the write that marks the payment as watched, unless that was done a moment ago.
    fn claim_sign(&self, payment: &PaymentId, now: Timestamp) -> bool {
        let mut signs = self.signs.lock().expect(UNBROKEN);
        let is_recent = |at: &Timestamp| *at <= now && now.duration_since(*at) < BETWEEN_SIGNS;
        if !signs.pruned_at.as_ref().is_some_and(is_recent) {
            signs.at.retain(|_, at| is_recent(at));
            signs.pruned_at = Some(now);
        }
        if signs.at.get(payment).is_some_and(is_recent) {
            return false;
        }
        signs.at.insert(payment.clone(), now);
        true
    }

    /// Releases the claim after a failed write.
    fn give_back_sign(&self, payment: &PaymentId) {
        self.signs.lock().expect(UNBROKEN).at.remove(payment);
    }

    fn count(&self) -> usize {
        self.followed.lock().expect(UNBROKEN).len()
    }

    /// Forgets an order without viewers; returns whether it did.
    fn forget_unwatched(&self, order_id: &OrderId) -> bool {
        let mut followed = self.followed.lock().expect(UNBROKEN);
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
    loop {
        let pause = match read_checkout(&services, &order_id).await {
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
        let pause = stretch_pause(pause, services.watchers.count());
        tokio::select! {
            () = followed.changed.notified() => {}
            () = services.clock.sleep(pause) => {}
        }
        if services.watchers.forget_unwatched(&order_id) {
            return;
        }
    }
}

fn stretch_pause(pause: Duration, n_followed: usize) -> Duration {
    let n_followed = u32::try_from(n_followed).unwrap_or(u32::MAX);
    pause.max(SHARE_OF_READS.saturating_mul(n_followed))
}

/// Time until the next read: while a page is watched, a query is made when it is due, before the jobs' polling interval.
fn until_next_look(services: &Services, question: Option<Timestamp>) -> Duration {
    let Some(due_at) = question else {
        return BETWEEN_READS;
    };
    let now = services.clock.now();
    if due_at <= now {
        services.wake.ring_for_questions();
        return AFTER_A_RING;
    }
    BETWEEN_READS.min(due_at.duration_since(now))
}

/// Reads the order, and when the gateway is queried about it next.
async fn read_checkout(
    services: &Services,
    order_id: &OrderId,
) -> Result<(Checkout, Option<Timestamp>), Error> {
    let checkout = load_checkout(services, order_id).await?;
    if find_open(&checkout).is_none() {
        return Ok((checkout, None));
    }
    try_to_attend(services, &checkout).await;
    let question = services
        .db
        .read_one(|tx| async move { payments::next_question(tx, order_id).await }.boxed())
        .await?;
    Ok((checkout, question))
}

fn find_open(checkout: &Checkout) -> Option<&Payment> {
    checkout.payments.iter().find(|payment| payment.state.is_open())
}

/// Marks the order's page as watched, so that its open payment is queried soon and often. Viewing must work when nothing
/// can be written, so a failure is only logged; returns whether it was written.
pub async fn try_to_attend(services: &Services, checkout: &Checkout) -> bool {
    match mark_watched(services, checkout).await {
        Ok(()) => true,
        Err(error) => {
            let order_id = &checkout.order.id;
            tracing::warn!(order.id = %order_id, error = logged(&error), "the presence of a viewer of {order_id} was not recorded");
            false
        }
    }
}

/// Writes at most every few seconds.
async fn mark_watched(services: &Services, checkout: &Checkout) -> Result<(), Error> {
    let now = services.clock.now();
    let Some(open) = find_open(checkout) else {
        return Ok(());
    };
    if !services.watchers.claim_sign(&open.id, now) {
        return Ok(());
    }
    let soon = schedule::next_question(now, 0, true);
    let order_id = &checkout.order.id;
    let written = services
        .db
        .write_one(|tx| {
            async move { payments::mark_watched(tx, order_id, now + schedule::PRESENCE, soon, now).await }
                .boxed()
        })
        .await;
    if written.is_err() {
        services.watchers.give_back_sign(&open.id);
    }
    written.map_err(Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_views_within_seconds_are_one_write() {
        let watchers = Watchers::default();
        let opening = Timestamp::from_millis(1_795_485_600_000);
        let at = |millis| opening + Duration::from_millis(millis);
        let [one, other] = [[1; 10], [2; 10]].map(|dice| PaymentId::new(opening, dice));
        let n_signs = (0..1000).filter(|n| watchers.claim_sign(&one, at(n * 7))).count();
        assert_eq!(n_signs, 1);
        assert!(
            watchers.claim_sign(&other, at(0)),
            "another payment of the order is another matter"
        );
        assert!(watchers.claim_sign(&one, at(8000)));
        watchers.give_back_sign(&one);
        assert!(watchers.claim_sign(&one, at(8001)));
        assert!(watchers.claim_sign(&one, at(0)), "a clock that was set back");
        watchers.claim_sign(&one, at(60_000));
        assert_eq!(
            watchers.signs.lock().unwrap().at.len(),
            1,
            "old marks are forgotten"
        );
    }

    #[test]
    fn many_watchers_share_the_reads() {
        assert_eq!(stretch_pause(BETWEEN_READS, 1), BETWEEN_READS);
        assert_eq!(stretch_pause(AFTER_A_RING, 100), AFTER_A_RING);
        assert_eq!(stretch_pause(AFTER_A_RING, 4000), Duration::from_secs(20));
        assert_eq!(stretch_pause(BETWEEN_READS, usize::MAX).as_secs(), 21_474_836);
    }
}
