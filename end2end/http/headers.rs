//! Authentication of the API, headers of every answer, and CSRF protection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::api::{Api, client, send};
use super::server::{Server, run};

#[tokio::test]
async fn a_program_needs_a_key_with_the_scope() {
    let server = Server::simulated(&[]);
    let order = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
    for key in ["wrong", "tq_test_0123456789abcde", ""] {
        let stranger = Api::with_key(&server, key);
        let answer = stranger.get("/orders").await;
        answer.refused(401, "unauthenticated");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
        stranger
            .post("/orders", &order)
            .await
            .refused(401, "unauthenticated");
    }
    let bare = send(client().get(format!("{}/api/billing/orders", server.url))).await;
    bare.refused(401, "unauthenticated");
    // The key is not looked for anywhere else.
    let in_query = send(client().get(format!(
        "{}/api/billing/orders?api_key={}",
        server.url,
        super::server::API_KEY
    )));
    in_query.await.refused(401, "unauthenticated");

    let made = run(
        server.dir.path(),
        &[],
        &["key", "create", "--name", "reader", "--scope", "read"],
        "",
    );
    assert!(made.status.success());
    let reader = Api::with_key(&server, String::from_utf8(made.stdout).unwrap().trim());
    assert_eq!(reader.get("/orders").await.status, 200);
    reader.post("/orders", &order).await.refused(403, "forbidden");
    let description = send(client().get(format!("{}/api/billing/openapi.json", server.url)))
        .await
        .ok(200);
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn every_answer_has_an_id_of_ours_and_guards_the_browser() {
    let server = Server::simulated(&[]);
    let mut ids = std::collections::BTreeSet::new();
    for (path, status) in [
        ("/", 200),
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/robots.txt", 200),
        ("/docs", 200),
        ("/docs/PAYMENT_INTEGRATION.md", 200),
        ("/favicon.svg", 200),
        ("/nowhere", 404),
        ("/admin", 303),
        ("/checkout/unknown", 404),
        ("/checkout/unknown/status", 404),
        ("/checkout/unknown/events", 404),
        ("/pkg/nothing.js", 404),
        ("/pkg/..%2f..%2fCargo.toml", 404),
        ("/api/billing/nowhere", 404),
        ("/api/billing/orders", 401),
        ("/metrics", 404),
        ("/.env", 404),
    ] {
        let answer = send(
            client()
                .get(format!("{}{path}", server.url))
                .header("x-request-id", "mine"),
        )
        .await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert!(id.len() >= 16 && ids.insert(id), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"),
            "{path}"
        );
        assert!(!policy.contains("'unsafe-eval'"), "{path}");
        assert!(
            answer.header("cache-control").is_some() && answer.header("server").is_none(),
            "{path}"
        );
        assert!(answer.header("access-control-allow-origin").is_none(), "{path}");
        assert!(!answer.text.contains("Cargo"), "{path}");
    }
}

#[tokio::test]
async fn a_page_has_its_own_nonce_and_is_never_cached() {
    let server = Server::simulated(&[]);
    let page = || send(client().get(format!("{}/", server.url)));
    let (one, two) = (page().await, page().await);
    assert_eq!(one.header("cache-control"), Some("private, no-store"));
    assert_eq!(
        one.header("referrer-policy"),
        Some("strict-origin-when-cross-origin")
    );
    let nonce = |answer: &super::api::Answer| {
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_ne!(nonce(&one), nonce(&two));
    assert!(one.text.contains(&nonce(&one)));
    assert!(
        !one.text.contains("https://"),
        "a page loads nothing from elsewhere"
    );
    let start = one.text.find("/assets/main.").expect("the page has a stylesheet");
    let path = one.text[start..].split('"').next().unwrap();
    let sheet = send(client().get(format!("{}{path}", server.url))).await;
    assert_eq!(sheet.status, 200);
    assert!(sheet.header("cache-control").unwrap().contains("immutable"));
    assert!(sheet.header("content-type").unwrap().starts_with("text/css"));
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let server = Server::simulated(&[]);
    let form = || {
        client()
            .post(format!("{}/ui/buy_plan", server.url))
            .form(&[("plan", "team")])
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        send(form().header(name, value)).await.refused(403, "forbidden");
    }
    let evil = form()
        .header("referer", "https://evil.example/")
        .header("accept", "text/html");
    let back = send(evil).await;
    assert_eq!(back.status, 303);
    assert!(back.header("location").unwrap().starts_with("/checkout/"));
    assert_eq!(send(form().header("origin", &server.url)).await.status, 303);
    let link = send(client().get(format!("{}/ui/buy_plan?plan=team", server.url))).await;
    assert_eq!(link.status, 405);
    let large = client()
        .post(format!("{}/ui/buy_plan", server.url))
        .form(&[("plan", "x".repeat(300_000))]);
    assert_eq!(send(large).await.status, 413);
}

/// Sends bytes as they are and returns the beginning of the answer.
fn raw(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = [0; 4096];
    let n = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..n]).into_owned()
}

#[tokio::test]
async fn exactly_one_host_is_needed_and_none_is_used() {
    let server = Server::simulated(&[]);
    for hosts in ["", "Host: a\r\nHost: b\r\n", "Host: a b\r\n"] {
        let answer = raw(
            &server,
            format!("GET /health/live HTTP/1.1\r\n{hosts}\r\n").as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts:?}: {answer}");
    }
    let evil = "{\"userId\":\"u\",\"subject\":\"s\",\"amount\":1}";
    let request = format!(
        "POST /api/billing/orders HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{evil}",
        super::server::API_KEY,
        evil.len()
    );
    let answer = raw(&server, request.as_bytes());
    assert!(
        answer.starts_with("HTTP/1.1 201") && !answer.contains("evil.example"),
        "{answer}"
    );
    assert!(answer.contains(&format!("{}/checkout/", server.url)));
}

#[tokio::test]
async fn an_incomplete_request_times_out() {
    let server = Server::simulated(&[]);
    let address = server.address().to_owned();
    let started = std::time::Instant::now();
    let waited = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut answer = [0; 64];
        stream.read(&mut answer).is_ok()
    });
    assert!(waited.await.unwrap(), "the server still waits");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn unknown_methods_change_nothing() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for method in ["PATCH", "TRACE", "PROPFIND", "OPTIONS"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = send(api.request(method.clone(), "/orders")).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    assert_eq!(send(api.request(Method::HEAD, "/orders")).await.status, 200);
}
