//! The outbox of notifications: schedules, attempts, receipts.

use serde::{Deserialize, Serialize};

use crate::books::{BookedNotification, Gateway};
use crate::faults::Endpoint;
use crate::time::{HOUR_MS, MINUTE_MS, SECOND_MS};

/// Pauses after each failed attempt (docs/gateway-facts.md 1.7).
const WECHAT_PAUSES_MS: [i64; 15] = [
    15 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    3 * MINUTE_MS,
    10 * MINUTE_MS,
    20 * MINUTE_MS,
    30 * MINUTE_MS,
    30 * MINUTE_MS,
    30 * MINUTE_MS,
    60 * MINUTE_MS,
    3 * HOUR_MS,
    3 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    6 * HOUR_MS,
];
/// Pauses after each failed attempt (docs/gateway-facts.md 2.6).
const ALIPAY_PAUSES_MS: [i64; 7] = [
    4 * MINUTE_MS,
    10 * MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    6 * HOUR_MS,
    15 * HOUR_MS,
];

/// Longest wait of a reordered notification to be overtaken.
pub(crate) const HELD_MS: i64 = 15 * SECOND_MS;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notification {
    pub(crate) id: String,
    pub(crate) out_trade_no: String,
    pub(crate) url: String,
    /// WeChat's event type or Alipay's trade status.
    pub(crate) about: String,
    pub(crate) created_ms: i64,
    pub(crate) content: Content,
    /// Fields that are sent and not signed.
    pub(crate) unsigned: Vec<String>,
}

impl Notification {
    /// Returns whether a number means this notification: the trade's means the payment's, the refund's its own.
    fn is_about(&self, number: &str) -> bool {
        self.content.refund_no().unwrap_or(&self.out_trade_no) == number
    }

    /// Endpoint for faults.
    pub(crate) fn endpoint(&self) -> Endpoint {
        let of_refund = match &self.content {
            Content::Wechat(_) => self.about.starts_with("REFUND."),
            // A `refund_fee` alone may be that of an ordinary payment, 0.00.
            Content::Alipay(fields) => fields
                .iter()
                .any(|(name, _)| matches!(name.as_str(), "gmt_refund" | "out_biz_no")),
        };
        if of_refund {
            Endpoint::RefundNotification
        } else {
            Endpoint::Notification
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    /// The plaintext of the resource.
    Wechat(serde_json::Value),
    /// Every field but `notify_time`, `charset` and the signature.
    Alipay(Vec<(String, String)>),
}

impl Content {
    /// Number of the refund. Alipay has notifications about trades only.
    fn refund_no(&self) -> Option<&str> {
        match self {
            Content::Wechat(plain) => plain.get("out_refund_no")?.as_str(),
            Content::Alipay(_) => None,
        }
    }

    pub(crate) fn gateway(&self) -> Gateway {
        match self {
            Content::Wechat(_) => Gateway::Wechat,
            Content::Alipay(_) => Gateway::Alipay,
        }
    }

    fn pauses(&self) -> &'static [i64] {
        match self {
            Content::Wechat(_) => &WECHAT_PAUSES_MS,
            Content::Alipay(_) => &ALIPAY_PAUSES_MS,
        }
    }
}

/// A notification and the progress of its delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QueuedNotification {
    notification: Notification,
    due_at_ms: Option<i64>,
    held: bool,
    #[serde(skip)]
    in_flight: bool,
    n_attempts: usize,
    acknowledged: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Vec<QueuedNotification>,
}

impl Outbox {
    pub(crate) fn send(&mut self, now_ms: i64, notification: Notification, delay_ms: i64, held: bool) {
        // This notification overtakes those that were held back.
        for queued in self.queue.iter_mut().filter(|queued| queued.held && !held) {
            queued.held = false;
            queued.due_at_ms = Some(now_ms + delay_ms + SECOND_MS);
        }
        self.queue.push(QueuedNotification {
            due_at_ms: Some(now_ms + delay_ms + if held { HELD_MS } else { 0 }),
            notification,
            held,
            in_flight: false,
            n_attempts: 0,
            acknowledged: false,
        });
    }

