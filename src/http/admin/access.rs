//! Access rules of the console's addresses.

use std::collections::HashMap;

use payments::console::Permission;

domain::words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Verb {
        Get => "GET",
        Post => "POST",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For visitors without a session.
    Open,
    /// For every session.
    Inside,
    /// For every session whose password was confirmed a short time ago.
    InsideConfirmed,
    May(Permission),
    /// The same, and the password must have been confirmed a short time ago.
    Confirmed(Permission),
}

impl Access {
    pub const fn permission(self) -> Option<Permission> {
        match self {
            Access::Open | Access::Inside | Access::InsideConfirmed => None,
            Access::May(permission) | Access::Confirmed(permission) => Some(permission),
        }
    }

    pub const fn needs_confirmation(self) -> bool {
        matches!(self, Access::InsideConfirmed | Access::Confirmed(_))
    }
}

/// Access rule of each address; an address without one is refused.
pub type AccessRules = HashMap<(Verb, &'static str), Access>;
