//! What strangers and colleagues without the right try at the console.

use serde_json::json;

use crate::api::{Answer, Api, client, send};
use crate::console::visitor::{OWNER, Visitor, server};
use crate::server::API_KEY;

/// Every page of the console that shows something.
const PAGES: [&str; 14] = [
    "/admin",
    "/admin/orders",
    "/admin/orders.csv",
    "/admin/refunds",
    "/admin/attention",
    "/admin/balances",
    "/admin/books",
    "/admin/gateways",
    "/admin/keys",
    "/admin/callbacks",
    "/admin/account",
    "/admin/account/totp",
    "/admin/people",
    "/admin/audit",
];

/// Every form that needs more than being in.
const FORMS: [&str; 17] = [
    "/admin/orders/ord_1/ask",
    "/admin/orders/ord_1/notes",
    "/admin/payments/pay_1/refund/check",
    "/admin/payments/pay_1/refund",
    "/admin/refunds/wish_1/approve",
    "/admin/refunds/wish_1/reject",
    "/admin/refunds/ref_1/retry",
    "/admin/attention/inc_1/assign",
    "/admin/attention/inc_1/resolve",
    "/admin/balances/adjust",
    "/admin/gateways/wechat/test",
    "/admin/keys",
    "/admin/keys/key_1/revoke",
    "/admin/callbacks/wechat/1/replay",
    "/admin/people",
    "/admin/people/usr_1/role",
    "/admin/people/usr_1/disable",
];

fn is_framed_by_nobody(answer: &Answer) -> bool {
    answer
        .header("content-security-policy")
        .is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
}

#[tokio::test]
async fn z4_z8_nobody_sees_anything_without_a_session() {
    let server = server(&[]);
    let order = Api::of(&server).order().await;
    let secrets = [OWNER.0, order["orderNo"].as_str().unwrap()];
    let strange = [
        "/admin/orders.json",
        "/admin/people.json",
        "/admin/x",
        "/ui/orders",
    ];
    for path in PAGES.into_iter().chain(strange) {
        for key in [None, Some(API_KEY)] {
            let mut request = client().get(format!("{}{path}", server.url));
            if let Some(key) = key {
                request = request.bearer_auth(key).header("cookie", format!("admin={key}"));
            }
            let answer = send(request).await;
            assert!(matches!(answer.status, 303 | 404), "{path}: {}", answer.status);
            for secret in secrets {
                assert!(!answer.text.contains(secret), "{path}");
            }
        }
    }
    let visitor = Visitor::of(&server);
    for path in FORMS {
        let status = visitor.post(path, &[("amount", "1")]).await.status;
        assert!(matches!(status, 303 | 404), "{path}: {status}");
    }
}