    /// Notifications worth keeping over a restart: of these trades, and undelivered or recent.
    pub(crate) fn to_save(&self, is_kept: impl Fn(&str) -> bool, since_ms: i64) -> Vec<&QueuedNotification> {
        let is_wanted = |queued: &&QueuedNotification| {
            is_kept(&queued.notification.out_trade_no)
                && (queued.due_at_ms.is_some() || queued.notification.created_ms >= since_ms)
        };
        self.queue.iter().filter(is_wanted).collect()
    }

    pub(crate) fn restore(queue: Vec<QueuedNotification>) -> Outbox {
        Outbox { queue }
    }

    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        self.queue
            .iter()
            .filter(|queued| !queued.in_flight)
            .filter_map(|queued| queued.due_at_ms)
            .min()
    }

    /// The merchant's number of the trade or refund.
    pub(crate) fn number_at(&self, place: usize) -> &str {
        &self.queue[place].notification.out_trade_no
    }

    pub(crate) fn any_in_flight(&self) -> bool {
        self.queue.iter().any(|queued| queued.in_flight)
    }

    /// Takes due notifications, earliest first; each is in flight until [`Outbox::attempted`].
    pub(crate) fn claim(&mut self, now_ms: i64) -> Vec<(usize, Notification)> {
        let mut due: Vec<(i64, usize)> = self
            .queue
            .iter()
            .enumerate()
            .filter(|(_, queued)| !queued.in_flight)
            .filter_map(|(place, queued)| Some((queued.due_at_ms.filter(|due| *due <= now_ms)?, place)))
            .collect();
        due.sort_unstable();
        due.into_iter()
            .map(|(_, place)| {
                let queued = &mut self.queue[place];
                queued.in_flight = true;
                queued.held = false;
                queued.n_attempts += 1;
                queued.due_at_ms = queued
                    .notification
                    .content
                    .pauses()
                    .get(queued.n_attempts - 1)
                    .map(|pause_ms| now_ms + pause_ms);
                (place, queued.notification.clone())
            })
            .collect()
    }

    pub(crate) fn attempted(&mut self, place: usize, received: bool) {
        let queued = &mut self.queue[place];
        queued.in_flight = false;
        if received {
            queued.acknowledged = true;
            queued.due_at_ms = None;
        }
    }

    /// Sends the newest notification of a trade once more, acknowledged or not.
    pub(crate) fn resend(&mut self, now_ms: i64, out_trade_no: &str) -> Result<(), String> {
        let newest = self
            .queue
            .iter_mut()
            .rev()
            .find(|queued| queued.notification.is_about(out_trade_no));
        let queued = newest.ok_or("no notice was ever sent about this number")?;
        queued.due_at_ms = Some(now_ms);
        Ok(())
    }

    pub(crate) fn newest(&self, out_trade_no: &str) -> Option<&Notification> {
        let newest = self
            .queue
            .iter()
            .rev()
            .find(|queued| queued.notification.is_about(out_trade_no));
        newest.map(|queued| &queued.notification)
    }

    pub(crate) fn book(&self) -> Vec<BookedNotification> {
        self.queue
            .iter()
            .map(|queued| BookedNotification {
                gateway: queued.notification.content.gateway(),
                id: queued.notification.id.clone(),
                out_trade_no: queued.notification.out_trade_no.clone(),
                url: queued.notification.url.clone(),
                about: queued.notification.about.clone(),
                n_attempts: queued.n_attempts,
                acknowledged: queued.acknowledged,
                due_at_ms: queued.due_at_ms,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schedules_last_a_day() {
        assert_eq!(WECHAT_PAUSES_MS.iter().sum::<i64>(), 24 * HOUR_MS + 4 * MINUTE_MS);
        assert_eq!(
            ALIPAY_PAUSES_MS.iter().sum::<i64>(),
            24 * HOUR_MS + 24 * MINUTE_MS
        );
    }
}
