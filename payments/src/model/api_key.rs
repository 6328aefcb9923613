//! API keys: scopes, limits, and drafts of new keys.

use domain::{Money, Timestamp};

domain::words! {
    /// Scope of an API key.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Scope {
        Read => "read",
        Pay => "pay",
        Refund => "refund",
    }
}

/// A merchant's program, identified by its API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub last_used_at: Option<Timestamp>,
}

/// Draft of an API key.
#[derive(Debug, Clone, Copy)]
pub struct KeyDraft<'a> {
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub limits: KeyLimits,
}

/// Limits of one API key for refunds and credits. `None`: no limit of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyLimits {
    pub per_refund: Option<Money>,
    /// Sum of one day in Beijing.
    pub per_day: Option<Money>,
}
