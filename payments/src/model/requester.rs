//! Requesters of payouts.

/// Requester of a refund, an adjustment or a cancellation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Requester {
    /// A rule of this program, such as the refund of a duplicate payment.
    #[default]
    Rule,
    /// Id of an API key.
    ApiKey(String),
    /// Address of a person of the console.
    Person(String),
    /// Address of a person whose request another person has approved.
    Approved(String),
}
