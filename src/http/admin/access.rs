//! The table of permissions: which address needs which. `Role::permissions` says which role has it.

use payments::console::Permission;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Get,
    Post,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reachable without a session.
    Open,
    /// Reachable with any session.
    Inside,
    May(Permission),
    /// A permission and a password confirmed a short time ago.
    Confirmed(Permission),
}

use Access::{Confirmed, Inside, May, Open};
use Permission::{
    AdjustBalance, ApproveRefund, Export, Handle, Look, ManageKeys, ManagePeople, Operate, ReadAudit,
    ReadMessages, RequestRefund,
};
use Verb::{Get, Post};

#[rustfmt::skip]
pub const TABLE: &[(Verb, &str, Access)] = &[
    (Get,  "/admin/login",                     Open),
    (Post, "/admin/login",                     Open),
    (Post, "/admin/logout",                    Inside),
    (Get,  "/admin",                           May(Look)),
    (Get,  "/admin/",                          Open),
    (Get,  "/admin/orders",                    May(Look)),
    (Get,  "/admin/orders.csv",                May(Export)),
    (Get,  "/admin/orders/{id}",               May(Look)),
    (Get,  "/admin/orders/{id}/support.txt",   May(ReadMessages)),
    (Post, "/admin/orders/{id}/ask",           May(Handle)),
    (Post, "/admin/orders/{id}/notes",         May(Handle)),
    (Get,  "/admin/payments/{id}/refund",      May(RequestRefund)),
    (Post, "/admin/payments/{id}/refund/check", May(RequestRefund)),
    (Post, "/admin/payments/{id}/refund",      May(RequestRefund)),
    (Get,  "/admin/refunds",                   May(Look)),
    (Post, "/admin/refunds/{id}/approve",      Confirmed(ApproveRefund)),
    (Post, "/admin/refunds/{id}/reject",       May(ApproveRefund)),
    (Post, "/admin/refunds/{id}/retry",        May(RequestRefund)),
    (Get,  "/admin/attention",                 May(Look)),
    (Post, "/admin/attention/{id}/assign",     May(Handle)),
    (Post, "/admin/attention/{id}/resolve",    May(Handle)),
    (Get,  "/admin/balances",                  May(Look)),
    (Post, "/admin/balances/adjust",           Confirmed(AdjustBalance)),
    (Post, "/admin/credits/{id}/approve",      Confirmed(AdjustBalance)),
    (Post, "/admin/credits/{id}/reject",       May(AdjustBalance)),
    (Get,  "/admin/books",                     May(ReadAudit)),
    (Get,  "/admin/gateways",                  May(Operate)),
    (Post, "/admin/gateways/{channel}/test",   May(Operate)),
    (Get,  "/admin/keys",                      May(ManageKeys)),
    (Post, "/admin/keys",                      Confirmed(ManageKeys)),
    (Post, "/admin/keys/{id}/revoke",          Confirmed(ManageKeys)),
    (Get,  "/admin/callbacks",                 May(ReadMessages)),
    (Get,  "/admin/callbacks/{channel}/{id}",  May(ReadMessages)),
    (Post, "/admin/callbacks/{channel}/{id}/replay", May(Handle)),
    (Get,  "/admin/account",                   Inside),
    (Post, "/admin/account/log-out-elsewhere", Inside),
    (Post, "/admin/account/password",          Inside),
    (Get,  "/admin/account/totp",              Inside),
    (Post, "/admin/account/totp",              Inside),
    (Post, "/admin/account/totp/off",          Inside),
    (Post, "/admin/account/recovery-codes",    Inside),
    (Get,  "/admin/confirm",                   Inside),
    (Post, "/admin/confirm",                   Inside),
    (Get,  "/admin/people",                    May(ManagePeople)),
    (Post, "/admin/people",                    Confirmed(ManagePeople)),
    (Post, "/admin/people/{id}/role",          Confirmed(ManagePeople)),
    (Post, "/admin/people/{id}/disable",       Confirmed(ManagePeople)),
    (Post, "/admin/people/{id}/reset",         Confirmed(ManagePeople)),
    (Get,  "/admin/audit-log",                     May(ReadAudit)),
    (Get,  "/admin/audit-log.csv",                 May(ReadAudit)),
    (Get,  "/admin/audit-log.jsonl",               May(ReadAudit)),
];

/// Returns the access rule of an address; `None`: not in the table, so refused.
pub fn of(verb: Verb, path: &str) -> Option<Access> {
    TABLE
        .iter()
        .find(|(known_verb, known_path, _)| *known_verb == verb && *known_path == path)
        .map(|(_, _, access)| *access)
}
