//! Events: which change of which object a merchant's program is told of, and with which words.
//!
//! The functions of the store that change a state hand the changed object to one of these functions, and the transaction
//! writes what they return before its commit ([`crate::store::Tx::record_event`]). So no change of a state can be committed
//! without its event.

use aws_lc_rs::digest::{SHA256, digest};
use domain::{
    EndpointId, EventId, EventType, Order, OrderId, OrderStatus, Payment, PaymentState, Refund, RefundState,
    Timestamp,
};
use serde::Serialize;

use crate::model::balance::Entry;
use crate::model::event::NewEvent;
use crate::model::incident::OpenedIncident;
use crate::views::{
    EntryOfUserView, IncidentView, OrderView, PaymentOwner, PaymentView, ReconciliationView, RefundView,
};

/// Base of the addresses in stored events: the server that tells an event puts its own before them.
pub(crate) const NO_BASE: &str = "";

/// A new order.
pub(crate) fn order_created(order: &Order) -> NewEvent {
    let mut event = new_event(
        EventType::OrderCreated,
        order.id.as_str(),
        order.created_at,
        "created",
        &OrderView::new(order, NO_BASE),
    );
    event.order_id = Some(order.id.to_string());
    event
}

/// An order whose state, or the sum that is back with its payer, has just changed.
pub(crate) fn order_changed(order: &Order) -> Option<NewEvent> {
    let kind = match order.status() {
        OrderStatus::Pending => return None,
        OrderStatus::Paid => EventType::OrderPaid,
        OrderStatus::Cancelled => EventType::OrderCancelled,
        OrderStatus::PartiallyRefunded => EventType::OrderPartiallyRefunded,
        OrderStatus::Refunded => EventType::OrderRefunded,
    };
    let change = format!("{} {}", order.version, order.refunded.fen());
    let view = OrderView::new(order, NO_BASE);
    let mut event = new_event(kind, order.id.as_str(), order.updated_at, &change, &view);
    event.order_id = Some(order.id.to_string());
    Some(event)
}

/// A payment whose state has just changed.
pub(crate) fn payment_changed(payment: &Payment, order: &Order) -> Option<NewEvent> {
    let kind = match payment.state {
        PaymentState::Created => return None,
        PaymentState::Pending => EventType::PaymentProcessing,
        PaymentState::Paid => EventType::PaymentSucceeded,
        PaymentState::Closed => EventType::PaymentCancelled,
        PaymentState::Declined => EventType::PaymentFailed,
    };
    let view = PaymentView::new(payment, &PaymentOwner::new(order, NO_BASE));
    let change = payment.version.to_string();
    let mut event = new_event(kind, payment.id.as_str(), payment.updated_at, &change, &view);
    event.order_id = Some(payment.order_id.to_string());
    event.payment_id = Some(payment.id.to_string());
    Some(event)
}

/// A new refund.
pub(crate) fn refund_created(refund: &Refund, order_id: &OrderId) -> NewEvent {
    refund_event(EventType::RefundCreated, refund, order_id, "created")
}

/// A refund whose state has just changed.
pub(crate) fn refund_changed(refund: &Refund, order_id: &OrderId) -> Option<NewEvent> {
    let kind = match refund.state {
        RefundState::Requested | RefundState::Pending => return None,
        RefundState::Succeeded => EventType::RefundSucceeded,
        RefundState::Failed => EventType::RefundFailed,
        RefundState::Stuck => EventType::RefundNeedsAttention,
    };
    Some(refund_event(kind, refund, order_id, &refund.version.to_string()))
}

fn refund_event(kind: EventType, refund: &Refund, order_id: &OrderId, change: &str) -> NewEvent {
    let view = RefundView::new(refund, order_id);
    let mut event = new_event(kind, refund.id.as_str(), refund.updated_at, change, &view);
    event.order_id = Some(order_id.to_string());
    event.payment_id = Some(refund.payment_id.to_string());
    event.refund_id = Some(refund.id.to_string());
    event
}

/// An entry of a user's balance.
pub(crate) fn balance_changed(entry: &Entry) -> NewEvent {
    new_event(
        EventType::BalanceChanged,
        &entry.id,
        entry.created_at,
        &format!("{} {}", entry.user_id, entry.seq),
        &EntryOfUserView::new(entry),
    )
}

pub(crate) fn incident_opened(incident: &OpenedIncident<'_>, now: Timestamp) -> NewEvent {
    let view = IncidentView::new(incident);
    let change = now.millis().to_string();
    let mut event = new_event(EventType::IncidentOpened, incident.id, now, &change, &view);
    event.order_id = incident.order_id.map(str::to_owned);
    event.payment_id = incident.payment_id.map(str::to_owned);
    event
}

/// A reconciliation that has ended with another result than before. `subject` is its day and gateway.
pub(crate) fn reconciliation_finished(
    subject: &str,
    view: &ReconciliationView,
    change: &str,
    now: Timestamp,
) -> NewEvent {
    new_event(EventType::ReconciliationFinished, subject, now, change, view)
}

/// A ping for one endpoint, which is in no feed.
pub(crate) fn ping(endpoint_id: &EndpointId, now: Timestamp, entropy: [u8; 10]) -> NewEvent {
    let view = PingView {
        endpoint_id: endpoint_id.as_str(),
    };
    let mut event = new_event(EventType::Ping, endpoint_id.as_str(), now, "", &view);
    event.id = EventId::new(now, entropy);
    event.endpoint_id = Some(endpoint_id.to_string());
    event
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PingView<'a> {
    endpoint_id: &'a str,
}

/// The id follows from the change, so that the same change told twice is one event.
fn new_event(kind: EventType, subject: &str, at: Timestamp, change: &str, data: &impl Serialize) -> NewEvent {
    let name = format!("{} {subject} {change}", kind.as_str());
    let hash = digest(&SHA256, name.as_bytes());
    let entropy = hash.as_ref().first_chunk().expect("a SHA-256 hash has 32 bytes");
    NewEvent {
        id: EventId::new(at, *entropy),
        kind,
        subject: subject.to_owned(),
        order_id: None,
        payment_id: None,
        refund_id: None,
        data: serde_json::to_string(data).expect("views have string keys and no failing parts"),
        endpoint_id: None,
        created_at: at,
    }
}
