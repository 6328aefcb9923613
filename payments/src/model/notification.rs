//! Notifications of gateways in lists.

domain::words! {
    /// Outcome of notifications.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum NotificationOutcome {
        /// It told of a payment or a refund of ours.
        Applied => "applied",
        /// It was authentic and could not be applied: there is an incident.
        Problem => "problem",
    }
}
