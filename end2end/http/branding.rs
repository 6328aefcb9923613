//! Branding of pages, allowed return URLs, and compression.

use std::io::Write as _;

use flate2::write::GzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{Api, client, send};
use super::server::{Server, run};

const LOGO: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"><path d=\"M0 0h1v1z\"/></svg>";

/// The path in the page that begins so.
fn path_in<'a>(page: &'a str, beginning: &str) -> &'a str {
    let at = page
        .find(beginning)
        .unwrap_or_else(|| panic!("no {beginning} in {page}"));
    page[at..].split('"').next().unwrap()
}

#[tokio::test]
async fn the_operators_name_mark_colour_and_help_are_on_every_page() {
    let dir = TempDir::new().unwrap();
    let logo = dir.path().join("mark.svg");
    std::fs::write(&logo, LOGO).unwrap();
    let server = Server::simulated(&[
        ("MERCHANT_NAME", "Tea & Co"),
        ("MERCHANT_LOGO", logo.to_str().unwrap()),
        ("MERCHANT_COLOR", "#ffd400"),
        ("MERCHANT_CONTACT", "help@tea.example"),
    ]);
    let page = send(client().get(format!("{}/?lang=en", server.url))).await;
    assert!(page.text.contains("Tea &amp; Co") && page.text.contains("mailto:help@tea.example"));
    let mark = send(client().get(format!("{}{}", server.url, path_in(&page.text, "/assets/logo.")))).await;
    assert_eq!((mark.status, mark.text.as_str()), (200, LOGO));
    assert_eq!(mark.header("content-type"), Some("image/svg+xml"));
    // Opened by itself it is a document, and may run nothing.
    assert!(
        mark.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
    let sheet = send(client().get(format!("{}{}", server.url, path_in(&page.text, "/assets/main.")))).await;
    let accent = sheet.text.rsplit("@layer tokens{").next().unwrap();
    // Yellow cannot be read on white: what is used is a darker shade of it.
    assert!(accent.starts_with(":root{--accent:#") && !accent.starts_with(":root{--accent:#ffd400"));
    assert!(accent.contains("dark){:root{--accent:#ffd400"), "{accent}");
}

#[tokio::test]
async fn official_marks_of_the_operator_take_the_place_of_our_signs() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("wechat.svg"), LOGO).unwrap();
    let server = Server::simulated(&[("MARKS_DIR", dir.path().to_str().unwrap())]);
    let order = Api::of(&server).order().await;
    let page = send(client().get(order["checkoutUrl"].as_str().unwrap())).await;
    let mark = send(client().get(format!(
        "{}{}",
        server.url,
        path_in(&page.text, "/assets/wechat.")
    )))
    .await;
    assert_eq!((mark.status, mark.text.as_str()), (200, LOGO));
    assert!(
        !page.text.contains("/assets/alipay."),
        "a mark that is not there is not shown"
    );
}

#[tokio::test]
async fn invalid_branding_settings_are_named_at_the_start() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("page.html"), "<html>").unwrap();
    std::fs::create_dir(dir.path().join("marks")).unwrap();
    std::fs::write(dir.path().join("marks/wechat.svg"), "<html>").unwrap();
    for (name, value) in [
        ("MERCHANT_LOGO", "nowhere.svg"),
        ("MERCHANT_LOGO", "page.html"),
        ("MARKS_DIR", "marks"),
        ("MERCHANT_COLOR", "blue"),
        ("MERCHANT_CONTACT", "javascript:alert(1)"),
        ("RETURN_URL_HOSTS", "https://shop.example/"),
    ] {
        let ended = run(dir.path(), &[(name, value)], &["serve"], "");
        assert_eq!(ended.status.code(), Some(2), "{name}={value}");
        assert!(
            String::from_utf8_lossy(&ended.stderr).contains(name),
            "{name}={value}"
        );
    }
}

