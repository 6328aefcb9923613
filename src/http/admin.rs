//! The operator's console: pages drawn from what `payments::console` returns, and forms that call it.
//!
//! The console runs no script. An address that is missing from [`access::TABLE`] is refused.

mod access;
mod account;
mod attention;
mod audit_log;
mod balances;
mod cookies;
mod error;
mod export;
mod fields;
mod filter;
mod gateways;
mod guard;
mod inbox;
mod keys;
mod login;
mod orders;
mod overview;
mod people;
mod refunds;
mod respond;

use std::collections::HashMap;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};
use payments::console::Permission;

use self::access::{Access, Verb};
use super::{Web, origin, pages};

/// Every address with its handler.
fn handlers() -> Vec<(Verb, &'static str, MethodRouter<Web>)> {
    vec![
        (Verb::Get, "/admin/login", get(login::show)),
        (Verb::Post, "/admin/login", post(login::log_in)),
        (Verb::Post, "/admin/logout", post(login::log_out)),
        (Verb::Get, "/admin", get(overview::show)),
        (Verb::Get, "/admin/", get(async || respond::see_other("/admin"))),
        (Verb::Get, "/admin/orders", get(orders::list)),
        (Verb::Get, "/admin/orders.csv", get(export::orders)),
        (Verb::Get, "/admin/orders/{id}", get(orders::show)),
        (
            Verb::Get,
            "/admin/orders/{id}/support.txt",
            get(export::support_text),
        ),
        (Verb::Post, "/admin/orders/{id}/ask", post(orders::ask)),
        (Verb::Post, "/admin/orders/{id}/notes", post(orders::write_note)),
        (Verb::Get, "/admin/payments/{id}/refund", get(refunds::show)),
        (
            Verb::Post,
            "/admin/payments/{id}/refund/check",
            post(refunds::check),
        ),
        (Verb::Post, "/admin/payments/{id}/refund", post(refunds::ask)),
        (Verb::Get, "/admin/refunds", get(refunds::list)),
        (Verb::Post, "/admin/refunds/{id}/approve", post(refunds::approve)),
        (Verb::Post, "/admin/refunds/{id}/reject", post(refunds::reject)),
        (Verb::Post, "/admin/refunds/{id}/retry", post(refunds::retry)),
        (Verb::Get, "/admin/attention", get(attention::list)),
        (
            Verb::Post,
            "/admin/attention/{id}/assign",
            post(attention::assign),
        ),
        (
            Verb::Post,
            "/admin/attention/{id}/resolve",
            post(attention::resolve),
        ),
        (Verb::Get, "/admin/balances", get(balances::show)),
        (Verb::Post, "/admin/balances/adjust", post(balances::adjust)),
        (Verb::Post, "/admin/credits/{id}/approve", post(balances::approve)),
        (Verb::Post, "/admin/credits/{id}/reject", post(balances::reject)),
        (Verb::Get, "/admin/books", get(balances::books)),
        (Verb::Get, "/admin/gateways", get(gateways::list)),
        (Verb::Post, "/admin/gateways/{channel}/test", post(gateways::test)),
        (Verb::Get, "/admin/keys", get(keys::list)),
        (Verb::Post, "/admin/keys", post(keys::create)),
        (Verb::Post, "/admin/keys/{id}/revoke", post(keys::revoke)),
        (Verb::Get, "/admin/callbacks", get(inbox::list)),
        (Verb::Get, "/admin/callbacks/{channel}/{id}", get(inbox::show)),
        (
            Verb::Post,
            "/admin/callbacks/{channel}/{id}/replay",
            post(inbox::replay),
        ),
        (Verb::Get, "/admin/account", get(account::show)),
        (
            Verb::Post,
            "/admin/account/log-out-elsewhere",
            post(account::log_out_elsewhere),
        ),
        (
            Verb::Post,
            "/admin/account/password",
            post(account::change_password),
        ),
        (Verb::Get, "/admin/account/totp", get(account::show_totp)),
        (Verb::Post, "/admin/account/totp", post(account::enable_totp)),
        (Verb::Post, "/admin/account/totp/off", post(account::disable_totp)),
        (
            Verb::Post,
            "/admin/account/recovery-codes",
            post(account::renew_recovery_codes),
        ),
        (Verb::Get, "/admin/confirm", get(account::ask_to_confirm)),
        (Verb::Post, "/admin/confirm", post(account::confirm)),
        (Verb::Get, "/admin/people", get(people::list)),
        (Verb::Post, "/admin/people", post(people::invite)),
        (Verb::Post, "/admin/people/{id}/role", post(people::change_role)),
        (Verb::Post, "/admin/people/{id}/disable", post(people::disable)),
        (Verb::Post, "/admin/people/{id}/reset", post(people::reset_login)),
        (Verb::Get, "/admin/audit-log", get(audit_log::show)),
        (Verb::Get, "/admin/audit-log.csv", get(audit_log::csv)),
        (Verb::Get, "/admin/audit-log.jsonl", get(audit_log::chain)),
    ]
}

/// Every address of the console with the permission it needs (`None`: no permission), for tests that try all of them.
pub fn console_table() -> impl Iterator<Item = (&'static str, &'static str, Option<Permission>)> {
    access::TABLE.iter().map(|(verb, path, access)| {
        let verb = match verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
        };
        let needed = match access {
            Access::Open | Access::Inside => None,
            Access::May(permission) | Access::Confirmed(permission) => Some(*permission),
        };
        (verb, *path, needed)
    })
}

pub fn routes(web: &Web) -> Router<Web> {
    let mut by_path: HashMap<&str, MethodRouter<Web>> = HashMap::new();
    for (_, path, handler) in handlers() {
        let merged = match by_path.remove(path) {
            Some(known) => known.merge(handler),
            None => handler,
        };
        by_path.insert(path, merged);
    }
    let mut router = Router::new();
    for (path, handler) in by_path {
        router = router.route(path, handler);
    }
    router
        .route_layer(from_fn_with_state(web.clone(), guard::guard))
        .layer(from_fn(pages::finish))
        .layer(from_fn_with_state(web.clone(), origin::guard))
}

#[cfg(test)]
mod tests {
    use super::access::TABLE;
    use super::*;

    #[test]
    fn every_route_is_in_the_access_table_and_every_entry_has_a_route() {
        let mut answered: Vec<(Verb, &str)> =
            handlers().iter().map(|(verb, path, _)| (*verb, *path)).collect();
        let mut written: Vec<(Verb, &str)> = TABLE.iter().map(|(verb, path, _)| (*verb, *path)).collect();
        answered.sort();
        written.sort();
        assert_eq!(answered, written);
        written.dedup();
        assert_eq!(written.len(), TABLE.len(), "an address stands there twice");
    }
}
