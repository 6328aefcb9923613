//! The command line, as a person or a script meets it.

use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

use super::api::Api;
use super::console::visitor::{OWNER, Visitor};
use super::server::{Gateways, Server, run};

fn out(output: &std::process::Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn help_and_version_work_everywhere() {
    let dir = TempDir::new().unwrap();
    for args in [
        &["--help"][..],
        &["--version"],
        &["serve", "--help"],
        &["serve", "--version"],
        &["simulator", "--help"],
        &["admin", "create", "--help"],
        &["key", "create", "--version"],
        &["audit", "--help"],
        &["run-due", "--version"],
    ] {
        let (code, said, _) = out(&run(dir.path(), &[], args, ""));
        assert_eq!(code, Some(0), "{args:?}");
        assert!(said.contains("tongqian"), "{args:?}: {said}");
    }
    for args in [
        &["nonsense"][..],
        &["serve", "--port", "1"],
        &["admin"],
        &["key", "create"],
    ] {
        assert_eq!(out(&run(dir.path(), &[], args, "")).0, Some(2), "{args:?}");
    }
}

#[tokio::test]
async fn a_wrong_secrets_key_is_named() {
    const FIRST: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const OTHER: &str = "2222222222222222222222222222222222222222222222222222222222222222";
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite://{}/shop.db", dir.path().display());
    let with = |key| [("DATABASE_URL", url.clone()), ("SECRETS_KEY", key)];
    let due = |settings: &[(&str, String)]| {
        let settings: Vec<(&str, &str)> = settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        out(&run(dir.path(), &settings, &["run-due"], ""))
    };
    let args = ["admin", "create", "--email", "ann@example.com"];
    let settings = [("DATABASE_URL", url.as_str())];
    assert_eq!(
        out(&run(dir.path(), &settings, &args, "correct horse battery\n")).0,
        Some(0)
    );
    let key_file = dir.path().join("secrets.key");
    assert!(key_file.exists(), "the first start makes one");
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    // As an earlier version stored it.
    database
        .execute("update users set totp_secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'")
        .await
        .unwrap();
    assert_eq!(due(&with(FIRST.to_owned())).0, Some(0));
    let (seed,): (String,) = sqlx::query_as("select totp_secret from users")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!(seed.starts_with("sealed:1:"), "{seed}");
    database.close().await.unwrap();
    for refused in [due(&with(OTHER.to_owned())), due(&with("short".to_owned()))] {
        assert_eq!(refused.0, Some(2));
        assert!(refused.2.contains("SECRETS_KEY"), "{}", refused.2);
    }
    std::fs::remove_file(&key_file).unwrap();
    let (code, _, said) = out(&run(dir.path(), &settings, &["run-due"], ""));
    assert_eq!(code, Some(2));
    assert!(said.contains("SECRETS_KEY") && !key_file.exists(), "{said}");
    assert_eq!(due(&with(FIRST.to_owned())).0, Some(0));
}

#[test]
fn an_empty_database_is_sound_and_has_nothing_due() {
    let dir = TempDir::new().unwrap();
    assert_eq!(out(&run(dir.path(), &[], &["run-due"], "")).0, Some(0));
    let (code, said, _) = out(&run(dir.path(), &[], &["audit"], ""));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.lines().count() > 3 && said.lines().all(|line| line.starts_with("ok")),
        "{said}"
    );
}

#[tokio::test]
async fn an_audit_reports_a_removed_trigger() {
    let dir = TempDir::new().unwrap();
    let url = format!("sqlite://{}/shop.db", dir.path().display());
    let settings = [("DATABASE_URL", url.as_str())];
    assert_eq!(out(&run(dir.path(), &settings, &["run-due"], "")).0, Some(0));
    assert_eq!(out(&run(dir.path(), &settings, &["audit"], "")).0, Some(0));
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    connection
        .execute("drop trigger entries_are_not_changed")
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (code, said, _) = out(&run(dir.path(), &settings, &["audit"], ""));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("BROKEN 1\tthe database refuses"), "{said}");
}

