//! Every route of the console, tried by every role and without a session. The list is the server's own table: a new route is
//! tried, and must be listed here once more with the roles that may use it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use payments::users::Role;
use serde_json::json;
use tongqian::console_table;

use crate::api::{Answer, Api, client, send};
use crate::console::visitor::{OWNER, Visitor, server};
use crate::server::{API_KEY, Server};

/// Roles that may use a route: owner, finance, support, developer, viewer. `-` is every session, `*` is everyone.
#[rustfmt::skip]
const GUESTS: &[(&str, &str, &str)] = &[
    ("*",     "GET",  "/admin/login"),
    ("*",     "POST", "/admin/login"),
    ("*",     "POST", "/admin/login/code"),
    ("-",     "POST", "/admin/logout"),
    ("ofsdv", "GET",  "/admin"),
    ("*",     "GET",  "/admin/"),
    ("ofsdv", "GET",  "/admin/orders"),
    ("of",    "GET",  "/admin/orders.csv"),
    ("of",    "GET",  "/admin/orders.xlsx"),
    ("of",    "GET",  "/admin/files"),
    ("of",    "GET",  "/admin/files/{id}"),
    ("ofsdv", "GET",  "/admin/orders/{id}"),
    ("ofd",   "GET",  "/admin/orders/{id}/support.txt"),
    ("ofs",   "POST", "/admin/orders/{id}/ask"),
    ("ofs",   "POST", "/admin/orders"),
    ("ofs",   "GET",  "/admin/orders/{id}/close"),
    ("ofs",   "POST", "/admin/orders/{id}/close"),
    ("ofsdv", "GET",  "/admin/payment-links"),
    ("ofs",   "POST", "/admin/payment-links"),
    ("ofsdv", "GET",  "/admin/payment-links/{id}"),
    ("ofsdv", "GET",  "/admin/payment-links/{id}/plate"),
    ("ofs",   "GET",  "/admin/payment-links/{id}/close"),
    ("ofs",   "POST", "/admin/payment-links/{id}/close"),
    ("ofs",   "POST", "/admin/orders/{id}/notes"),
    ("ofs",   "GET",  "/admin/payments/{id}/refund"),
    ("ofs",   "POST", "/admin/payments/{id}/refund/check"),
    ("ofs",   "POST", "/admin/payments/{id}/refund"),
    ("ofsdv", "GET",  "/admin/payments"),
    ("ofsdv", "GET",  "/admin/refund-list"),
    ("ofsdv", "GET",  "/admin/refunds"),
    ("of",    "POST", "/admin/refunds/{id}/approve"),
    ("of",    "POST", "/admin/refunds/{id}/reject"),
    ("ofs",   "POST", "/admin/refunds/{id}/retry"),
    ("ofsdv", "GET",  "/admin/attention"),
    ("ofs",   "POST", "/admin/attention/{id}/assign"),
    ("ofs",   "POST", "/admin/attention/{id}/resolve"),
    ("od",    "POST", "/admin/alarms/test"),
    ("ofsdv", "GET",  "/admin/balances"),
    ("of",    "POST", "/admin/balances/adjust/check"),
    ("of",    "POST", "/admin/balances/adjust"),
    ("of",    "POST", "/admin/credits/{id}/approve"),
    ("of",    "POST", "/admin/credits/{id}/reject"),
    ("of",    "GET",  "/admin/books"),
    ("ofsdv", "GET",  "/admin/reconciliation"),
    ("ofsdv", "GET",  "/admin/reconciliation/{day}/{channel}"),
    ("of",    "GET",  "/admin/reconciliation/{day}/{channel}/files/{id}"),
    ("ofs",   "POST", "/admin/reconciliation/{day}/{channel}/ask"),
    ("of",    "POST", "/admin/reconciliation/{day}/{channel}/file"),
    ("of",    "POST", "/admin/reconciliation/{day}/{channel}/explain"),
    ("of",    "GET",  "/admin/reconciliation/{day}/{channel}/close"),
    ("of",    "POST", "/admin/reconciliation/{day}/{channel}/close"),
    ("od",    "GET",  "/admin/gateways"),
    ("od",    "POST", "/admin/gateways/{channel}/test"),
    ("od",    "GET",  "/admin/keys"),
    ("od",    "POST", "/admin/keys"),
    ("od",    "GET",  "/admin/keys/{id}/revoke"),
    ("od",    "POST", "/admin/keys/{id}/revoke"),
    ("od",    "GET",  "/admin/epay"),
    ("od",    "POST", "/admin/epay"),
    ("od",    "GET",  "/admin/epay/{id}/rotate"),
    ("od",    "POST", "/admin/epay/{id}/rotate"),
    ("od",    "GET",  "/admin/epay/{id}/disable"),
    ("od",    "POST", "/admin/epay/{id}/disable"),
    ("od",    "POST", "/admin/epay/{id}/enable"),
    ("od",    "GET",  "/admin/webhooks"),
    ("od",    "POST", "/admin/webhooks"),
    ("od",    "GET",  "/admin/webhooks/{id}"),
    ("od",    "POST", "/admin/webhooks/{id}/test"),
    ("od",    "GET",  "/admin/webhooks/{id}/rotate-secret"),
    ("od",    "POST", "/admin/webhooks/{id}/rotate-secret"),
    ("od",    "POST", "/admin/webhooks/{id}/replay"),
    ("od",    "POST", "/admin/webhooks/{id}/status"),
    ("od",    "GET",  "/admin/webhooks/{id}/delete"),
    ("od",    "POST", "/admin/webhooks/{id}/delete"),
    ("od",    "GET",  "/admin/webhooks/{id}/deliveries/{eventId}"),
    ("od",    "POST", "/admin/webhooks/{id}/deliveries/{eventId}/redeliver"),
    ("od",    "POST", "/admin/epay/notifications/{id}/send"),
    ("ofd",   "GET",  "/admin/callbacks"),
    ("ofd",   "GET",  "/admin/callbacks/{channel}/{id}"),
    ("ofs",   "POST", "/admin/callbacks/{channel}/{id}/replay"),
    ("-",     "GET",  "/admin/account"),
    ("-",     "POST", "/admin/account/log-out-elsewhere"),
    ("-",     "GET",  "/admin/account/password"),
    ("-",     "POST", "/admin/account/password"),
    ("-",     "GET",  "/admin/account/totp"),
    ("-",     "POST", "/admin/account/totp"),
    ("-",     "GET",  "/admin/account/totp/off"),
    ("-",     "POST", "/admin/account/totp/off"),
    ("-",     "GET",  "/admin/account/recovery-codes"),
    ("-",     "POST", "/admin/account/recovery-codes"),
    ("-",     "GET",  "/admin/confirm"),
    ("-",     "POST", "/admin/confirm"),
    ("o",     "GET",  "/admin/people"),
    ("o",     "POST", "/admin/people"),
    ("o",     "POST", "/admin/people/{id}/role"),
    ("o",     "GET",  "/admin/people/{id}/disable"),
    ("o",     "POST", "/admin/people/{id}/disable"),
    ("o",     "GET",  "/admin/people/{id}/enable"),
    ("o",     "POST", "/admin/people/{id}/enable"),
    ("o",     "GET",  "/admin/people/{id}/reset"),
    ("o",     "POST", "/admin/people/{id}/reset"),
    ("of",    "GET",  "/admin/audit-log"),
    ("of",    "GET",  "/admin/audit-log.csv"),
    ("of",    "GET",  "/admin/audit-log.jsonl"),
];

