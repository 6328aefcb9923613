//! The API reference for people: every call of the description, without a script and without another host.

use super::api::{Api, client, send};
use super::server::Server;

/// All scripts of a page: Leptos writes down that nothing is left to load, under the nonce of the answer.
const NOTHING_TO_LOAD: [&str; 2] = [
    "__RESOLVED_RESOURCES=[];__SERIALIZED_ERRORS=[];__PENDING_RESOURCES=[];__RESOURCE_RESOLVERS=[];",
    "__INCOMPLETE_CHUNKS=[];",
];

#[tokio::test]
async fn docs_show_every_call_and_lead_to_the_guide() {
    // No bundle, so that a script on the page would be one of its own.
    let no_bundle = tempfile::tempdir().unwrap();
    let server = Server::simulated(&[("LEPTOS_SITE_ROOT", no_bundle.path().to_str().unwrap())]);
    let description = Api::of(&server).get("/openapi.json").await.ok(200);
    assert_eq!(description["servers"][0]["url"], server.url.as_str());
    let get = async |path: &str| {
        let url = format!("{}{path}", server.url);
        send(client().get(url).header("accept", "text/html")).await
    };
    let page = get("/docs?lang=en").await;
    assert_eq!(page.status, 200);
    for (path, methods) in description["paths"].as_object().unwrap() {
        assert!(page.text.contains(path.as_str()), "{path}");
        for call in methods.as_object().unwrap().values() {
            let summary = call["summary"].as_str().unwrap();
            assert!(page.text.contains(summary), "{summary}");
        }
    }
    for name in description["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.text.contains(&format!("id=\"object-{name}\"")), "{name}");
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"));
    let nonce = policy
        .split('\'')
        .find_map(|part| part.strip_prefix("nonce-"))
        .unwrap();
    let scripts: Vec<&str> = page.text.split("<script").skip(1).collect();
    assert_eq!(scripts.len(), NOTHING_TO_LOAD.len());
    for (script, text) in scripts.iter().zip(NOTHING_TO_LOAD) {
        let wanted = format!(" nonce=\"{nonce}\">{text}</script>");
        assert!(script.starts_with(&wanted), "a script of its own: {script}");
    }
    for attribute in ["src=\"http", "href=\"http"] {
        for part in page.text.split(attribute).skip(1) {
            // Only the stripe of simulator mode leads away: to the simulated phone.
            let is_wallet = format!("http{part}").starts_with(server.wallet.as_deref().unwrap());
            assert!(is_wallet, "another host: {}", part.split('"').next().unwrap());
        }
    }
    for (language, guide) in [
        ("en", "/docs/PAYMENT_INTEGRATION.md"),
        ("zh", "/docs/PAYMENT_INTEGRATION.zh-CN.md"),
    ] {
        let page = get(&format!("/docs?lang={language}")).await;
        assert!(page.text.contains(&format!("href=\"{guide}\"")), "{language}");
        let guide = get(guide).await;
        assert_eq!(guide.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(guide.text.contains("POST /api/billing/orders"));
    }
    let shop = get("/").await;
    assert!(shop.text.contains("href=\"/docs\""), "the demo shop leads there");
}
