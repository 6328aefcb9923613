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
mod form;
mod gateways;
mod guard;
mod inbox;
mod lists;
mod live;
mod login;
mod orders;
mod overview;
mod payment_links;
mod questions;
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
use super::web::Web;
use super::{origin, pages};

/// One address of the console: its access rule and its handler.
struct Route {
    verb: Verb,
    path: &'static str,
    access: Access,
    handler: MethodRouter<Web>,
}

/// A page.
fn view_route<H: Handler<T, Web>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        verb: Verb::Get,
        path,
        access,
        handler: get(handler),
    }
}

/// An act: the form of a page.
fn act_route<H: Handler<T, Web>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
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
        view_route("/admin/login",                          Open,                     login::show),
        act_route("/admin/login",                           Open,                     login::log_in),
        act_route("/admin/login/code",                      Open,                     login::enter_code),
        act_route("/admin/logout",                          Inside,                   login::log_out),
        view_route("/admin",                                May(Look),                overview::show),
        view_route("/admin/",                               Open,                     async || respond::see_other("/admin")),
        view_route("/admin/orders",                         May(Look),                orders::list),
        view_route("/admin/orders.csv",                     May(Export),              export::orders_csv),
        view_route("/admin/orders.xlsx",                    May(Export),              export::orders_xlsx),
        view_route("/admin/files",                          May(Export),              files::show),
        view_route("/admin/files/{id}",                     May(Export),              files::download),
        view_route("/admin/orders/{id}",                    May(Look),                orders::show),
        view_route("/admin/orders/{id}/support.txt",        May(ReadMessages),        export::support_text),
        act_route("/admin/orders/{id}/ask",                 May(Handle),              orders::ask),
        act_route("/admin/orders",                          May(MakeOrders),          payment_links::make_order),
        view_route("/admin/orders/{id}/close",              May(MakeOrders),          questions::close_order),
        act_route("/admin/orders/{id}/close",               May(MakeOrders),          payment_links::close_order),
        view_route("/admin/payment-links",                  May(Look),                payment_links::list),
        act_route("/admin/payment-links",                   May(MakeOrders),          payment_links::create),
        view_route("/admin/payment-links/{id}",             May(Look),                payment_links::show),
        view_route("/admin/payment-links/{id}/plate",       May(Look),                payment_links::show_plate),
        view_route("/admin/payment-links/{id}/close",       May(MakeOrders),          questions::close_link),
        act_route("/admin/payment-links/{id}/close",        May(MakeOrders),          payment_links::close),
        act_route("/admin/orders/{id}/notes",               May(Handle),              orders::write_note),
        view_route("/admin/payments/{id}/refund",           May(RequestRefund),       refunds::show),
        act_route("/admin/payments/{id}/refund/check",      May(RequestRefund),       refunds::check),
        act_route("/admin/payments/{id}/refund",            May(RequestRefund),       refunds::ask),
        view_route("/admin/payments",                       May(Look),                lists::payments),
        view_route("/admin/refund-list",                    May(Look),                lists::refunds),
        view_route("/admin/refunds",                        May(Look),                refunds::list),
        act_route("/admin/refunds/{id}/approve",            Confirmed(ApproveRefund), refunds::approve),
        act_route("/admin/refunds/{id}/reject",             May(ApproveRefund),       refunds::reject),
        act_route("/admin/refunds/{id}/retry",              May(RequestRefund),       refunds::retry),
        view_route("/admin/attention",                      May(Look),                attention::list),
        act_route("/admin/attention/{id}/assign",           May(Handle),              attention::assign),
        act_route("/admin/attention/{id}/resolve",          May(Handle),              attention::resolve),
        act_route("/admin/alarms/test",                     May(Operate),             attention::test_alarms),
        view_route("/admin/balances",                       May(Look),                balances::show),
        act_route("/admin/balances/adjust/check",           Confirmed(AdjustBalance), balances::check),
        act_route("/admin/balances/adjust",                 Confirmed(AdjustBalance), balances::adjust),
        act_route("/admin/credits/{id}/approve",            Confirmed(AdjustBalance), balances::approve),
        act_route("/admin/credits/{id}/reject",             May(AdjustBalance),       balances::reject),
        view_route("/admin/books",                          May(ReadAudit),           balances::books),
        view_route("/admin/reconciliation",                 May(Look),                reconciliation::list),
        view_route("/admin/reconciliation/{day}/{channel}", May(Look),                reconciliation::show),
        view_route("/admin/reconciliation/{day}/{channel}/files/{id}", May(Export),   statement_files::download),
        act_route("/admin/reconciliation/{day}/{channel}/ask", May(Handle),           reconciliation::ask),
        act_route("/admin/reconciliation/{day}/{channel}/file", May(Reconcile),       reconciliation::upload),
        act_route("/admin/reconciliation/{day}/{channel}/explain", May(Reconcile),    reconciliation::explain),
        view_route("/admin/reconciliation/{day}/{channel}/close", May(Reconcile),     questions::close_day),
        act_route("/admin/reconciliation/{day}/{channel}/close", May(Reconcile),      reconciliation::close),
        view_route("/admin/gateways",                       May(Operate),             gateways::list),
        act_route("/admin/gateways/{channel}/test",         May(Operate),             gateways::test),
        view_route("/admin/keys",                           May(ManageKeys),          api_keys::list),
        act_route("/admin/keys",                            Confirmed(ManageKeys),    api_keys::create),
        view_route("/admin/keys/{id}/revoke",               Confirmed(ManageKeys),    questions::revoke_key),
        act_route("/admin/keys/{id}/revoke",                Confirmed(ManageKeys),    api_keys::revoke),
        view_route("/admin/epay",                           May(ManageKeys),          epay::list),
        act_route("/admin/epay",                            Confirmed(ManageKeys),    epay::create),
        view_route("/admin/epay/{id}/rotate",               Confirmed(ManageKeys),    questions::rotate_epay_key),
        act_route("/admin/epay/{id}/rotate",                Confirmed(ManageKeys),    epay::rotate),
        view_route("/admin/epay/{id}/disable",              Confirmed(ManageKeys),    questions::disable_epay_merchant),
        act_route("/admin/epay/{id}/disable",               Confirmed(ManageKeys),    epay::disable),
        act_route("/admin/epay/{id}/enable",                Confirmed(ManageKeys),    epay::enable),
        view_route("/admin/webhooks",                       May(ManageKeys),          webhooks::list),
        act_route("/admin/webhooks",                        Confirmed(ManageKeys),    webhooks::create),
        view_route("/admin/webhooks/{id}",                  May(ManageKeys),          webhooks::show),
        act_route("/admin/webhooks/{id}/test",              May(ManageKeys),          webhooks::test),
        view_route("/admin/webhooks/{id}/rotate-secret",    Confirmed(ManageKeys),    questions::rotate_webhook_secret),
        act_route("/admin/webhooks/{id}/rotate-secret",     Confirmed(ManageKeys),    webhooks::rotate),
        act_route("/admin/webhooks/{id}/replay",            May(ManageKeys),          webhooks::replay),
        act_route("/admin/webhooks/{id}/status",            May(ManageKeys),          webhooks::change),
        view_route("/admin/webhooks/{id}/delete",           Confirmed(ManageKeys),    questions::delete_webhook),
        act_route("/admin/webhooks/{id}/delete",            Confirmed(ManageKeys),    webhooks::remove),
        view_route("/admin/webhooks/{id}/deliveries/{eventId}", May(ManageKeys),      webhooks::delivery),
        act_route("/admin/webhooks/{id}/deliveries/{eventId}/redeliver", May(ManageKeys), webhooks::redeliver),
        act_route("/admin/epay/notifications/{id}/send",    May(ManageKeys),          epay::send_again),
        view_route("/admin/callbacks",                      May(ReadMessages),        inbox::list),
        view_route("/admin/callbacks/{channel}/{id}",       May(ReadMessages),        inbox::show),
        act_route("/admin/callbacks/{channel}/{id}/replay", May(Handle),              inbox::replay),
        view_route("/admin/account",                        Inside,                   account::show),
        act_route("/admin/account/log-out-elsewhere",       Inside,                   account::log_out_elsewhere),
        view_route("/admin/account/password",               Inside,                   account::show_password),
        act_route("/admin/account/password",                Inside,                   account::change_password),
        view_route("/admin/account/totp",                   Inside,                   account::show_totp),
        act_route("/admin/account/totp",                    InsideConfirmed,          account::enable_totp),
        view_route("/admin/account/totp/off",               InsideConfirmed,          questions::disable_totp),
        act_route("/admin/account/totp/off",                InsideConfirmed,          account::disable_totp),
        view_route("/admin/account/recovery-codes",         InsideConfirmed,          questions::renew_recovery_codes),
        act_route("/admin/account/recovery-codes",          InsideConfirmed,          account::renew_recovery_codes),
        view_route("/admin/confirm",                        Inside,                   account::ask_to_confirm),
        act_route("/admin/confirm",                         Inside,                   account::confirm),
        view_route("/admin/people",                         May(ManageUsers),        users::list),
        act_route("/admin/people",                          Confirmed(ManageUsers),  users::invite),
        act_route("/admin/people/{id}/role",                Confirmed(ManageUsers),  users::change_role),
        view_route("/admin/people/{id}/disable",            Confirmed(ManageUsers),   questions::disable_user),
        act_route("/admin/people/{id}/disable",             Confirmed(ManageUsers),  users::disable),
        view_route("/admin/people/{id}/enable",             Confirmed(ManageUsers),   questions::enable_user),
        act_route("/admin/people/{id}/enable",              Confirmed(ManageUsers),   users::enable),
        view_route("/admin/people/{id}/reset",              Confirmed(ManageUsers),   questions::reset_login),
        act_route("/admin/people/{id}/reset",               Confirmed(ManageUsers),  users::reset_login),
        view_route("/admin/audit-log",                      May(ReadAudit),           audit_log::show),
        view_route("/admin/audit-log.csv",                  May(ReadAudit),           audit_log::csv),
        view_route("/admin/audit-log.jsonl",                May(ReadAudit),           audit_log::chain),
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
        .layer((
            from_fn_with_state(web.clone(), origin::guard),
            from_fn(pages::finish_console),
        ))
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
