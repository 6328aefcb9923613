//! Timeline of an order, oldest first, over all tables.

use domain::{Order, OrderState, Payment, PaymentState, Refund, RefundState, Timestamp};

use super::attention::Incident;
use super::calls::GatewayCall;
use super::order_file::{KeptNotification, Note, OrderFile, Posting};
use super::{Action, AuditEntry, RequestedBy};
use crate::gateway::Operation;

/// One event with its cause.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    Ordered(&'a Order),
    OrderPaid(&'a Order),
    OrderCancelled(&'a Order, Option<&'a RequestedBy>),
    PaymentStarted(&'a Payment),
    PaymentPaid(&'a Payment),
    PaymentEnded(&'a Payment),
    Called(&'a GatewayCall),
    Notification(&'a KeptNotification),
    RefundAsked(&'a Refund, Option<&'a RequestedBy>),
    RefundEnded(&'a Refund),
    Raised(&'a Incident),
    Resolved(&'a Incident),
    Noted(&'a Note),
    Posted(&'a Posting),
    Done(&'a AuditEntry),
}

impl OrderFile {
    /// Oldest first. Events of the same instant keep the order of cause and effect.
    pub fn timeline(&self) -> Vec<(Timestamp, Event<'_>)> {
        let mut events = vec![(self.order.created_at, Event::Ordered(&self.order))];
        let payments = || self.payments.iter().rev();
        events.extend(payments().map(|payment| (payment.created_at, Event::PaymentStarted(payment))));
        events.extend(self.calls.iter().map(|call| (call.first_at, Event::Called(call))));
        events.extend(payments().filter_map(|payment| self.end_of_payment(payment)));
        events.extend(
            self.notifications
                .iter()
                .map(|notification| (notification.received_at, Event::Notification(notification))),
        );
        events.extend(self.incidents.iter().flat_map(events_of_incident));
        if let Some(paid_at) = self.order.paid_at {
            let settling = self.payments.iter().find(|payment| payment.settles);
            let payable_since = settling.map_or(self.order.created_at, |payment| self.payable_since(payment));
            events.push((paid_at.max(payable_since), Event::OrderPaid(&self.order)));
        }
        if self.order.state == OrderState::Cancelled {
            let by = self.requesters.get(self.order.id.as_str());
            events.push((self.order.updated_at, Event::OrderCancelled(&self.order, by)));
        }
        events.extend(
            self.refunds
                .iter()
                .rev()
                .flat_map(|refund| self.events_of_refund(refund)),
        );
        events.extend(
            self.postings
                .iter()
                .map(|posting| (posting.at, Event::Posted(posting))),
        );
        events.extend(
            self.notes
                .iter()
                .map(|note| (note.created_at, Event::Noted(note))),
        );
        // A note is shown with its text already.
        let is_shown = |line: &&AuditEntry| line.action != Action::WriteNote.as_str();
        events.extend(
            self.acts
                .iter()
                .filter(is_shown)
                .map(|line| (line.at, Event::Done(line))),
        );
        events.sort_by_key(|(at, _)| *at);
        events
    }

    /// Gateways write whole seconds; no payment can precede its create call.
    fn payable_since(&self, payment: &Payment) -> Timestamp {
        let number = payment.payment_no.as_str();
        self.calls
            .iter()
            .filter(|call| call.operation == Operation::Create && call.payment_no == number)
            .map(|call| call.first_at)
            .min()
            .map_or(payment.created_at, |told_at| told_at.max(payment.created_at))
    }

    fn end_of_payment<'a>(&self, payment: &'a Payment) -> Option<(Timestamp, Event<'a>)> {
        if let Some(paid_at) = payment.paid_at {
            let at = paid_at.max(self.payable_since(payment));
            return Some((at, Event::PaymentPaid(payment)));
        }
        let is_ended = matches!(payment.state, PaymentState::Closed | PaymentState::Declined);
        is_ended.then_some((payment.updated_at, Event::PaymentEnded(payment)))
    }

    fn events_of_refund<'a>(&'a self, refund: &'a Refund) -> Vec<(Timestamp, Event<'a>)> {
        let by = self.requesters.get(refund.id.as_str());
        let mut events = vec![(refund.created_at, Event::RefundAsked(refund, by))];
        if let Some(finished_at) = refund.finished_at
            && matches!(refund.state, RefundState::Succeeded | RefundState::Failed)
        {
            events.push((finished_at, Event::RefundEnded(refund)));
        }
        events
    }
}

fn events_of_incident(incident: &Incident) -> Vec<(Timestamp, Event<'_>)> {
    let mut events = vec![(incident.created_at, Event::Raised(incident))];
    if let Some(resolved_at) = incident.resolved_at {
        events.push((resolved_at, Event::Resolved(incident)));
    }
    events
}
