//! Static files: strong validators, compressed variants, and a program that carries its bundle.

use std::io::Write as _;

use tempfile::TempDir;

use super::api::{Answer, Api, client, send};
use super::server::{Server, run};

async fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request).await
}

/// A directory with a bundle whose twins are there.
fn bundle() -> TempDir {
    let dir = TempDir::new().unwrap();
    let pkg = dir.path().join("pkg");
    std::fs::create_dir_all(&pkg).unwrap();
    let script = "export default function init() {} // ".repeat(40);
    for (name, content) in [
        ("tongqian.js", script.as_bytes()),
        ("tongqian_bg.wasm", b"\0asm".as_slice()),
        ("tongqian.js.br", b"not really brotli".as_slice()),
    ] {
        let mut file = std::fs::File::create(pkg.join(name)).unwrap();
        file.write_all(content).unwrap();
    }
    dir
}

fn path_in(page: &str, begins: &str) -> String {
    let at = page.find(begins).unwrap_or_else(|| panic!("{begins} in {page}"));
    page[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_that_the_browser_holds_is_not_sent_again() {
    let site = bundle();
    let server = Server::simulated(&[("LEPTOS_SITE_ROOT", site.path().to_str().unwrap())]);
    let api = Api::of(&server);
    let order = api.order().await;
    api.payment(&order, "wechat").await;
    let page = get(order["checkoutUrl"].as_str().unwrap(), &[]).await.text;
    let directory = path_in(&page, "/pkg/");
    let fingerprint = directory.split('/').nth(2).unwrap();
    let script = format!("{}/pkg/{fingerprint}/tongqian.js", server.url);
    let style = format!("{}{}", server.url, path_in(&page, "/assets/main."));
    for (url, media_type) in [
        (script.as_str(), "text/javascript; charset=utf-8"),
        (style.as_str(), "text/css; charset=utf-8"),
        (&format!("{}/favicon.svg", server.url), "image/svg+xml"),
    ] {
        let first = get(url, &[]).await;
        assert_eq!(
            (first.status, first.header("content-type")),
            (200, Some(media_type)),
            "{url}"
        );
        let etag = first.header("etag").unwrap().to_owned();
        assert!(etag.starts_with('"') && etag.len() > 20, "strong: {etag}");
        let again = get(url, &[("if-none-match", &etag)]).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{url}");
        assert_eq!(again.header("etag"), Some(etag.as_str()));
        let changed = get(url, &[("if-none-match", "\"another\"")]).await;
        assert_eq!(changed.status, 200);
        assert_eq!(first.header("vary"), Some("accept-encoding"));
    }
    let plain = get(&script, &[]).await;
    let small = get(&script, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(small.header("content-encoding"), Some("br"));
    assert_eq!(small.text, "not really brotli");
    assert_ne!(
        small.header("etag"),
        plain.header("etag"),
        "other bytes have another validator"
    );
    let style = get(&style, &[("accept-encoding", "gzip")]).await;
    assert_eq!(style.header("content-encoding"), Some("gzip"));
    let none = get(&format!("{}/pkg/0/tongqian.js", server.url), &[]).await;
    assert_eq!(none.status, 404);
}

#[test]
fn the_version_tells_commit_and_features() {
    let dir = TempDir::new().unwrap();
    let output = run(dir.path(), &[], &["--version"], "");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines = said.lines();
    assert_eq!(
        lines.next(),
        Some(concat!("tongqian ", env!("CARGO_PKG_VERSION")))
    );
    assert!(lines.next().unwrap().starts_with("commit "), "{said}");
    assert!(
        lines.next().unwrap().starts_with("features sqlite postgres"),
        "{said}"
    );
}

#[tokio::test]
async fn health_is_asked_by_the_program_itself() {
    let server = Server::simulated(&[]);
    let ask = |listen: &str| {
        run(server.dir.path(), &[("LISTEN", listen)], &["health"], "")
            .status
            .code()
    };
    assert_eq!(ask(server.address()), Some(0));
    assert_eq!(ask("127.0.0.1:9"), Some(1));
}
