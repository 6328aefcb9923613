//! Backups: consistent whatever happens meanwhile, checked before they are needed, and a server that goes on from an old one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Connection as _;
use tempfile::TempDir;

use super::api::{Api, pay};
use super::callbacks::{ONLY_CALLBACKS, deliver, headers_of};
use super::server::{Gateways, Server, program, run};

fn url_of(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

fn database_of(server: &Server) -> PathBuf {
    server.dir.path().join("data/tongqian.db")
}

fn command(database: &Path, args: &[&str]) -> (Option<i32>, String) {
    let url = url_of(database);
    let output = run(
        database.parent().unwrap(),
        &[("DATABASE_URL", url.as_str())],
        args,
        "",
    );
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[track_caller]
fn is_sound(database: &Path, backup: &Path) {
    let (code, said) = command(database, &["restore-check", backup.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("newest order\t"), "{said}");
}

async fn order_ids(file: &Path) -> Vec<String> {
    let url = format!("{}?mode=ro", url_of(file));
    let mut rows = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let ids: Vec<(String,)> = sqlx::query_as("select id from orders")
        .fetch_all(&mut rows)
        .await
        .unwrap();
    rows.close().await.unwrap();
    ids.into_iter().map(|(id,)| id).collect()
}

async fn has_all(file: &Path, acknowledged: &[String]) {
    let held = order_ids(file).await;
    for id in acknowledged {
        assert!(held.contains(id), "{id} was acknowledged before the backup began");
    }
}

/// Programs that create orders as fast as they are answered, until the server is gone.
fn begin_load(server: &Server) -> Arc<Mutex<Vec<String>>> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..4 {
        let (api, acknowledged) = (Api::of(server), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            let body = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
            loop {
                let request = api.request(reqwest::Method::POST, "/orders").json(&body);
                let Ok(answer) = request.send().await else { return };
                let Ok(order) = answer.json::<serde_json::Value>().await else {
                    return;
                };
                let id = order["id"].as_str().unwrap().to_owned();
                acknowledged.lock().unwrap().push(id);
            }
        });
    }
    acknowledged
}

async fn wait_for_more(acknowledged: &Mutex<Vec<String>>, more: usize) -> Vec<String> {
    let begun = acknowledged.lock().unwrap().len();
    loop {
        let so_far = acknowledged.lock().unwrap().clone();
        if so_far.len() >= begun + more {
            return so_far;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_every_order_acknowledged_before_it_began() {
    let server = Server::simulated(&[]);
    let database = database_of(&server);
    let acknowledged = begin_load(&server);
    for round in 0..4 {
        let before = wait_for_more(&acknowledged, 20).await;
        let file = server.dir.path().join(format!("backup-{round}.db"));
        let (from, to) = (database.clone(), file.clone());
        let (code, said) =
            tokio::task::spawn_blocking(move || command(&from, &["backup", to.to_str().unwrap()]))
                .await
                .unwrap();
        assert_eq!(code, Some(0), "{said}");
        for path in [
            file.clone(),
            server.dir.path().join(format!("backup-{round}.db.sha256")),
        ] {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
        has_all(&file, &before).await;
        is_sound(&database, &file);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_under_the_name_of_a_backup_is_whole_whoever_is_killed() {
    for round in 0..4_u64 {
        let server = Server::simulated(&[]);
        let database = database_of(&server);
        let acknowledged = begin_load(&server);
        let before = wait_for_more(&acknowledged, 60).await;
        let file = server.dir.path().join("backup.db");
        let mut child = program(server.dir.path())
            .env("DATABASE_URL", url_of(&database))
            .args(["backup", file.to_str().unwrap()])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        let is_server_killed = round % 2 == 0;
        let dir = if is_server_killed {
            let dir = server.kill();
            assert!(child.wait().unwrap().success(), "a backup outlives the server");
            dir
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            server.kill()
        };
        assert!(file.exists() || !is_server_killed);
        if file.exists() {
            has_all(&file, &before).await;
            is_sound(&database, &file);
        }
        // Acknowledged orders are in the live database as well, and a killed backup does not disturb the next one.
        has_all(&database, &before).await;
        let next = dir.path().join("next.db");
        assert_eq!(command(&database, &["backup", next.to_str().unwrap()]).0, Some(0));
        is_sound(&database, &next);
    }
}

#[test]
fn a_backup_is_written_to_a_new_file_only() {
    let dir = TempDir::new().unwrap();
    let database = dir.path().join("shop.db");
    let backup = |name: &str| {
        let file = dir.path().join(name);
        command(&database, &["backup", file.to_str().unwrap()])
    };
    let (code, said) = backup("none.db");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("DATABASE_URL"), "{said}");
    assert_eq!(command(&database, &["run-due"]).0, Some(0));
    for taken in ["taken.db", "summed.db.sha256"] {
        std::fs::write(dir.path().join(taken), "mine").unwrap();
    }
    for name in ["taken.db", "summed.db"] {
        let (code, said) = backup(name);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("new file"), "{said}");
    }
    assert_eq!(
        std::fs::read_to_string(dir.path().join("taken.db")).unwrap(),
        "mine"
    );
    let (code, said) = backup("no/such/directory.db");
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(backup("good.db").0, Some(0));
    let left = std::fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("part")
        })
        .count();
    assert_eq!(left, 0);
}

#[test]
fn postgres_is_backed_up_by_its_own_tool() {
    let dir = TempDir::new().unwrap();
    let url = "postgres://shop:hush@db.example:5433/shop";
    let output = run(dir.path(), &[("DATABASE_URL", url)], &["backup", "x.db"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("DATABASE_URL") && said.contains("pg_dump"),
        "{said}"
    );
    assert!(
        said.contains("db.example:5433/shop") && !said.contains("hush"),
        "{said}"
    );
    let settings = [("DATABASE_URL", url), ("BACKUP_DIR", "backups")];
    let output = run(dir.path(), &settings, &["run-due"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BACKUP_DIR"));
}

#[test]
fn a_check_tells_a_damaged_backup() {
    let dir = TempDir::new().unwrap();
    let database = dir.path().join("shop.db");
    assert_eq!(command(&database, &["run-due"]).0, Some(0));
    let good = dir.path().join("good.db");
    assert_eq!(command(&database, &["backup", good.to_str().unwrap()]).0, Some(0));
    is_sound(&database, &good);
    let content = std::fs::read(&good).unwrap();
    let check = |name: &str, content: &[u8]| {
        let file = dir.path().join(name);
        std::fs::write(&file, content).unwrap();
        command(&database, &["restore-check", file.to_str().unwrap()])
    };
    let mut bent = content.clone();
    let at = bent.len() / 2 / 4096 * 4096;
    bent[at..at + 512].fill(0xFF);
    for (name, content, word) in [
        ("bent.db", bent.as_slice(), "BROKEN"),
        ("short.db", &content[..content.len() / 2], "BROKEN"),
        (
            "text.db",
            b"not a database, but long enough to be one".as_slice(),
            "BROKEN",
        ),
        ("empty.db", b"".as_slice(), "tables of Tongqian"),
    ] {
        let (code, said) = check(name, content);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(said.contains(word), "{name}: {said}");
    }
    std::fs::write(
        dir.path().join("summed.db.sha256"),
        format!("{}  summed.db\n", "0".repeat(64)),
    )
    .unwrap();
    let (code, said) = check("summed.db", &content);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("sum of the file"), "{said}");
    assert_eq!(command(&database, &["restore-check", "nowhere.db"]).0, Some(1));
}

async fn backup_incidents(database: &Path) -> Vec<(String, Option<i64>)> {
    let url = format!("{}?mode=ro", url_of(database));
    let mut rows = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let found = sqlx::query_as("select detail, resolved_at from incidents where kind = 'backup_failed'")
        .fetch_all(&mut rows)
        .await
        .unwrap();
    rows.close().await.unwrap();
    found
}

async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn scheduled_backups_are_kept_in_number_and_a_failure_is_an_incident_until_the_next_success() {
    let directory = TempDir::new().unwrap();
    let place = directory.path().join("backups");
    std::fs::write(&place, "a file where the directory should be").unwrap();
    let server = Server::simulated(&[
        ("BACKUP_DIR", place.to_str().unwrap()),
        ("BACKUP_CRON", "* * * * * *"),
        ("BACKUP_KEEP", "2"),
    ]);
    let database = database_of(&server);
    let is_open = async |expected: bool| {
        let found = backup_incidents(&database).await;
        found.len() == 1 && found[0].1.is_none() == expected
    };
    wait_until("the incident opens", async || is_open(true).await).await;
    std::fs::remove_file(&place).unwrap();
    wait_until("the incident closes", async || is_open(false).await).await;
    let names = || {
        let entries = std::fs::read_dir(&place).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".db"))
            .collect();
        names.sort_unstable();
        names
    };
    let first = names().first().cloned().unwrap();
    wait_until("the oldest is removed", async || !names().contains(&first)).await;
    wait_until("two are kept", async || names().len() == 2).await;
    drop(server);
    for name in names() {
        is_sound(&place.join("unused.db"), &place.join(name));
    }
}

/// The payment was made after the backup, so the restored database has never heard of it.
#[tokio::test]
async fn a_callback_about_a_payment_that_a_restored_database_does_not_know_is_kept() {
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let server = Server::live(TempDir::new().unwrap(), &gateways, &ONLY_CALLBACKS);
    let database = database_of(&server);
    let backup = dir.path().join("old.db");
    assert_eq!(
        command(&database, &["backup", backup.to_str().unwrap()]).0,
        Some(0)
    );
    let api = Api::of(&server);
    let mut letters = Vec::new();
    for method in ["wechat", "alipay"] {
        let payment = api.payment(&api.order().await, method).await;
        pay(&format!("{}/wallet", gateways.base), &payment["paymentUrl"]).await;
        let url = format!("{}/_control/notice", gateways.base);
        let letter = super::api::send(
            super::api::client()
                .post(url)
                .json(&json!({"outTradeNo": payment["paymentNo"]})),
        )
        .await
        .ok(200);
        letters.push((method, payment, letter));
    }
    let dir = server.kill();
    for ending in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{ending}", database.display())));
    }
    std::fs::copy(&backup, &database).unwrap();
    let server = Server::live(dir, &gateways, &ONLY_CALLBACKS);
    for (method, payment, letter) in &letters {
        let body = letter["body"].as_str().unwrap().as_bytes().to_vec();
        let answer = deliver(&server, method, headers_of(letter), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let number = payment["paymentNo"].as_str().unwrap();
        let mut rows = sqlx::SqliteConnection::connect(&format!("{}?mode=ro", url_of(&database)))
            .await
            .unwrap();
        let details: Vec<(String,)> =
            sqlx::query_as("select detail from incidents where resolved_at is null")
                .fetch_all(&mut rows)
                .await
                .unwrap();
        rows.close().await.unwrap();
        let told = |detail: &String| {
            [number, "9990 fen", "trade "]
                .iter()
                .all(|fact| detail.contains(fact))
        };
        assert!(details.iter().any(|(detail,)| told(detail)), "{details:?}");
    }
}

async fn rows_of<T>(database: &Path, sql: &'static str) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
{
    let url = format!("{}?mode=ro", url_of(database));
    let mut rows = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let found = sqlx::query_as(sql).fetch_all(&mut rows).await.unwrap();
    rows.close().await.unwrap();
    found
}

#[tokio::test]
async fn a_start_on_an_older_copy_is_an_incident_and_plans_the_statements_of_the_lost_days() {
    const INCIDENTS: &str = "select detail from incidents where kind = 'database_restored'";
    const DAYS: &str = "select day, channel from reconciliations where due_at > updated_at order by channel";
    let dir = TempDir::new().unwrap();
    let gateways = Gateways::start(dir.path());
    let server = Server::live(TempDir::new().unwrap(), &gateways, &ONLY_CALLBACKS);
    let database = database_of(&server);
    let api = Api::of(&server);
    api.order().await;
    let backup = dir.path().join("old.db");
    let made = command(&database, &["backup", backup.to_str().unwrap()]);
    assert_eq!(made.0, Some(0), "{}", made.1);
    let lost = api.order().await;
    let memory = PathBuf::from(format!("{}.last-change", database.display()));
    wait_until("the order is remembered", async || {
        let id = lost["id"].as_str().unwrap();
        std::fs::read_to_string(&memory).is_ok_and(|text| text.contains(id))
    })
    .await;
    let mode = std::fs::metadata(&memory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A start on the same database, also after kill -9, is nothing new.
    let server = Server::live(server.kill(), &gateways, &ONLY_CALLBACKS);
    assert_eq!(rows_of::<(String,)>(&database, INCIDENTS).await, []);
    let dir = server.kill();
    for ending in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{ending}", database.display())));
    }
    std::fs::copy(&backup, &database).unwrap();
    let server = Server::live(dir, &gateways, &ONLY_CALLBACKS);
    let told = rows_of::<(String,)>(&database, INCIDENTS).await;
    assert!(told.len() == 1 && told[0].0.contains("missing here"), "{told:?}");
    let days = rows_of::<(String, String)>(&database, DAYS).await;
    let channels: Vec<&str> = days.iter().map(|(_, channel)| channel.as_str()).collect();
    assert!(
        channels.contains(&"alipay") && channels.contains(&"wechat"),
        "{days:?}"
    );

    // It is told of once: what the database holds now is remembered from now on.
    let server = Server::live(server.kill(), &gateways, &ONLY_CALLBACKS);
    assert_eq!(rows_of::<(String,)>(&database, INCIDENTS).await.len(), 1);
    drop(server);
}