#[tokio::test]
async fn payers_are_sent_back_only_to_hosts_the_operator_named() {
    let server = Server::simulated(&[("RETURN_URL_HOSTS", "shop.example,*.brand.example")]);
    let api = Api::of(&server);
    let order = |url: &str| json!({"userId": "u1", "subject": "Tea", "amount": 100, "returnUrl": url});
    for url in [
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://brand.example/",
    ] {
        let refused = api.post("/orders", &order(url)).await;
        refused.refused(422, "invalid");
        assert!(refused.text.contains("returnUrl"), "{}", refused.text);
    }
    let made = api
        .post("/orders", &order("https://pay.brand.example/back?x=1"))
        .await
        .ok(201);
    let elsewhere = json!({
        "orderId": made["id"], "method": "alipay", "product": "wap", "returnUrl": "https://evil.example/",
    });
    api.post("/payments", &elsewhere).await.refused(422, "invalid");
    api.post(
        &format!("/orders/{}/cancel", made["id"].as_str().unwrap()),
        &json!({}),
    )
    .await
    .ok(200);
    let back = format!("{}/return", made["checkoutUrl"].as_str().unwrap());
    let page = send(client().get(made["checkoutUrl"].as_str().unwrap())).await;
    assert!(page.text.contains(back.strip_prefix(&server.url).unwrap()));
    let left = send(client().get(back)).await;
    assert_eq!(
        left.header("location"),
        Some("https://pay.brand.example/back?x=1")
    );
}

#[tokio::test]
async fn pages_of_payers_are_compressed_when_accepted() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    api.payment(&order, "wechat").await;
    let page = order["checkoutUrl"].as_str().unwrap();
    let plain = send(client().get(page)).await;
    assert!(plain.header("content-encoding").is_none() && plain.text.contains("<svg"));
    let sheet = format!("{}{}", server.url, path_in(&plain.text, "/assets/main."));
    let mut sent = 0;
    for url in [page, &sheet] {
        let small = client()
            .get(url)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(small.headers()["content-encoding"], "gzip", "{url}");
        assert_eq!(small.headers()["vary"], "accept-encoding", "{url}");
        let bytes = small.bytes().await.unwrap();
        sent += bytes.len();
        let mut whole = GzDecoder::new(Vec::new());
        whole.write_all(&bytes).unwrap();
        let text = String::from_utf8(whole.finish().unwrap()).unwrap();
        assert!(text.contains(if url == page { "<svg" } else { ".qr" }), "{url}");
    }
    assert!(sent <= 15 * 1024, "the first page has {sent} bytes");
    // Answers for programs and event streams are not compressed.
    for path in ["/status", "/events"] {
        let request = client()
            .get(format!("{page}{path}"))
            .header("accept-encoding", "gzip");
        let answer = request.send().await.unwrap();
        assert!(!answer.headers().contains_key("content-encoding"), "{path}");
    }
}

#[tokio::test]
async fn a_chosen_language_is_kept_however_it_is_spelled() {
    let server = Server::simulated(&[]);
    for (chosen, kept, tag) in [
        ("zh-CN", "zh", "zh-CN"),
        ("EN", "en", "en"),
        ("en-GB", "en", "en"),
    ] {
        let payer = client();
        let page = |path: &str| {
            payer
                .get(format!("{}{path}", server.url))
                .header("accept-language", "fr")
        };
        let first = send(page(&format!("/?lang={chosen}"))).await;
        let cookie = first.header("set-cookie").unwrap_or_default();
        assert!(
            cookie.starts_with(&format!("payer_language={kept};")),
            "{chosen}: {cookie}"
        );
        let next = send(page("/")).await;
        assert!(
            next.text.contains(&format!("<html lang=\"{tag}\"")),
            "{chosen}: {}",
            next.text
        );
    }
}

#[tokio::test]
async fn fifty_open_pages_share_one_gateway_query() {
    const PLENTY: u64 = 1_000;
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    api.payment(&order, "wechat").await;
    let page = order["checkoutUrl"].as_str().unwrap();
    // A fault that changes nothing here counts the questions.
    let faults = format!("{}/faults", server.control());
    let counter = json!({"kind": "stale", "seconds": 1, "endpoint": "query", "times": PLENTY});
    send(client().post(&faults).json(&counter)).await.ok(200);
    let mut pages = Vec::new();
    for _ in 0..50 {
        pages.push(client().get(format!("{page}/events")).send().await.unwrap());
    }
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    // All of them return at once.
    let asks = (0..50).map(|_| send(client().get(format!("{page}/status?ask"))));
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.ok(200)["state"], "waiting");
    }
    let left = send(client().get(&faults)).await.ok(200);
    let asked = PLENTY - times_left(&left);
    // After 2, 3 and 4 seconds, and one a second while the returning pages are answered.
    assert!((1..=10).contains(&asked), "{asked} questions: {left}");
}

pub fn times_left(faults: &Value) -> u64 {
    faults["faults"][0]["times"]
        .as_u64()
        .unwrap_or_else(|| panic!("{faults}"))
}
