//! Timeline of an order, oldest first, over all tables.

use domain::ledger::EntryKind;
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

impl Event<'_> {
    /// Place among events of one instant: a transaction writes causes and effects with the same time.
    fn rank(&self) -> u8 {
        match self {
            Event::Ordered(_) => 0,
            Event::Done(_) | Event::Noted(_) => 1,
            Event::PaymentStarted(_) => 2,
            Event::Called(call) if is_about_refund(call) => 11,
            Event::Called(_) => 3,
            Event::Notification(notification) if notification.verdict.starts_with("refund") => 12,
            Event::Notification(_) => 4,
            Event::PaymentPaid(_) | Event::PaymentEnded(_) => 5,
            Event::OrderPaid(_) => 6,
            Event::OrderCancelled(..) => 7,
            Event::Raised(_) => 8,
            Event::RefundAsked(..) => 10,
            Event::RefundEnded(_) => 13,
            Event::Posted(_) => 14,
            Event::Resolved(_) => 15,
        }
    }

    /// Time that the gateway gave for what it reported. It writes whole seconds of its own clock, so the timeline is sorted by
    /// when it became known here.
    pub fn gateway_time(&self) -> Option<Timestamp> {
        match self {
            Event::PaymentPaid(payment) => payment.paid_at,
            Event::RefundEnded(refund) if refund.state == RefundState::Succeeded => refund.finished_at,
            _ => None,
        }
    }
}

fn is_about_refund(call: &GatewayCall) -> bool {
    matches!(call.operation, Operation::Refund | Operation::QueryRefund)
}

impl OrderFile {
    /// Oldest first, by when each event became known here; events of the same instant keep the order of cause and effect.
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
        events.extend(self.end_of_order());
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
        events.sort_by_key(|(at, event)| (*at, event.rank()));
        events
    }

    fn end_of_order(&self) -> Option<(Timestamp, Event<'_>)> {
        if self.order.state == OrderState::Cancelled {
            let by = self.requesters.get(self.order.id.as_str());
            return Some((self.order.updated_at, Event::OrderCancelled(&self.order, by)));
        }
        let paid_at = self.order.paid_at?;
        let settling = self.payments.iter().find(|payment| payment.settles);
        let at = settling.map_or(paid_at.max(self.order.created_at), |payment| {
            self.known_paid_at(payment, paid_at)
        });
        Some((at, Event::OrderPaid(&self.order)))
    }

    fn end_of_payment<'a>(&self, payment: &'a Payment) -> Option<(Timestamp, Event<'a>)> {
        if let Some(paid_at) = payment.paid_at {
            let at = self.known_paid_at(payment, paid_at);
            return Some((at, Event::PaymentPaid(payment)));
        }
        let is_ended = matches!(payment.state, PaymentState::Closed | PaymentState::Declined);
        is_ended.then_some((payment.updated_at, Event::PaymentEnded(payment)))
    }

    fn known_paid_at(&self, payment: &Payment, paid_at: Timestamp) -> Timestamp {
        let kinds = [EntryKind::Payment, EntryKind::Topup, EntryKind::Surplus];
        self.posted_at(payment.id.as_str(), &kinds)
            .unwrap_or(paid_at.max(payment.created_at))
    }

    /// Time of the posting that was written with a change, which is when the change became known here.
    fn posted_at(&self, reference: &str, kinds: &[EntryKind]) -> Option<Timestamp> {
        self.postings
            .iter()
            .find(|posting| posting.reference == reference && kinds.contains(&posting.kind))
            .map(|posting| posting.at)
    }

    fn events_of_refund<'a>(&'a self, refund: &'a Refund) -> Vec<(Timestamp, Event<'a>)> {
        let by = self.requesters.get(refund.id.as_str());
        let mut events = vec![(refund.created_at, Event::RefundAsked(refund, by))];
        let end = match refund.state {
            RefundState::Succeeded => EntryKind::Refund,
            RefundState::Failed => EntryKind::RefundFailed,
            RefundState::Requested | RefundState::Pending | RefundState::Stuck => return events,
        };
        let finished_at = refund.finished_at.map(|at| at.max(refund.created_at));
        if let Some(at) = self.posted_at(refund.id.as_str(), &[end]).or(finished_at) {
            events.push((at, Event::RefundEnded(refund)));
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
