//! Operators are told of incidents: robots check the signatures, and a mail server takes the mail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path, Query, State};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::api::{Api, pay};
use super::console::access::pages;
use super::console::visitor::{OWNER, Visitor, call_for_another_merchant, server, tells_of};
use super::server::{Server, run};

const SECRET: &str = "SECab+/=c";
const PATIENCE: Duration = Duration::from_mins(1);

/// Robots of all platforms. A request with a wrong signature is answered as the platforms do: HTTP 200 with another code.
#[derive(Clone, Default)]
struct Groups(Arc<Mutex<Vec<(String, String)>>>);

impl Groups {
    async fn listen_on(&self, listener: TcpListener) {
        let app = axum::Router::new()
            .route("/{robot}", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
    }

    fn told(&self, robot: &str) -> Vec<String> {
        let told = self.0.lock().unwrap();
        let of_robot = told.iter().filter(|(name, _)| name == robot);
        of_robot.map(|(_, body)| body.clone()).collect()
    }
}

async fn take(
    State(groups): State<Groups>,
    Path(robot): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    axum::Json(body): axum::Json<Value>,
) -> axum::Json<Value> {
    let field = |name: &str| query.get(name).cloned().unwrap_or_default();
    let is_signed = match robot.as_str() {
        "dingtalk" => {
            let timestamp = field("timestamp");
            let text = format!("{timestamp}\n{SECRET}");
            timestamp.len() == 13 && field("sign") == hmac_sha256(SECRET.as_bytes(), text.as_bytes())
        }
        "feishu" => {
            let timestamp = body["timestamp"].as_str().unwrap_or_default();
            let key = format!("{timestamp}\n{SECRET}");
            timestamp.len() == 10 && body["sign"] == hmac_sha256(key.as_bytes(), b"")
        }
        _ => field("key") == "hush",
    };
    if !is_signed {
        return axum::Json(json!({"errcode": 310_000, "code": 19_021}));
    }
    let text = match robot.as_str() {
        "feishu" => body["content"]["post"]["zh_cn"].to_string(),
        _ => body["markdown"].to_string(),
    };
    groups.0.lock().unwrap().push((robot, text));
    axum::Json(json!({"errcode": 0, "code": 0}))
}

/// Base64 of the HMAC of RFC 2104, with an implementation of its own; keys here are no longer than a block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let hash = |pad: u8, text: &[u8]| {
        Sha256::new()
            .chain_update(block.map(|byte| byte ^ pad))
            .chain_update(text)
            .finalize()
    };
    let inner = hash(0x36, message);
    STANDARD.encode(hash(0x5C, &inner))
}

/// A mail server that keeps the commands and mails that it is sent.
#[derive(Clone, Default)]
struct Mailboxes {
    said: Arc<Mutex<Vec<String>>>,
    has_starttls: bool,
}

impl Mailboxes {
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mailboxes = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mailboxes = mailboxes.clone();
                // A client may hang up at any time.
                tokio::spawn(async move { drop(mailboxes.serve(stream).await) });
            }
        });
        address
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.example ESMTP\r\n").await?;
        let mut is_mail = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            let answer = match line.split(' ').next().unwrap_or_default() {
                _ if is_mail && line != "." => "",
                "." => "250 2.0.0 queued",
                "EHLO" if self.has_starttls => "250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN",
                "EHLO" => "250-mail.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
                "AUTH" => "235 2.7.0 accepted",
                "STARTTLS" => "220 go ahead",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            is_mail = line == "DATA" || (is_mail && line != ".");
            self.said.lock().unwrap().push(line);
            if !answer.is_empty() {
                stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            }
        }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }
}

