//! The doctor names the cause of a broken set-up under the name of its setting, and sound set-ups pass.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::api::{Api, client, send};
use super::console::visitor::{OWNER, Visitor};
use super::server::{Gateways, Server, run};

type Settings = Vec<(String, String)>;

/// A sound live set-up at the simulator.
fn sound(gateways: &Gateways, dir: &Path) -> Settings {
    let mut settings = gateways.settings.clone();
    for (name, value) in [
        ("GATEWAYS", "live".to_owned()),
        ("PUBLIC_URL", "https://pay.example.com".to_owned()),
        ("LISTEN", "127.0.0.1:0".to_owned()),
        ("DATABASE_URL", format!("sqlite://{}/data/shop.db", dir.display())),
    ] {
        settings.push((name.to_owned(), value));
    }
    settings
}

fn get(settings: &Settings, name: &str) -> String {
    let found = settings.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn with(settings: &Settings, changes: &[(&str, &str)]) -> Settings {
    let mut changed = settings.clone();
    for (name, value) in changes {
        changed.retain(|(found, _)| found != name);
        if !value.is_empty() {
            changed.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    changed
}

fn examine(dir: &Path, settings: &Settings, args: &[&str]) -> (Option<i32>, String) {
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut all = vec!["doctor"];
    all.extend(args);
    let output = run(dir, &settings, &all, "");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[track_caller]
fn fails(dir: &Path, settings: &Settings, args: &[&str], name: &str) {
    let (code, said) = examine(dir, settings, args);
    assert_eq!(code, Some(1), "{name}: {said}");
    let begins = format!("fail  {name}: ");
    assert!(
        said.lines().any(|line| line.starts_with(&begins)),
        "{name}: {said}"
    );
    for line in said.lines() {
        let is_check = ["ok    ", "warn  ", "fail  "]
            .iter()
            .any(|word| line.starts_with(word));
        assert!(is_check && line.contains(": "), "{line}");
        assert!(
            !line.contains("PRIVATE KEY-----") && !line.contains("MII"),
            "a key is shown: {line}"
        );
    }
}

#[track_caller]
fn passes(dir: &Path, settings: &Settings, args: &[&str]) -> String {
    let (code, said) = examine(dir, settings, args);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("fail  "), "{said}");
    said
}

#[test]
fn each_broken_setting_is_named_without_asking_anybody() {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let sound = sound(&gateways, dir.path());
    let said = passes(dir.path(), &sound, &["--offline"]);
    assert!(!said.contains("warn  "), "no false alarm: {said}");
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let own = |name: &str| get(&sound, name);
    let cut = own("WECHAT_PRIVATE_KEY").chars().take(400).collect::<String>();
    let (wechat_private, wechat_public) = (own("WECHAT_PRIVATE_KEY"), own("WECHAT_PUBLIC_KEY"));
    let (alipay_private, alipay_public) = (own("ALIPAY_PRIVATE_KEY"), own("ALIPAY_PUBLIC_KEY"));
    let seller = own("ALIPAY_SELLER_ID");
    let app = own("ALIPAY_APP_ID");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below_file = format!("{}/data", file.display());
    let database_below_file = format!("sqlite://{below_file}/shop.db");
    let cases: &[(&str, &str, &str)] = &[
        ("WECHAT_MCH_ID", "", "WECHAT_MCH_ID"),
        ("WECHAT_MCH_ID", "wx1900000109", "WECHAT_MCH_ID"),
        ("WECHAT_APP_ID", "1900000109", "WECHAT_APP_ID"),
        ("WECHAT_APP_ID", "wx-1", "WECHAT_APP_ID"),
        ("WECHAT_MINI_APP_ID", "1900000109", "WECHAT_MINI_APP_ID"),
        ("WECHAT_MINI_APP_ID", "", "WECHAT_MINI_APP_ID"),
        ("WECHAT_MINI_APP_SECRET", "two words", "WECHAT_MINI_APP_SECRET"),
        ("WECHAT_SHIPPING", "express", "WECHAT_SHIPPING"),
        ("WECHAT_SERIAL_NO", "1D:DE:55", "WECHAT_SERIAL_NO"),
        ("WECHAT_SERIAL_NO", "PUB_KEY_ID_01", "WECHAT_SERIAL_NO"),
        (
            "WECHAT_API_V3_KEY",
            "0123456789abcdef0123456789abcde",
            "WECHAT_API_V3_KEY",
        ),
        ("WECHAT_PRIVATE_KEY", &wechat_public, "WECHAT_PRIVATE_KEY"),
        ("WECHAT_PRIVATE_KEY", &cut, "WECHAT_PRIVATE_KEY"),
        ("WECHAT_PRIVATE_KEY", "@/nowhere/key.pem", "WECHAT_PRIVATE_KEY"),
        ("WECHAT_PRIVATE_KEY", &alipay_private, "WECHAT_PRIVATE_KEY"),
        ("WECHAT_PUBLIC_KEY", &wechat_private, "WECHAT_PUBLIC_KEY"),
        ("WECHAT_PUBLIC_KEY", &alipay_public, "WECHAT_PUBLIC_KEY"),
        ("WECHAT_PUBLIC_KEY", "", "WECHAT_PUBLIC_KEY"),
        ("WECHAT_PUBLIC_KEY_ID", "", "WECHAT_PUBLIC_KEY_ID"),
        ("WECHAT_PUBLIC_KEY_ID", "0119000001", "WECHAT_PUBLIC_KEY_ID"),
        ("WECHAT_GATEWAY", "https://openapi.alipay.com", "WECHAT_GATEWAY"),
        ("WECHAT_GATEWAY", "api.mch.weixin.qq.com", "WECHAT_GATEWAY"),
        ("WECHAT_MCHID", "1900000109", "WECHAT_MCHID"),
        ("ALIPAY_APP_ID", "wx1", "ALIPAY_APP_ID"),
        ("ALIPAY_APP_ID", &seller, "ALIPAY_APP_ID"),
        ("ALIPAY_MINI_APP_ID", &seller, "ALIPAY_MINI_APP_ID"),
        ("ALIPAY_SELLER_ID", &app, "ALIPAY_SELLER_ID"),
        ("ALIPAY_PRIVATE_KEY", &alipay_public, "ALIPAY_PRIVATE_KEY"),
        ("ALIPAY_PRIVATE_KEY", "", "ALIPAY_PRIVATE_KEY"),
        ("ALIPAY_PUBLIC_KEY", "", "ALIPAY_PUBLIC_KEY"),
        ("ALIPAY_PUBLIC_KEY", &alipay_private, "ALIPAY_PUBLIC_KEY"),
        ("ALIPAY_PUBLIC_KEY", &wechat_public, "ALIPAY_PUBLIC_KEY"),
        (
            "ALIPAY_GATEWAY",
            "https://api.mch.weixin.qq.com/gateway.do",
            "ALIPAY_GATEWAY",
        ),
        ("GATEWAYS", "both", "GATEWAYS"),
        ("PUBLIC_URL", "", "PUBLIC_URL"),
        ("PUBLIC_URL", "http://pay.example.com", "PUBLIC_URL"),
        ("PUBLIC_URL", "https://localhost", "PUBLIC_URL"),
        ("PUBLIC_URL", "https://10.0.0.1", "PUBLIC_URL"),
        ("PUBLIC_URL", "https://pay.example.com/tq", "PUBLIC_URL"),
        ("DATABASE_URL", "mysql://localhost/shop", "DATABASE_URL"),
        ("DATABASE_URL", "sqlite::memory:", "DATABASE_URL"),
        ("DATABASE_URL", &database_below_file, "DATABASE_URL"),
        (
            "DATABASE_URL",
            "postgres://nobody@127.0.0.1:9/shop",
            "DATABASE_URL",
        ),
        ("LISTEN", &taken, "LISTEN"),
        ("LISTEN", "3000", "LISTEN"),
        ("METRICS_LISTEN", &taken, "METRICS_LISTEN"),
        ("API_KEY", "short", "API_KEY"),
        ("ADMIN_EMAIL", "owner@example.com", "ADMIN_PASSWORD"),
        ("EXPIRY_CRON", "never", "EXPIRY_CRON"),
        ("BACKUP_DIR", &below_file, "BACKUP_DIR"),
        ("BACKUP_KEEP", "0", "BACKUP_KEEP"),
        ("SECRETS_KEY", "short", "SECRETS_KEY"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT"),
    ];
    for (setting, value, named) in cases {
        fails(
            dir.path(),
            &with(&sound, &[(setting, value)]),
            &["--offline"],
            named,
        );
    }
    // The second mistake of a set-up is told as well.
    let two = with(&sound, &[("LISTEN", "3000"), ("LOG_FORMAT", "xml")]);
    fails(dir.path(), &two, &["--offline"], "LISTEN");
    fails(dir.path(), &two, &["--offline"], "LOG_FORMAT");
    let entries: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "file")
        .collect();
    assert!(entries.is_empty(), "a doctor makes nothing: {entries:?}");
}

#[tokio::test]
async fn a_question_to_each_gateway_shows_what_the_settings_alone_do_not() {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let sound = sound(&gateways, dir.path());
    let said = passes(dir.path(), &sound, &[]);
    assert!(
        said.contains("warn  PUBLIC_URL: "),
        "no server runs there: {said}"
    );
    for (setting, value) in [
        ("WECHAT_SERIAL_NO", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
        ("WECHAT_MCH_ID", "1900000110"),
        ("WECHAT_GATEWAY", "http://127.0.0.1:9"),
        ("ALIPAY_APP_ID", "2021000000000001"),
        ("ALIPAY_GATEWAY", "http://127.0.0.1:9/gateway.do"),
    ] {
        fails(dir.path(), &with(&sound, &[(setting, value)]), &[], setting);
    }
}

#[tokio::test]
async fn a_running_server_and_its_database_are_no_faults() {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let server = Server::live(TempDir::new().unwrap(), &gateways, &[]);
    let mut running = gateways.settings.clone();
    running.push(("GATEWAYS".to_owned(), "live".to_owned()));
    running.push(("PUBLIC_URL".to_owned(), "https://pay.example.com".to_owned()));
    running.push(("LISTEN".to_owned(), server.address().to_owned()));
    let said = passes(server.dir.path(), &running, &["--offline"]);
    assert!(said.contains("held by our own server"), "{said}");
    assert!(said.contains("served by a running server"), "{said}");
    let api = Api::of(&server);
    api.payment(&api.order().await, "wechat").await;
    // A payment is open at another merchant, and a simulator would sell for play money.
    let other = with(&running, &[("WECHAT_MCH_ID", "1900000110")]);
    fails(server.dir.path(), &other, &["--offline"], "WECHAT_MCH_ID");
    let simulator = vec![("LISTEN".to_owned(), "127.0.0.1:0".to_owned())];
    fails(server.dir.path(), &simulator, &["--offline"], "GATEWAYS");
    assert_eq!(
        send(client().get(format!("{}/health/live", server.url)))
            .await
            .ok(200),
        json!({"status": "ok"})
    );
}

#[tokio::test]
async fn the_gateway_page_lists_what_the_start_found() {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let owner = [("ADMIN_EMAIL", OWNER.0), ("ADMIN_PASSWORD", OWNER.1)];
    let server = Server::live(TempDir::new().unwrap(), &gateways, &owner);
    let page = Visitor::owner(&server).await.get("/admin/gateways").await.text;
    assert!(page.contains("tongqian doctor"), "{page}");
    assert!(page.contains("fail PUBLIC_URL: "), "{page}");
    let quiet = super::console::visitor::server(&[]);
    let page = Visitor::owner(&quiet).await.get("/admin/gateways").await.text;
    assert!(
        !page.contains("tongqian doctor"),
        "nothing is wrong there: {page}"
    );
}

#[test]
fn a_simulator_set_up_is_sound() {
    let dir = TempDir::new().unwrap();
    let said = passes(dir.path(), &Vec::new(), &["--offline"]);
    assert!(!said.contains("warn  "), "{said}");
    passes(dir.path(), &Vec::new(), &[]);
    let server = Server::simulated(&[]);
    let settings = vec![("LISTEN".to_owned(), server.address().to_owned())];
    passes(server.dir.path(), &settings, &[]);
}