/// Returns every page that an owner can open, by its address.
pub fn pages() -> impl Iterator<Item = &'static str> {
    let is_page = |path: &&str| !path.contains('{') && !["/admin/login", "/admin/"].contains(path);
    console_table()
        .filter(|(verb, ..)| *verb == "GET")
        .map(|(_, path, _)| path)
        .filter(is_page)
}

fn filled(path: &str) -> String {
    path.replace("{id}", "nothing_1")
        .replace("{channel}", "wechat")
        .replace("{day}", "2026-01-01")
}

async fn knock(visitor: &Visitor, verb: &str, path: &str) -> Answer {
    match verb {
        "GET" => visitor.get(&filled(path)).await,
        _ => {
            visitor
                .post(&filled(path), &[("role", "owner"), ("is_admin", "true")])
                .await
        }
    }
}

#[test]
fn every_console_route_is_listed_with_its_roles() {
    let mut served: Vec<(&str, &str)> = console_table().map(|(verb, path, _)| (verb, path)).collect();
    let mut written: Vec<(&str, &str)> = GUESTS.iter().map(|(_, verb, path)| (*verb, *path)).collect();
    served.sort_unstable();
    written.sort_unstable();
    assert_eq!(served, written);
}

#[tokio::test]
async fn z5_z7_every_role_reaches_exactly_its_listed_routes() {
    let server = server(&[]);
    for role in Role::ALL {
        let visitor = match role {
            Role::Owner => Visitor::owner(&server).await,
            role => Visitor::employed(&server, role.as_str()).await,
        };
        let letter = &role.as_str()[..1];
        for (guests, verb, path) in GUESTS.iter().filter(|(.., path)| *path != "/admin/logout") {
            let answer = knock(&visitor, verb, path).await;
            let may = ["*", "-"].contains(guests) || guests.contains(letter);
            assert_eq!(
                answer.status != 403,
                may,
                "{} {verb} {path}: {}",
                role.as_str(),
                answer.status
            );
            assert!(
                answer.status < 500,
                "{} {verb} {path}: {}",
                role.as_str(),
                answer.text
            );
            if !may {
                assert!(
                    answer.text.contains("The permission you lack:"),
                    "{}",
                    answer.text
                );
            }
        }
        assert_eq!(knock(&visitor, "POST", "/admin/logout").await.status, 303);
    }
}