async fn wait_until(mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it does not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Raises an incident; the payment's order has this subject.
async fn raise(server: &Server) -> Value {
    let api = Api::of(server);
    let order = api.order().await;
    let payment = api.payment(&order, "wechat").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    let started = Instant::now();
    while api.get(&path).await.ok(200)["status"] != "paid" {
        assert!(started.elapsed() < PATIENCE, "it is not paid");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    call_for_another_merchant(server).await;
    order
}

async fn resolve(owner: &Visitor) {
    let page = owner.get("/admin/attention").await.text;
    let (_, rest) = page.split_once("/admin/attention/inc_").unwrap();
    let id = rest.split('/').next().unwrap();
    owner
        .submit(
            &format!("/admin/attention/inc_{id}/resolve"),
            &[("resolution", "known")],
        )
        .await;
}

#[tokio::test]
async fn every_robot_and_mailbox_is_told_of_an_incident_and_of_its_end() {
    let groups = Groups::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    groups.listen_on(listener).await;
    let mailboxes = Mailboxes::default();
    let smtp = format!(
        "smtp://ops%40example.com:pass%20word@{}?tls=none",
        mailboxes.listen().await
    );
    let server = server(&[
        ("NOTIFY_WECOM_URL", &format!("{base}/wecom?key=hush")),
        (
            "NOTIFY_DINGTALK_URL",
            &format!("{base}/dingtalk?access_token=hush"),
        ),
        ("NOTIFY_DINGTALK_SECRET", SECRET),
        ("NOTIFY_FEISHU_URL", &format!("{base}/feishu")),
        ("NOTIFY_FEISHU_SECRET", SECRET),
        ("SMTP_URL", &smtp),
        ("NOTIFY_EMAIL_FROM", "Tongqian <tongqian@example.com>"),
        ("NOTIFY_EMAIL_TO", "ops@example.com,boss@example.com"),
    ]);
    let order = raise(&server).await;
    let are_told = |n: usize| {
        let robots = ["wecom", "dingtalk", "feishu"];
        let n_mails = mailboxes.said().matches("\n.\n").count();
        robots.iter().all(|robot| groups.told(robot).len() == n) && n_mails == n
    };
    wait_until(|| are_told(1)).await;
    let link = format!("{}/admin/attention", server.url);
    for robot in ["wecom", "dingtalk", "feishu"] {
        let told = &groups.told(robot)[0];
        assert!(
            told.contains("不属于本商户的回调") && told.contains(&link),
            "{robot}: {told}"
        );
        let subject = order["subject"].as_str().unwrap();
        let user = order["userId"].as_str().unwrap();
        assert!(
            !told.contains(subject) && !told.contains(&format!("\"{user}\"")),
            "{robot}: {told}"
        );
    }
    let said = mailboxes.said();
    let login = STANDARD.encode("\0ops@example.com\0pass word");
    for line in [
        format!("AUTH PLAIN {login}").as_str(),
        "MAIL FROM:<tongqian@example.com>",
        "RCPT TO:<ops@example.com>",
        "RCPT TO:<boss@example.com>",
        "Auto-Submitted: auto-generated",
        "From: Tongqian <tongqian@example.com>",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    let owner = Visitor::owner(&server).await;
    resolve(&owner).await;
    wait_until(|| are_told(2)).await;
    assert!(groups.told("wecom")[1].contains("【已解决】"));
    let page = owner.submit("/admin/alarms/test", &[]).await;
    assert!(page.text.contains("The test message is queued"), "{}", page.text);
    wait_until(|| are_told(3)).await;
    assert!(groups.told("feishu")[2].contains("【测试】"));
    assert!(tells_of(&owner.get("/admin/audit-log").await.text, "test_alarms"));
    // Nowhere is shown what opens a group or a mailbox.
    for page in pages() {
        let text = owner.get(page).await.text;
        for secret in ["hush", SECRET, "pass word", "pass%20word"] {
            assert!(!text.contains(secret), "{page} shows {secret}");
        }
    }
}

#[tokio::test]
async fn a_message_survives_a_kill_while_its_robot_is_away() {
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    let url = format!("http://{address}/wecom?key=hush");
    let settings = [
        ("ADMIN_EMAIL", OWNER.0),
        ("ADMIN_PASSWORD", OWNER.1),
        ("NOTIFY_WECOM_URL", url.as_str()),
    ];
    let server = Server::simulated(&settings);
    raise(&server).await;
    let owner = Visitor::owner(&server).await;
    let started = Instant::now();
    while !owner.get("/admin/attention").await.text.contains("no connection") {
        assert!(started.elapsed() < PATIENCE, "no attempt was made");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let dir = server.kill();
    let groups = Groups::default();
    groups.listen_on(TcpListener::bind(address).await.unwrap()).await;
    let mut all = vec![("API_KEY", super::server::API_KEY)];
    all.extend(settings);
    let _server = Server::start_in(dir, &all);
    wait_until(|| groups.told("wecom").len() == 1).await;
    assert!(groups.told("wecom")[0].contains("【提醒】"));
}

#[tokio::test]
async fn no_mail_and_no_password_is_sent_without_encryption() {
    for has_starttls in [false, true] {
        let mailboxes = Mailboxes {
            has_starttls,
            ..Mailboxes::default()
        };
        let smtp = format!("smtp://ops:hush@{}", mailboxes.listen().await);
        let dir = tempfile::TempDir::new().unwrap();
        let settings = [
            ("LISTEN", "127.0.0.1:0"),
            ("SMTP_URL", smtp.as_str()),
            ("NOTIFY_EMAIL_FROM", "tongqian@example.com"),
            ("NOTIFY_EMAIL_TO", "ops@example.com"),
        ];
        let output = tokio::task::spawn_blocking({
            let settings = settings.map(|(name, value)| (name, value.to_owned()));
            move || {
                let settings: Vec<(&str, &str)> = settings
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                run(dir.path(), &settings, &["doctor"], "")
            }
        })
        .await
        .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains("fail  SMTP_URL: 127.0.0.1:"), "{told}");
        assert!(!told.contains("hush"), "{told}");
        let said = mailboxes.said();
        assert!(said.contains("EHLO"), "{said}");
        assert!(!said.contains("AUTH") && !said.contains("MAIL"), "{said}");
    }
}
