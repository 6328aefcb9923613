//! Inbox of the demo shop: the newest webhooks that it was sent since the server started.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use domain::{EventType, Money, Timestamp};

use crate::i18n::Words;

/// Messages that are kept.
const MAX_MESSAGES: usize = 8;
const UNBROKEN: &str = "nothing panics while it holds the inbox";

/// Types that the shop has subscribed to.
pub const SUBSCRIBED: [EventType; 5] = [
    EventType::PaymentSucceeded,
    EventType::OrderPaid,
    EventType::OrderCancelled,
    EventType::OrderPartiallyRefunded,
    EventType::OrderRefunded,
];

/// A webhook with a good signature about an order of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub event_id: String,
    pub kind: EventType,
    /// Number of the order or payment.
    pub number: String,
    pub amount: Money,
    pub received_at: Timestamp,
}

/// Newest messages; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    messages: VecDeque<Message>,
    n_refused: usize,
}

impl Inbox {
    /// Adds a message; one that came before is known by the id of its event and changes nothing.
    pub fn add(&self, message: Message) {
        let mut content = self.0.lock().expect(UNBROKEN);
        let is_known = |known: &Message| known.event_id == message.event_id;
        if content.messages.iter().any(is_known) {
            return;
        }
        content.messages.push_front(message);
        content.messages.truncate(MAX_MESSAGES);
    }

    /// Counts a message that was not believed.
    pub fn count_refused(&self) {
        self.0.lock().expect(UNBROKEN).n_refused += 1;
    }

    /// Newest first.
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().expect(UNBROKEN).messages.iter().cloned().collect()
    }

    pub fn n_refused(&self) -> usize {
        self.0.lock().expect(UNBROKEN).n_refused
    }
}

impl Message {
    /// Names what has happened; only subscribed types have a text of their own.
    pub fn title(&self, words: &Words) -> &'static str {
        match self.kind {
            EventType::PaymentSucceeded => words.told_payment_succeeded,
            EventType::OrderPaid => words.told_order_paid,
            EventType::OrderCancelled => words.told_order_cancelled,
            EventType::OrderPartiallyRefunded | EventType::OrderRefunded => words.told_order_refunded,
            other => other.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;

    fn message(n: usize) -> Message {
        Message {
            event_id: format!("evt_{n}"),
            kind: EventType::OrderPaid,
            number: format!("O{n}"),
            amount: Money::from_fen(990).unwrap(),
            received_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn the_newest_messages_are_kept_each_once() {
        let inbox = Inbox::default();
        for n in 0..20 {
            inbox.add(message(n));
            inbox.add(message(n));
        }
        let kept: Vec<String> = inbox.messages().into_iter().map(|known| known.number).collect();
        let newest: Vec<String> = (12..20).rev().map(|n| format!("O{n}")).collect();
        assert_eq!(kept, newest);
        inbox.count_refused();
        assert_eq!(inbox.n_refused(), 1);
    }

    #[test]
    fn every_subscribed_type_has_a_text() {
        for kind in SUBSCRIBED {
            let message = Message { kind, ..message(1) };
            for language in Language::ALL {
                assert_ne!(message.title(language.words()), kind.as_str());
            }
        }
    }
}
