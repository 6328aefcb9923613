//! Events that wait for the commit of their transaction, and committed ones.

use domain::{EventId, EventType, Timestamp};

/// An event that its transaction writes before its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub id: EventId,
    pub kind: EventType,
    /// The id of the object that changed.
    pub subject: String,
    pub order_id: Option<String>,
    pub payment_id: Option<String>,
    pub refund_id: Option<String>,
    /// The object as JSON.
    pub data: String,
    /// The only endpoint of a ping.
    pub endpoint_id: Option<String>,
    pub created_at: Timestamp,
}

/// An event that was written.
#[derive(Debug, Clone)]
pub struct KeptEvent {
    pub id: String,
    pub kind: String,
    pub order_id: Option<String>,
    pub payment_id: Option<String>,
    pub refund_id: Option<String>,
    /// The object as JSON.
    pub data: String,
    pub created_at: Timestamp,
}