#[test]
fn auditing_a_missing_database_fails_and_creates_none() {
    let dir = TempDir::new().unwrap();
    let nowhere = format!("sqlite://{}/typo/tongqian.db", dir.path().display());
    for settings in [&[][..], &[("DATABASE_URL", nowhere.as_str())]] {
        let (code, said, complaint) = out(&run(dir.path(), settings, &["audit"], ""));
        assert_eq!((code, said.as_str()), (Some(1), ""), "{complaint}");
        assert!(complaint.contains("DATABASE_URL"), "{complaint}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn an_admin_is_created_once_and_needs_a_real_password() {
    let dir = TempDir::new().unwrap();
    let create = |email: &str, role: &str, password: &str| {
        out(&run(
            dir.path(),
            &[],
            &["admin", "create", "--email", email, "--role", role],
            password,
        ))
    };
    let (code, said, complaint) = create("Owner@Example.com", "owner", "correct horse battery\n");
    assert_eq!(code, Some(0), "{complaint}");
    assert!(!said.contains("correct horse") && !complaint.contains("correct horse"));
    assert_eq!(
        create("owner@example.com", "viewer", "correct horse battery\n").0,
        Some(1)
    );
    assert_eq!(create("b@example.com", "viewer", "short\n").0, Some(2));
    assert_eq!(
        create("b@example.com", "king", "correct horse battery\n").0,
        Some(2)
    );
    assert_eq!(create("nobody", "viewer", "correct horse battery\n").0, Some(2));
}

#[tokio::test]
async fn the_first_start_prints_a_key_and_a_login_and_the_second_does_not() {
    let dir = TempDir::new().unwrap();
    let server = Server::start_in(dir, &[]);
    let key = server.printed("API key: ");
    let login = server.printed("Admin login: ");
    assert!(login.contains('@') && login.contains(" / "), "{login}");
    assert_eq!(Api::with_key(&server, &key).get("/orders").await.status, 200);
    let dir = server.kill();
    let mut server = Server::start_in(dir, &[]);
    assert_eq!(Api::with_key(&server, &key).get("/orders").await.status, 200);
    assert_eq!(server.terminate().0, Some(0));
    let rest = server.prints_further();
    assert!(
        !rest
            .iter()
            .any(|line| line.starts_with("API key:") || line.starts_with("Admin login:")),
        "{rest:?}"
    );
    for command in ["tongqian key create --name", "tongqian admin create --email"] {
        assert!(rest.iter().any(|line| line.contains(command)), "{rest:?}");
    }
    assert!(
        rest.contains(&format!("Console: {}/admin", server.url)),
        "{rest:?}"
    );
}

#[tokio::test]
async fn a_live_start_prints_the_merchant_accounts_and_warns_of_unencrypted_urls() {
    let simulator_dir = TempDir::new().unwrap();
    let gateways = Gateways::start(simulator_dir.path());
    let owner = [("ADMIN_EMAIL", OWNER.0), ("ADMIN_PASSWORD", OWNER.1)];
    let mut server = Server::live(TempDir::new().unwrap(), &gateways, &owner);
    let operator = Visitor::owner(&server).await;
    for path in ["/admin", "/admin/gateways"] {
        let page = operator.get(path).await.text;
        assert!(
            page.contains("PUBLIC_URL, WECHAT_GATEWAY, ALIPAY_GATEWAY"),
            "{path}: {page}"
        );
    }
    assert_eq!(server.terminate().0, Some(0));
    let said = server.prints_further().join("\n");
    let callbacks = format!("{}/api/billing/payments/notify", server.url);
    for part in [
        concat!("Version: ", env!("CARGO_PKG_VERSION")),
        "Database: SQLite data/tongqian.db",
        "WeChat Pay: live, merchant 1900000109, app wxd678efd56a1b2c3d, answers verified by WeChat Pay's public key PUB_KEY_ID_",
        "Alipay: live, app 9021000100000109, seller 2088101117955611, answers verified by Alipay's public key",
        &format!("Callbacks: {callbacks}/wechat {callbacks}/alipay"),
        &format!("Console: {}/admin", server.url),
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        !said.contains("PRIVATE KEY") && !said.contains("API key"),
        "{said}"
    );

    let simulated = super::console::visitor::server(&[]);
    let page = Visitor::owner(&simulated).await.get("/admin").await.text;
    assert!(!page.contains("WECHAT_GATEWAY"), "no money moves in a simulator");
}

#[tokio::test]
async fn metrics_have_a_listener_of_their_own() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let server = Server::simulated(&[("METRICS_LISTEN", &port)]);
    Api::of(&server).order().await;
    let page = super::api::send(super::api::client().get(format!("http://{port}/metrics"))).await;
    assert_eq!(page.status, 200);
    let line = page
        .text
        .lines()
        .find(|line| line.starts_with("tongqian_http_requests_total{"))
        .unwrap();
    assert!(
        line.contains("/api/billing/orders") && line.contains("201"),
        "{line}"
    );
}

#[tokio::test]
async fn after_a_clean_stop_the_database_file_alone_is_complete() {
    let mut server = Server::simulated(&[]);
    let api = Api::of(&server);
    for _ in 0..5 {
        api.order().await;
    }
    assert_eq!(server.terminate().0, Some(0));
    let (dir, file) = (TempDir::new().unwrap(), "data/tongqian.db");
    std::fs::create_dir(dir.path().join("data")).unwrap();
    std::fs::copy(server.dir.path().join(file), dir.path().join(file)).unwrap();
    let (code, said, complaint) = out(&run(dir.path(), &[], &["audit"], ""));
    assert_eq!(code, Some(0), "{said}{complaint}");
    let url = format!("sqlite://{}", dir.path().join(file).display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let n_orders: i64 = sqlx::query_scalar("select count(*) from orders")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(n_orders, 5);
}

#[cfg(unix)]
#[test]
fn the_database_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    assert_eq!(out(&run(dir.path(), &[], &["run-due"], "")).0, Some(0));
    for (path, expected) in [("data", 0o700), ("data/tongqian.db", 0o600)] {
        let found = std::fs::metadata(dir.path().join(path)).unwrap().permissions();
        assert_eq!(found.mode() & 0o777, expected, "{path}");
    }
}
