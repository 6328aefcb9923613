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

/// Finds the page that an address belongs to, for links to it: the address of a form alone cannot be opened.
pub fn page_of<'p>(rules: &AccessRules, path: &'p str) -> &'p str {
    let is_page = |path: &str| {
        let mut pages = rules.keys().filter(|(verb, _)| *verb == Verb::Get);
        pages.any(|(_, template)| fits(template, path))
    };
    let mut page = path;
    while !is_page(page) {
        match page.rsplit_once('/') {
            Some((above, _)) if !above.is_empty() => page = above,
            _ => return "/admin",
        }
    }
    page
}

/// Whether a path is one of a template, of which `{…}` stands for any one part.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == found || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_form_leads_to_the_page_above_it() {
        let rules: AccessRules = [
            (Verb::Get, "/admin"),
            (Verb::Get, "/admin/balances"),
            (Verb::Post, "/admin/balances/adjust"),
            (Verb::Get, "/admin/orders/{id}"),
            (Verb::Post, "/admin/orders/{id}/notes"),
            (Verb::Get, "/admin/epay/{id}/rotate"),
        ]
        .map(|route| (route, Access::Open))
        .into();
        for (path, page) in [
            ("/admin/balances", "/admin/balances"),
            ("/admin/balances/adjust/check", "/admin/balances"),
            ("/admin/orders/ord_1/notes", "/admin/orders/ord_1"),
            ("/admin/epay/notifications/send", "/admin"),
            ("/elsewhere", "/admin"),
        ] {
            assert_eq!(page_of(&rules, path), page, "{path}");
        }
    }
}