#[tokio::test]
async fn z7_a_viewer_cannot_gain_permissions() {
    let server = server(&[]);
    let viewer = Visitor::employed(&server, "viewer").await;
    let fields = [
        ("password", "another horse battery"),
        ("again", "another horse battery"),
        ("role", "owner"),
        ("is_admin", "true"),
    ];
    viewer.post("/admin/account/password", &fields).await;
    assert_eq!(viewer.get("/admin/people").await.status, 403);
    let order = json!({"userId": "u", "subject": "s", "amount": 1, "status": "paid"});
    Api::of(&server)
        .post("/orders", &order)
        .await
        .refused(422, "invalid");
}

#[tokio::test]
async fn z4_z8_nothing_is_reachable_without_a_session() {
    let server = server(&[]);
    let order = Api::of(&server).order().await;
    let secrets = [OWNER.0, order["orderNo"].as_str().unwrap()];
    let stranger = Visitor::of(&server);
    for (guests, verb, path) in GUESTS {
        let answer = knock(&stranger, verb, path).await;
        if *guests != "*" {
            assert_eq!(answer.status, 303, "{verb} {path}");
            let place = answer.header("location").unwrap();
            assert!(place.starts_with("/admin/login"), "{verb} {path}: {place}");
        }
        for secret in secrets {
            assert!(!answer.text.contains(secret), "{verb} {path}");
        }
    }
    let strange = [
        "/admin/orders.json",
        "/admin/people.json",
        "/admin/x",
        "/ui/orders",
    ];
    for path in pages().chain(strange) {
        let request = client()
            .get(format!("{}{path}", server.url))
            .bearer_auth(API_KEY)
            .header("cookie", format!("admin={API_KEY}"));
        let answer = send(request).await;
        assert!(matches!(answer.status, 303 | 404), "{path}: {}", answer.status);
        assert!(
            secrets.iter().all(|secret| !answer.text.contains(secret)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn z9_no_header_bypasses_the_login() {
    let server = server(&[]);
    for name in [
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-prefix",
        "user-id",
        "x-user",
    ] {
        let request = client()
            .get(format!("{}/admin/login", server.url))
            .header(name, "/admin/people");
        let answer = send(request).await;
        assert!(!answer.text.contains(OWNER.0), "{name}");
    }
    let overridden = client()
        .get(format!("{}/admin/logout", server.url))
        .header("x-http-method-override", "POST");
    assert!(matches!(send(overridden).await.status, 303 | 404 | 405));
}

/// Sends the path byte for byte: a client library would normalise it.
fn spell(server: &Server, target: &str, cookie: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let (host, end) = (server.address(), "Connection: close\r\n\r\n");
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n{end}"
    )
    .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let answer = String::from_utf8_lossy(&bytes).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{target}: {answer}")), answer)
}

#[tokio::test]
async fn z10_no_spelling_of_a_path_bypasses_the_login() {
    let server = server(&[]);
    let viewer = {
        let (email, password) = crate::console::visitor::employ(&server, "viewer");
        Visitor::cookie_of(&server, &email, password).await
    };
    let owner = Visitor::cookie_of(&server, OWNER.0, OWNER.1).await;
    assert!(
        spell(&server, "/admin/people", &owner)
            .1
            .contains("viewer@example.com")
    );
    let absolute = format!("http://{}/admin/people", server.address());
    for target in [
        "/admin/..;/admin/people",
        "/..;/admin/people",
        "//admin/people",
        "/admin//people",
        "/ADMIN/people",
        "/Admin/People",
        "/%61dmin/people",
        "/admin%2fpeople",
        "/admin/people/",
        "/admin/people.",
        "/admin/people%2e",
        "/admin/./people",
        "/admin/%2e/people",
        "/admin/people;x=1",
        "/admin/login/../people",
        "/admin/login/%2e%2e/people",
        "/admin/login/..%2fpeople",
        "/admin/login/..%5cpeople",
        "/admin\\people",
        "/admin/people%00",
        "/admin/people%20",
        "/admin/people/x.css",
        "/admin/login?next=/admin/people#/admin/people",
        "/assets/../admin/people",
        "/pkg/%2e%2e/admin/people",
        "admin/people",
        &absolute,
        "http://evil.example/admin/people",
        "*",
    ] {
        for cookie in ["", &viewer] {
            let (status, answer) = spell(&server, target, cookie);
            assert!(
                matches!(status, 303 | 400 | 403 | 404) || target.contains('?'),
                "{target}: {answer}"
            );
            assert!(!answer.contains(OWNER.0), "{target}");
        }
    }
}
