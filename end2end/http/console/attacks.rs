//! Attacks by other sites, caches, exports and filters.

use serde_json::json;

use crate::api::{Answer, Api};
use crate::console::access::pages;
use crate::console::visitor::{OWNER, Visitor, server};

fn is_framed_by_nobody(answer: &Answer) -> bool {
    answer
        .header("content-security-policy")
        .is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
}

#[tokio::test]
async fn s2_another_site_cannot_log_a_person_in_or_out() {
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
async fn s9_the_session_cookie_is_bound_to_its_host() {
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
async fn s10_s13_s16_pages_are_neither_framed_nor_cached() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    for path in pages() {
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
async fn i3_csv_cells_are_never_formulas() {
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
