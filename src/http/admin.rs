//! The operator's console: pages drawn from what `payments::console` returns, and forms that call it.
//!
//! The console runs no script. Each address stands in one table with its access rule and its handler.

mod access;
mod account;
mod api_keys;
mod attention;
mod audit_log;
mod balances;
mod cookies;
mod epay;
mod error;
mod export;
mod fields;
mod files;
mod filter;
mod gateways;
mod guard;
mod inbox;
mod login;
mod orders;
mod overview;
mod payment_links;
mod reconciliation;
mod refunds;
mod respond;
mod spreadsheet;
mod statement_files;
mod users;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};
use payments::console::Permission::{
    self, AdjustBalance, ApproveRefund, Export, Handle, Look, MakeOrders, ManageKeys, ManageUsers, Operate,
    ReadAudit, ReadMessages, Reconcile, RequestRefund,
};

use self::access::Access::{self, Confirmed, Inside, InsideConfirmed, May, Open};
use self::access::{AccessRules, Verb};
use super::{Web, origin, pages};

/// One address of the console: its access rule and its handler.
struct Route {
    verb: Verb,
    path: &'static str,
    access: Access,
    handler: MethodRouter<Web>,
}

/// A page.
fn view<H: Handler<T, Web>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        verb: Verb::Get,
        path,
        access,
        handler: get(handler),
    }
}

/// An act: the form of a page.
fn act<H: Handler<T, Web>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        verb: Verb::Post,
        path,
        access,
        handler: post(handler),
    }
}

