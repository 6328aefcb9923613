//! Types of events: the changes that a merchant's program is told of.

crate::words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum EventType {
        OrderCreated => "order.created",
        OrderPaid => "order.paid",
        OrderCancelled => "order.cancelled",
        OrderPartiallyRefunded => "order.partially_refunded",
        OrderRefunded => "order.refunded",
        PaymentProcessing => "payment.processing",
        PaymentSucceeded => "payment.succeeded",
        PaymentFailed => "payment.failed",
        PaymentCancelled => "payment.cancelled",
        RefundCreated => "refund.created",
        RefundSucceeded => "refund.succeeded",
        RefundFailed => "refund.failed",
        RefundNeedsAttention => "refund.needs_attention",
        BalanceChanged => "balance.changed",
        IncidentOpened => "incident.opened",
        ReconciliationFinished => "reconciliation.finished",
        Ping => "ping",
    }
}

impl EventType {
    /// Place among the events of one transaction: a cause before what follows from it.
    pub const fn rank(self) -> u8 {
        match self {
            EventType::PaymentProcessing
            | EventType::PaymentSucceeded
            | EventType::PaymentFailed
            | EventType::PaymentCancelled => 0,
            EventType::RefundCreated
            | EventType::RefundSucceeded
            | EventType::RefundFailed
            | EventType::RefundNeedsAttention => 1,
            EventType::OrderCreated
            | EventType::OrderPaid
            | EventType::OrderCancelled
            | EventType::OrderPartiallyRefunded
            | EventType::OrderRefunded => 2,
            EventType::BalanceChanged => 3,
            EventType::IncidentOpened | EventType::ReconciliationFinished | EventType::Ping => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_word_of_its_own() {
        for kind in EventType::ALL {
            assert_eq!(EventType::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventType::parse("order.exploded"), None);
    }
}
