//! Alarms: what a message to operators tells of.

use domain::{Money, OrderId, Timestamp};

use super::incident::IncidentKind;

domain::words! {
    /// Occasion of a message.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Occasion {
        Opened => "opened",
        Resolved => "resolved",
        /// A person asked in the console whether messages arrive.
        Test => "test",
    }
}

/// Facts of one message: nothing that names a payer or a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub occasion: Occasion,
    /// `None`: a test, or a kind of a later version of this program.
    pub kind: Option<IncidentKind>,
    pub n_incidents: i64,
    /// Sum of the payments concerned, when the incidents are about money.
    pub amount: Option<Money>,
    /// Order of the only incident.
    pub order_id: Option<OrderId>,
    /// Opening of the oldest of the incidents.
    pub oldest_at: Timestamp,
    pub created_at: Timestamp,
}