/// All addresses of the console. `Role::permissions` says which role has a permission.
#[rustfmt::skip]
fn console_routes() -> Vec<Route> {
    vec![
        view("/admin/login",                          Open,                     login::show),
        act("/admin/login",                           Open,                     login::log_in),
        act("/admin/logout",                          Inside,                   login::log_out),
        view("/admin",                                May(Look),                overview::show),
        view("/admin/",                               Open,                     async || respond::see_other("/admin")),
        view("/admin/orders",                         May(Look),                orders::list),
        view("/admin/orders.csv",                     May(Export),              export::orders_csv),
        view("/admin/orders.xlsx",                    May(Export),              export::orders_xlsx),
        view("/admin/files",                          May(Export),              files::show),
        view("/admin/files/{id}",                     May(Export),              files::download),
        view("/admin/orders/{id}",                    May(Look),                orders::show),
        view("/admin/orders/{id}/support.txt",        May(ReadMessages),        export::support_text),
        act("/admin/orders/{id}/ask",                 May(Handle),              orders::ask),
        act("/admin/orders",                          May(MakeOrders),          payment_links::make_order),
        act("/admin/orders/{id}/close",               May(MakeOrders),          payment_links::close_order),
        view("/admin/payment-links",                  May(Look),                payment_links::list),
        act("/admin/payment-links",                   May(MakeOrders),          payment_links::create),
        view("/admin/payment-links/{id}",             May(Look),                payment_links::show),
        view("/admin/payment-links/{id}/plate",       May(Look),                payment_links::show_plate),
        act("/admin/payment-links/{id}/close",        May(MakeOrders),          payment_links::close),
        act("/admin/orders/{id}/notes",               May(Handle),              orders::write_note),
        view("/admin/payments/{id}/refund",           May(RequestRefund),       refunds::show),
        act("/admin/payments/{id}/refund/check",      May(RequestRefund),       refunds::check),
        act("/admin/payments/{id}/refund",            May(RequestRefund),       refunds::ask),
        view("/admin/refunds",                        May(Look),                refunds::list),
        act("/admin/refunds/{id}/approve",            Confirmed(ApproveRefund), refunds::approve),
        act("/admin/refunds/{id}/reject",             May(ApproveRefund),       refunds::reject),
        act("/admin/refunds/{id}/retry",              May(RequestRefund),       refunds::retry),
        view("/admin/attention",                      May(Look),                attention::list),
        act("/admin/attention/{id}/assign",           May(Handle),              attention::assign),
        act("/admin/attention/{id}/resolve",          May(Handle),              attention::resolve),
        act("/admin/alarms/test",                     May(Operate),             attention::test_alarms),
        view("/admin/balances",                       May(Look),                balances::show),
        act("/admin/balances/adjust",                 Confirmed(AdjustBalance), balances::adjust),
        act("/admin/credits/{id}/approve",            Confirmed(AdjustBalance), balances::approve),
        act("/admin/credits/{id}/reject",             May(AdjustBalance),       balances::reject),
        view("/admin/books",                          May(ReadAudit),           balances::books),
        view("/admin/reconciliation",                 May(Look),                reconciliation::list),
        view("/admin/reconciliation/{day}/{channel}", May(Look),                reconciliation::show),
        view("/admin/reconciliation/{day}/{channel}/files/{id}", May(Export),   statement_files::download),
        act("/admin/reconciliation/{day}/{channel}/ask", May(Handle),           reconciliation::ask),
        act("/admin/reconciliation/{day}/{channel}/file", May(Reconcile),       reconciliation::upload),
        act("/admin/reconciliation/{day}/{channel}/explain", May(Reconcile),    reconciliation::explain),
        act("/admin/reconciliation/{day}/{channel}/close", May(Reconcile),      reconciliation::close),
        view("/admin/gateways",                       May(Operate),             gateways::list),
        act("/admin/gateways/{channel}/test",         May(Operate),             gateways::test),
        view("/admin/keys",                           May(ManageKeys),          api_keys::list),
        act("/admin/keys",                            Confirmed(ManageKeys),    api_keys::create),
        act("/admin/keys/{id}/revoke",                Confirmed(ManageKeys),    api_keys::revoke),
        view("/admin/epay",                           May(ManageKeys),          epay::list),
        act("/admin/epay",                            Confirmed(ManageKeys),    epay::create),
        act("/admin/epay/{id}/rotate",                Confirmed(ManageKeys),    epay::rotate),
        act("/admin/epay/{id}/disable",               Confirmed(ManageKeys),    epay::disable),
        act("/admin/epay/{id}/enable",                Confirmed(ManageKeys),    epay::enable),
        view("/admin/webhooks",                       May(ManageKeys),          webhooks::list),
        act("/admin/webhooks",                        Confirmed(ManageKeys),    webhooks::create),
        view("/admin/webhooks/{id}",                  May(ManageKeys),          webhooks::show),
        act("/admin/webhooks/{id}/test",              May(ManageKeys),          webhooks::test),
        act("/admin/webhooks/{id}/rotate-secret",     Confirmed(ManageKeys),    webhooks::rotate),
        act("/admin/webhooks/{id}/replay",            May(ManageKeys),          webhooks::replay),
        act("/admin/webhooks/{id}/status",            May(ManageKeys),          webhooks::change),
        act("/admin/webhooks/{id}/delete",            Confirmed(ManageKeys),    webhooks::remove),
        view("/admin/webhooks/{id}/deliveries/{eventId}", May(ManageKeys),      webhooks::delivery),
        act("/admin/webhooks/{id}/deliveries/{eventId}/redeliver", May(ManageKeys), webhooks::redeliver),
        act("/admin/epay/notifications/{id}/send",    May(ManageKeys),          epay::send_again),
        view("/admin/callbacks",                      May(ReadMessages),        inbox::list),
        view("/admin/callbacks/{channel}/{id}",       May(ReadMessages),        inbox::show),
        act("/admin/callbacks/{channel}/{id}/replay", May(Handle),              inbox::replay),
        view("/admin/account",                        Inside,                   account::show),
        act("/admin/account/log-out-elsewhere",       Inside,                   account::log_out_elsewhere),
        act("/admin/account/password",                Inside,                   account::change_password),
        view("/admin/account/totp",                   Inside,                   account::show_totp),
        act("/admin/account/totp",                    InsideConfirmed,          account::enable_totp),
        act("/admin/account/totp/off",                InsideConfirmed,          account::disable_totp),
        act("/admin/account/recovery-codes",          InsideConfirmed,          account::renew_recovery_codes),
        view("/admin/confirm",                        Inside,                   account::ask_to_confirm),
        act("/admin/confirm",                         Inside,                   account::confirm),
        view("/admin/people",                         May(ManageUsers),        users::list),
        act("/admin/people",                          Confirmed(ManageUsers),  users::invite),
        act("/admin/people/{id}/role",                Confirmed(ManageUsers),  users::change_role),
        act("/admin/people/{id}/disable",             Confirmed(ManageUsers),  users::disable),
        act("/admin/people/{id}/reset",               Confirmed(ManageUsers),  users::reset_login),
        view("/admin/audit-log",                      May(ReadAudit),           audit_log::show),
        view("/admin/audit-log.csv",                  May(ReadAudit),           audit_log::csv),
        view("/admin/audit-log.jsonl",                May(ReadAudit),           audit_log::chain),
    ]
}

/// Every address of the console with the permission it needs (`None`: no permission), for tests that try all of them.
pub fn console_table() -> impl Iterator<Item = (&'static str, &'static str, Option<Permission>)> {
    console_routes()
        .into_iter()
        .map(|route| (route.verb.as_str(), route.path, route.access.permission()))
}

pub fn routes(web: &Web) -> Router<Web> {
    let mut by_path: HashMap<&str, MethodRouter<Web>> = HashMap::new();
    let mut rules = AccessRules::new();
    for route in console_routes() {
        let merged = match by_path.remove(route.path) {
            Some(known) => known.merge(route.handler),
            None => route.handler,
        };
        by_path.insert(route.path, merged);
        rules.insert((route.verb, route.path), route.access);
    }
    let mut router = Router::new();
    for (path, handler) in by_path {
        router = router.route(path, handler);
    }
    router
        .route_layer(from_fn_with_state((web.clone(), Arc::new(rules)), guard::guard))
        .layer(from_fn(pages::finish_console))
        .layer(from_fn_with_state(web.clone(), origin::guard))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_address_stands_in_the_table_twice() {
        let routes = console_routes();
        let distinct: HashSet<(Verb, &str)> = routes.iter().map(|route| (route.verb, route.path)).collect();
        assert_eq!(distinct.len(), routes.len());
    }
}
