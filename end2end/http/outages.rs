//! A database that takes no writes, and one that is gone: reads continue, nothing is acknowledged, and everything recovers by
//! itself.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::api::{Answer, Api, client, pay, send};
use super::callbacks::{ONLY_CALLBACKS, deliver, headers_of, letter};
use super::console::visitor::{OWNER, Visitor};
use super::database::{execute, new_database};
use super::server::{Server, run};

const PATIENCE: Duration = Duration::from_secs(20);

async fn ready(server: &Server) -> Answer {
    send(client().get(format!("{}/health/ready", server.url))).await
}

async fn wait_until_ready(server: &Server, status: u16) -> Value {
    let started = Instant::now();
    loop {
        let answer = ready(server).await;
        if answer.status == status {
            return answer.json();
        }
        assert!(started.elapsed() < PATIENCE, "still {}", answer.status);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[track_caller]
fn is_unavailable(answer: &Answer) {
    answer.refused(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
}

/// A paid order whose notification is pending, and a logged-in person of the console.
struct Scene {
    api: Api,
    order: Value,
    payment: Value,
    told: Value,
    owner: Visitor,
}

impl Scene {
    async fn set(server: &Server) -> Scene {
        let api = Api::of(server);
        let order = api.order().await;
        let payment = api.payment(&order, "alipay").await;
        let mute = client()
            .post(format!("{}/faults", server.control()))
            .json(&json!({"kind": "mute"}));
        send(mute).await.ok(200);
        pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
        let told = letter(server, &payment, &json!({})).await;
        let owner = Visitor::owner(server).await;
        Scene {
            api,
            order,
            payment,
            told,
            owner,
        }
    }

    async fn call_back(&self, server: &Server) -> Answer {
        let body = self.told["body"].as_str().unwrap().as_bytes().to_vec();
        deliver(server, "alipay", headers_of(&self.told), body).await
    }

    async fn page(&self, last: &str) -> Answer {
        let url = format!("{}{last}", self.order["checkoutUrl"].as_str().unwrap());
        send(client().get(url).header("accept", "text/html")).await
    }

    /// Checks that nothing is promised that needs a write.
    async fn is_refused(&self, server: &Server) {
        let order = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
        is_unavailable(&self.api.post("/orders", &order).await);
        let told = self.call_back(server).await;
        assert!(
            told.status >= 500 && told.text == "failure",
            "{} {}",
            told.status,
            told.text
        );
        let path = format!("/admin/orders/{}/notes", self.order["id"].as_str().unwrap());
        let note = self.owner.post(&path, &[("text", "called the customer")]).await;
        assert_eq!(note.status, 503, "{}", note.text);
        assert!(note.text.contains("data-error"), "{}", note.text);
        // A payer is told on the page that the form came from.
        let token = self.order["checkoutUrl"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap();
        let form = client()
            .post(format!("{}/ui/start_payment", server.url))
            .header("accept", "text/html")
            .form(&[("token", token), ("method", "wechat")]);
        let form = send(form).await;
        assert_eq!(form.status, 303, "{}", form.text);
        assert!(
            form.header("location").unwrap().contains("error=out_of_service"),
            "{form:?}"
        );
    }

    /// Checks that what happened meanwhile at the gateway arrives, and that the books agree.
    async fn is_caught_up(&self, server: &Server, settings: &[(&str, &str)]) {
        assert_eq!(wait_until_ready(server, 200).await, json!({"status": "ok"}));
        let told = self.call_back(server).await;
        assert_eq!((told.status, told.text.as_str()), (200, "success"));
        self.api.wait_for(&self.payment, "success").await;
        self.api.order().await;
        let audit = run(server.dir.path(), settings, &["audit"], "");
        assert!(
            audit.status.success(),
            "{}",
            String::from_utf8_lossy(&audit.stdout)
        );
    }

    /// Checks everything that only reads.
    async fn still_shows(&self) {
        self.api.get("/orders").await.ok(200);
        for last in ["", "/status"] {
            let page = self.page(last).await;
            assert_eq!(page.status, 200, "{last}: {}", page.text);
        }
        let order = format!("/admin/orders/{}", self.order["id"].as_str().unwrap());
        for path in ["/admin", "/admin/orders", &order] {
            let page = self.owner.get(path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
        }
    }
}

fn settings<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![("ADMIN_EMAIL", OWNER.0), ("ADMIN_PASSWORD", OWNER.1)];
    all.extend(ONLY_CALLBACKS);
    all.extend(more);
    all
}

/// The soft limit only, so that it can be lifted again.
fn limit_file_size(server: &Server, limit: &str) {
    let pid = server.pid().to_string();
    let limit = format!("--fsize={limit}:");
    let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(limited.unwrap().success());
}

#[tokio::test]
async fn a_full_disk_stops_only_writes() {
    // The signal of a file that is too large would end the process, where a full disk is only an error.
    let server = Server::start_limited("trap '' XFSZ", &settings(&[]));
    let scene = Scene::set(&server).await;
    // A minute later the console would write that the session is still used.
    super::console::visitor::run_sql(&server, "update sessions set seen_at = seen_at - 90000").await;
    let wal = server.dir.path().join("data/tongqian.db-wal");
    limit_file_size(&server, &wal.metadata().unwrap().len().to_string());
    let started = Instant::now();
    let order = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
    while scene.api.post("/orders", &order).await.status == 201 {
        assert!(started.elapsed() < PATIENCE, "the limit is never reached");
    }
    let failing = wait_until_ready(&server, 503).await;
    assert_eq!(failing["failing"], "database");
    assert!(
        failing["reason"].as_str().unwrap().contains("written"),
        "{failing}"
    );
    scene.still_shows().await;
    scene.is_refused(&server).await;

    limit_file_size(&server, "unlimited");
    scene.is_caught_up(&server, &[]).await;
}

#[tokio::test]
async fn a_read_only_postgres_stops_only_writes() {
    let Some(url) = new_database("http_read_only").await else {
        return;
    };
    let server = Server::simulated(&settings(&[("DATABASE_URL", &url)]));
    let scene = Scene::set(&server).await;
    let name = url.rsplit('/').next().unwrap();
    let reconnect = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()"
    );
    execute(&format!(
        "alter database {name} set default_transaction_read_only = on"
    ))
    .await;
    execute(&reconnect).await;
    wait_until_unwritable(&server).await;
    scene.still_shows().await;
    scene.is_refused(&server).await;

    execute(&format!(
        "alter database {name} reset default_transaction_read_only"
    ))
    .await;
    execute(&reconnect).await;
    scene.is_caught_up(&server, &[("DATABASE_URL", &url)]).await;
}

/// Past the moment in which the connections themselves are lost.
async fn wait_until_unwritable(server: &Server) {
    let started = Instant::now();
    loop {
        let failing = wait_until_ready(server, 503).await;
        if failing["reason"].as_str().unwrap().contains("written") {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{failing}");
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
}

/// The way to a PostgreSQL that can be cut: connections end, and new ones are closed at once.
struct Line {
    url: String,
    is_cut: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
}

impl Line {
    async fn to(url: &str) -> Line {
        let (user, rest) = url.split_once('@').unwrap();
        let (host, name) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap();
        let (is_cut, cut) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(tokio::sync::Notify::new()),
        );
        let line = Line {
            url: format!("{user}@{near}/{name}"),
            is_cut: Arc::clone(&is_cut),
            cut: Arc::clone(&cut),
        };
        let far = host.to_owned();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let mut far = TcpStream::connect(&far).await.unwrap();
                let cut = Arc::clone(&cut);
                tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        line
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

// The line to the database needs a thread while the server is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_postgres_is_waited_for() {
    let Some(url) = new_database("http_dead").await else {
        return;
    };
    let line = Line::to(&url).await;
    let server = Server::simulated(&settings(&[("DATABASE_URL", &line.url)]));
    let scene = Scene::set(&server).await;
    line.cut();
    assert_eq!(wait_until_ready(&server, 503).await["failing"], "database");
    let live = send(client().get(format!("{}/health/live", server.url))).await;
    assert_eq!(live.status, 200);
    is_unavailable(&scene.api.get("/orders").await);
    scene.is_refused(&server).await;
    let page = scene.page("").await;
    assert_eq!(page.status, 503, "{}", page.text);
    assert!(page.text.contains("data-state=\"failed\""), "{}", page.text);
    let returned = scene.page("/wechat?code=a&state=b").await;
    assert_eq!(returned.status, 303, "{}", returned.text);
    assert!(
        returned
            .header("location")
            .unwrap()
            .contains("error=out_of_service"),
        "{returned:?}"
    );
    let overview = scene.owner.get("/admin").await;
    assert_eq!(overview.status, 503, "{}", overview.text);
    assert!(overview.text.contains("data-error"), "{}", overview.text);
    is_unavailable(
        &send(client().get(format!("{}/status", scene.order["checkoutUrl"].as_str().unwrap()))).await,
    );

    line.mend();
    scene.is_caught_up(&server, &[("DATABASE_URL", &url)]).await;
    scene.still_shows().await;
}