#[tokio::test]
async fn z5_z7_who_may_look_does_nothing_and_cannot_become_more() {
    let server = server(&[]);
    let viewer = Visitor::employed(&server, "viewer").await;
    for path in FORMS {
        let answer = viewer
            .post(path, &[("role", "owner"), ("is_admin", "true")])
            .await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
    }
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
async fn z9_z10_no_header_and_no_spelling_leads_past_the_door() {
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
    for path in [
        "/admin/..;/admin/people",
        "//admin/people",
        "/ADMIN/people",
        "/%61dmin/people",
        "/admin%2fpeople",
        "/admin/people/",
        "/admin/people.",
        "/admin/./people",
        "/admin/people;x=1",
        "/admin/login/../people",
        "/admin/people%00",
    ] {
        let answer = send(client().get(format!("{}{path}", server.url))).await;
        assert!(
            matches!(answer.status, 303 | 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text.contains(OWNER.0), "{path}");
    }
}

#[tokio::test]
async fn s2_nobody_is_logged_in_or_out_by_another_site() {
    let server = server(&[]);
    let visitor = Visitor::owner(&server).await;
    let fields = [("email", OWNER.0), ("password", OWNER.1)];
    for path in ["/admin/login", "/admin/logout"] {
        let answer = visitor
            .post_from("https://evil.example", "cross-site", path, &fields)
            .await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert_eq!(visitor.get("/admin").await.status, 200, "still in");
}

#[tokio::test]
async fn s6_an_unknown_person_is_told_what_a_known_one_is() {
    let server = server(&[]);
    let visitor = Visitor::of(&server);
    let known = visitor.log_in(OWNER.0, "wrong horse battery").await;
    let unknown = visitor.log_in("other@example.com", "wrong horse battery").await;
    let told = |answer: &Answer, email: &str| answer.text.replace(email, "");
    assert_eq!((known.status, unknown.status), (401, 401));
    assert_eq!(
        told(&known, OWNER.0).len(),
        told(&unknown, "other@example.com").len()
    );
}

#[tokio::test]
async fn s7_a_password_without_end_is_refused_before_it_is_hashed() {
    let server = server(&[]);
    let long = "x".repeat(1 << 20);
    let began = std::time::Instant::now();
    let tries = (0..20).map(|_| async {
        let visitor = Visitor::of(&server);
        visitor.log_in(OWNER.0, &long).await.status
    });
    for status in futures_util::future::join_all(tries).await {
        assert!(matches!(status, 413 | 422 | 429), "{status}");
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}

#[tokio::test]
async fn s9_the_cookie_of_a_real_site_stays_there() {
    let server = server(&[("PUBLIC_URL", "https://pay.example.com")]);
    let visitor = Visitor::of(&server);
    let fields = [("email", OWNER.0), ("password", OWNER.1)];
    let answer = visitor
        .post_from("https://pay.example.com", "same-origin", "/admin/login", &fields)
        .await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn s10_s13_s16_no_frame_shows_a_page_and_no_cache_keeps_one() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    for path in PAGES {
        let page = owner.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("cache-control"), Some("private, no-store"), "{path}");
        assert!(is_framed_by_nobody(&page), "{path}");
    }
    for path in [
        "/admin/login",
        "/admin/orders/ord_nothing",
        "/admin/orders?status=x",
    ] {
        let page = owner.get(path).await;
        assert!(is_framed_by_nobody(&page), "{path}: {:?}", page.headers);
    }
    let style = owner.get("/admin").await.text;
    let (_, rest) = style.split_once("href=\"/assets/").unwrap();
    let sheet = owner
        .get(&format!("/assets/{}", rest.split('"').next().unwrap()))
        .await;
    assert_eq!((sheet.status, sheet.header("set-cookie")), (200, None));
}

#[tokio::test]
async fn i3_no_cell_of_a_file_is_a_formula() {
    let server = server(&[]);
    let api = Api::of(&server);
    for (n, subject) in ["=1+1", "+1", "-1", "@SUM(A1)", "a,=1", "a\"=1"]
        .into_iter()
        .enumerate()
    {
        let body = json!({"userId": format!("=u{n}"), "subject": subject, "amount": 1});
        let answer = api.post("/orders", &body).await;
        assert!(matches!(answer.status, 201 | 422), "{subject}: {}", answer.text);
    }
    let file = Visitor::owner(&server).await.get("/admin/orders.csv").await;
    assert!(file.text.starts_with('\u{FEFF}'));
    for line in file.text.lines().skip(1) {
        let cells = line.split(',').map(|cell| cell.trim_start_matches('"'));
        for cell in cells.filter(|cell| !cell.starts_with("=1")) {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{line}");
        }
    }
    assert!(
        file.text.contains("'=1+1") && file.text.contains("'@SUM(A1)"),
        "{}",
        file.text
    );
}

#[tokio::test]
async fn i4_a_filter_is_a_value_and_never_sql() {
    let server = server(&[]);
    Api::of(&server).order().await;
    let owner = Visitor::owner(&server).await;
    let all = owner.get("/admin/orders").await;
    assert!(all.text.contains("/admin/orders/ord_"));
    for attack in [
        "' or 1=1 --",
        "%",
        "_",
        "\0",
        "1; drop table orders",
        "\" or \"\"=\"",
        "x' union select 1",
    ] {
        let value: String = url::form_urlencoded::byte_serialize(attack.as_bytes()).collect();
        for name in ["q", "status", "method", "from", "to", "least", "most", "cursor"] {
            let answer = owner.get(&format!("/admin/orders?{name}={value}")).await;
            assert!(
                matches!(answer.status, 200 | 422),
                "{name}={attack}: {}",
                answer.status
            );
            if answer.status == 200 {
                assert!(
                    !answer.text.contains("/admin/orders/ord_"),
                    "{name}={attack} found something"
                );
            }
        }
    }
    let sorted = owner.get("/admin/orders?sort=amount;drop&order=1").await;
    assert!(matches!(sorted.status, 200 | 422));
    assert_eq!(
        owner
            .get("/admin/orders")
            .await
            .text
            .matches("/admin/orders/ord_")
            .count(),
        1
    );
}
